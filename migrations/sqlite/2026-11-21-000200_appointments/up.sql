-- Bookings: what the callers want. Everything else follows from these rows.
CREATE TABLE appointments (
    id TEXT NOT NULL PRIMARY KEY,
    ref TEXT UNIQUE,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    start_at TEXT NOT NULL,
    end_at TEXT NOT NULL,
    duration_minutes INTEGER NOT NULL,
    timezone TEXT NOT NULL,
    wall_time TEXT NOT NULL,
    host_ref TEXT,
    group_ref TEXT,
    status TEXT NOT NULL
        CHECK (status IN ('requested', 'confirmed', 'in_progress', 'completed', 'no_show', 'cancelled')),
    settings TEXT NOT NULL,
    target_audience TEXT,
    attendance_rules TEXT,
    on_conflict TEXT NOT NULL,
    origin TEXT NOT NULL,
    -- Raised by every change that Zoom must learn of; `zoom_meetings.synced_generation` follows it.
    generation INTEGER NOT NULL,
    version INTEGER NOT NULL,
    cancel_reason TEXT,
    created_by TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX appointments_start ON appointments (start_at);
CREATE INDEX appointments_status ON appointments (status, start_at);
CREATE INDEX appointments_host ON appointments (host_ref, start_at);
CREATE INDEX appointments_group ON appointments (group_ref, start_at);

CREATE TABLE appointment_attendees (
    appointment_id TEXT NOT NULL REFERENCES appointments (id) ON DELETE CASCADE,
    person_ref TEXT NOT NULL,
    position INTEGER NOT NULL,
    via TEXT NOT NULL CHECK (via IN ('direct', 'group')),
    PRIMARY KEY (appointment_id, person_ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX appointment_attendees_person ON appointment_attendees (person_ref);

-- The timeline of a booking, in the order of `id`.
CREATE TABLE story (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    appointment_id TEXT NOT NULL REFERENCES appointments (id) ON DELETE CASCADE,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    details TEXT
) STRICT;
CREATE INDEX story_appointment ON story (appointment_id, id);

-- First answers to requests with an Idempotency-Key, given again to a repetition.
CREATE TABLE idempotency_keys (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done')),
    status INTEGER,
    body TEXT,
    appointment_id TEXT,
    created_at TEXT NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT;
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
