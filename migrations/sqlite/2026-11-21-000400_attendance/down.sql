DROP TABLE meeting_reports;
DROP TABLE attendance_rules;
DROP TABLE attendance_records;
