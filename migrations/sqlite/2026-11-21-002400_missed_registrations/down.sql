ALTER TABLE meeting_registrants DROP COLUMN missed_at;
