-- What Zoom said of a run beside the rows of its report, and whether somebody wants it read again.
-- `note`: what is to be known of the reading, in words for people; null when there is nothing.
ALTER TABLE meeting_reports ADD COLUMN note TEXT;
-- Entries of the report that were no rows.
ALTER TABLE meeting_reports ADD COLUMN unreadable BIGINT NOT NULL DEFAULT 0;
ALTER TABLE meeting_reports ADD COLUMN zoom_started_at TIMESTAMP(3);
ALTER TABLE meeting_reports ADD COLUMN zoom_ended_at TIMESTAMP(3);
ALTER TABLE meeting_reports ADD COLUMN duration_minutes BIGINT;
ALTER TABLE meeting_reports ADD COLUMN total_minutes BIGINT;
ALTER TABLE meeting_reports ADD COLUMN participants_count BIGINT;
-- Two counters make a wish that cannot be lost, as in `meeting_looks`.
ALTER TABLE meeting_reports ADD COLUMN reread_wanted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE meeting_reports ADD COLUMN reread_served BIGINT NOT NULL DEFAULT 0;
CREATE INDEX meeting_reports_done ON meeting_reports (completed_at, instance_uuid);

-- A row of Zoom's report as it came: times, duration, status, failover (JSON).
ALTER TABLE zoom_participants ADD COLUMN told TEXT;

-- Whether Zoom was asked for all runs of a meeting after its end: one whose webhooks were all lost is known only
-- by that. `misses`: how often Zoom said that it knows no such meeting.
CREATE TABLE meeting_judgings (
    meeting_id TEXT NOT NULL PRIMARY KEY REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    listed_at TIMESTAMP(3),
    misses BIGINT NOT NULL,
    -- Raised by whoever wants everything read again, and up to where that is begun.
    wanted BIGINT NOT NULL,
    served BIGINT NOT NULL,
    served_at TIMESTAMP(3)
);
-- Marks that were final before this are so still.
INSERT INTO meeting_judgings (meeting_id, listed_at, misses, wanted, served, served_at)
SELECT DISTINCT zoom_meetings.id, greatest(appointments.end_at, meeting_reports.updated_at), 0, 0, 0, NULL::timestamp
FROM meeting_reports
JOIN zoom_meetings ON zoom_meetings.id = meeting_reports.meeting_id
JOIN appointments ON appointments.id = zoom_meetings.appointment_id
WHERE meeting_reports.state IN ('complete', 'given_up')
ON CONFLICT (meeting_id) DO NOTHING;

-- A `convened resync --from` that is not through yet: the next one with the same span goes on where it stopped.
CREATE TABLE resyncs (
    span TEXT NOT NULL PRIMARY KEY,
    started_at TIMESTAMP(3) NOT NULL
);
