-- Who goes first of what is due: cancels, then the meeting that starts soonest.
ALTER TABLE due_work ADD COLUMN rank_at TIMESTAMP(3) NOT NULL DEFAULT '1970-01-01 00:00:00';
UPDATE due_work SET rank_at = COALESCE(
    (SELECT CASE WHEN a.status = 'confirmed' OR a.status = 'in_progress' THEN a.start_at ELSE '1970-01-01 00:00:00' END
        FROM zoom_meetings m JOIN appointments a ON a.id = m.appointment_id WHERE m.id = due_work.key),
    due_at);
CREATE INDEX due_work_rank ON due_work (kind, rank_at, due_at);

-- Whether Zoom takes the account's credentials; one row, so that the loss is told once.
CREATE TABLE zoom_connection (
    id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('working', 'lost')),
    since TIMESTAMP(3) NOT NULL,
    -- The class of the refusal, never Zoom's own words.
    reason TEXT
);
