DROP TABLE attendance_pins;
ALTER TABLE attendance_rules DROP COLUMN author;
ALTER TABLE groups DROP COLUMN attendance_rules;
