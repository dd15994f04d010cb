-- When the waiting for a run that Zoom would tell of was given up: without one, marks are final no earlier.
ALTER TABLE meeting_judgings ADD COLUMN given_up_at TIMESTAMP(3);
-- True where Zoom did not give its list of runs until then: that nobody came is not its word.
ALTER TABLE meeting_judgings ADD COLUMN unheard BOOLEAN NOT NULL DEFAULT FALSE;
-- Marks that were final before this are so still.
UPDATE meeting_judgings SET given_up_at = listed_at
WHERE NOT EXISTS (SELECT 1 FROM meeting_reports WHERE meeting_reports.meeting_id = meeting_judgings.meeting_id);
