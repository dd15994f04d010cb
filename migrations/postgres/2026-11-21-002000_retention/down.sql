DROP TABLE erasures;
DROP INDEX appointments_ageing;
ALTER TABLE appointments DROP COLUMN archived_at;
ALTER TABLE appointments DROP COLUMN anonymised_at;
