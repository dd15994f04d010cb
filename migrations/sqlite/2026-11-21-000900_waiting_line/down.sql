DROP INDEX seats_until;
DROP TABLE seat_line;
