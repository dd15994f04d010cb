-- The first host came later than the rules allow a host to.
ALTER TABLE attendance_records ADD COLUMN host_late INTEGER NOT NULL DEFAULT 0 CHECK (host_late IN (0, 1));
-- False where the host's absence or lateness may be the reason for the mark; rates leave such a mark out.
ALTER TABLE attendance_records ADD COLUMN held_against INTEGER NOT NULL DEFAULT 1 CHECK (held_against IN (0, 1));
-- Of the attended time, that with a host in the meeting (for a host: with an attendee).
ALTER TABLE attendance_records ADD COLUMN together_seconds INTEGER NOT NULL DEFAULT 0;
