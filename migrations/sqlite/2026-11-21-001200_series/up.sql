-- Recurring bookings. Every occurrence is an appointment of its own; here is what they have in common.
CREATE TABLE series (
    id TEXT NOT NULL PRIMARY KEY,
    -- RFC 5545. Its first time is `start_wall`, in `timezone`.
    rule TEXT NOT NULL,
    start_wall TEXT NOT NULL,
    timezone TEXT NOT NULL,
    -- What was left out, a JSON list of wall times of the rule.
    exdates TEXT NOT NULL,
    -- How much later, on the clock on the wall, the series takes place than the rule says, since it was moved.
    shift_seconds INTEGER NOT NULL,
    -- The series that this one was split from.
    continues TEXT REFERENCES series (id),
    created_by TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE series_occurrences (
    appointment_id TEXT NOT NULL PRIMARY KEY REFERENCES appointments (id) ON DELETE CASCADE,
    series_id TEXT NOT NULL REFERENCES series (id),
    -- The number by the rule, from 0; those left out count.
    position INTEGER NOT NULL,
    -- When the series has it. The appointment's own wall time differs when that one alone was moved.
    pattern_wall TEXT NOT NULL,
    UNIQUE (series_id, position)
) STRICT;
