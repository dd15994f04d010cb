DROP INDEX identity_matches_author;
DROP INDEX participant_matches_author;
DROP INDEX attendance_corrections_author;
DROP INDEX appointments_created_by;
DROP INDEX webhook_events_meeting;
DROP INDEX appointments_remembered;
ALTER TABLE appointments DROP COLUMN forgotten_at;
