-- When a booking lost its marks and its roster to age. A batch of the night is found by the index.
ALTER TABLE appointments ADD COLUMN forgotten_at TIMESTAMP(3);
CREATE INDEX appointments_remembered ON appointments (end_at, id) WHERE forgotten_at IS NULL;

-- For what is held about a person: the webhooks of their meetings, and what they wrote themselves.
CREATE INDEX webhook_events_meeting ON webhook_events (zoom_meeting_id, id);
CREATE INDEX appointments_created_by ON appointments (created_by);
CREATE INDEX attendance_corrections_author ON attendance_corrections (author);
CREATE INDEX participant_matches_author ON participant_matches (author);
CREATE INDEX identity_matches_author ON identity_matches (author);
