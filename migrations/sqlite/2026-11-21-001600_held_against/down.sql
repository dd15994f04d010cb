ALTER TABLE attendance_records DROP COLUMN together_seconds;
ALTER TABLE attendance_records DROP COLUMN held_against;
ALTER TABLE attendance_records DROP COLUMN host_late;
