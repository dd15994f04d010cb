DROP INDEX attendance_records_counted;
ALTER TABLE zoom_meetings DROP COLUMN seen;
