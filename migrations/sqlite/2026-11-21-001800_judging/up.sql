-- What Zoom said of a run beside the rows of its report, and whether somebody wants it read again.
-- `note`: what is to be known of the reading, in words for people; null when there is nothing.
ALTER TABLE meeting_reports ADD COLUMN note TEXT;
-- Entries of the report that were no rows.
ALTER TABLE meeting_reports ADD COLUMN unreadable INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meeting_reports ADD COLUMN zoom_started_at TEXT;
ALTER TABLE meeting_reports ADD COLUMN zoom_ended_at TEXT;
ALTER TABLE meeting_reports ADD COLUMN duration_minutes INTEGER;
ALTER TABLE meeting_reports ADD COLUMN total_minutes INTEGER;
ALTER TABLE meeting_reports ADD COLUMN participants_count INTEGER;
-- Two counters make a wish that cannot be lost, as in `meeting_looks`.
ALTER TABLE meeting_reports ADD COLUMN reread_wanted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meeting_reports ADD COLUMN reread_served INTEGER NOT NULL DEFAULT 0;
CREATE INDEX meeting_reports_done ON meeting_reports (completed_at, instance_uuid);

-- A row of Zoom's report as it came: times, duration, status, failover (JSON).
ALTER TABLE zoom_participants ADD COLUMN told TEXT;

-- Whether Zoom was asked for all runs of a meeting after its end: one whose webhooks were all lost is known only
-- by that. `misses`: how often Zoom said that it knows no such meeting.
CREATE TABLE meeting_judgings (
    meeting_id TEXT NOT NULL PRIMARY KEY REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    listed_at TEXT,
    misses INTEGER NOT NULL,
    -- Raised by whoever wants everything read again, and up to where that is begun.
    wanted INTEGER NOT NULL,
    served INTEGER NOT NULL,
    served_at TEXT
) STRICT, WITHOUT ROWID;
-- Marks that were final before this are so still.
INSERT INTO meeting_judgings (meeting_id, listed_at, misses, wanted, served, served_at)
SELECT DISTINCT zoom_meetings.id, max(appointments.end_at, meeting_reports.updated_at), 0, 0, 0, NULL
FROM meeting_reports
JOIN zoom_meetings ON zoom_meetings.id = meeting_reports.meeting_id
JOIN appointments ON appointments.id = zoom_meetings.appointment_id
WHERE meeting_reports.state IN ('complete', 'given_up')
ON CONFLICT (meeting_id) DO NOTHING;

-- A `convened resync --from` that is not through yet: the next one with the same span goes on where it stopped.
CREATE TABLE resyncs (
    span TEXT NOT NULL PRIMARY KEY,
    started_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
