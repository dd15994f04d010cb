DROP TABLE series_occurrences;
DROP TABLE series;
