-- The rules for bookings of the group that name none themselves.
ALTER TABLE groups ADD COLUMN attendance_rules TEXT;

-- Who wrote a version: the subject of a token, or `configuration`.
ALTER TABLE attendance_rules ADD COLUMN author TEXT;

-- By which version a booking is scored: that of its first scoring, until somebody asks for another.
CREATE TABLE attendance_pins (
    appointment_id TEXT NOT NULL PRIMARY KEY REFERENCES appointments (id) ON DELETE CASCADE,
    -- As marks name it: `standard@1`.
    rules TEXT NOT NULL,
    -- Who moved it; NULL for that of the first scoring.
    moved_by TEXT,
    pinned_at TIMESTAMP(3) NOT NULL
);
INSERT INTO attendance_pins (appointment_id, rules, pinned_at)
    SELECT appointment_id, MIN(rules), MIN(created_at) FROM attendance_records GROUP BY appointment_id;
