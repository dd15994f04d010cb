-- The first host came later than the rules allow a host to.
ALTER TABLE attendance_records ADD COLUMN host_late BOOLEAN NOT NULL DEFAULT FALSE;
-- False where the host's absence or lateness may be the reason for the mark; rates leave such a mark out.
ALTER TABLE attendance_records ADD COLUMN held_against BOOLEAN NOT NULL DEFAULT TRUE;
-- Of the attended time, that with a host in the meeting (for a host: with an attendee).
ALTER TABLE attendance_records ADD COLUMN together_seconds BIGINT NOT NULL DEFAULT 0;
