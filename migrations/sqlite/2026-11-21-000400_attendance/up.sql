-- Marks, the rules they were given by, and how far Zoom's reports were read.
CREATE TABLE attendance_records (
    appointment_id TEXT NOT NULL REFERENCES appointments (id) ON DELETE CASCADE,
    person_ref TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('host', 'attendee')),
    status TEXT NOT NULL,
    score_milli INTEGER NOT NULL,
    attended_seconds INTEGER NOT NULL,
    first_join TEXT,
    last_leave TEXT,
    left_early INTEGER NOT NULL CHECK (left_early IN (0, 1)),
    host_absent INTEGER NOT NULL CHECK (host_absent IN (0, 1)),
    provisional INTEGER NOT NULL CHECK (provisional IN (0, 1)),
    evidence TEXT NOT NULL,
    rules TEXT NOT NULL,
    -- A correction by hand stands beside the computed mark and survives every re-computation.
    corrected_status TEXT,
    corrected_note TEXT,
    corrected_by TEXT,
    corrected_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (appointment_id, person_ref)
) STRICT;
CREATE INDEX attendance_records_person ON attendance_records (person_ref);

CREATE TABLE attendance_rules (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (name, version)
) STRICT;

CREATE TABLE meeting_reports (
    instance_uuid TEXT NOT NULL PRIMARY KEY,
    meeting_id TEXT NOT NULL REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'reading', 'complete', 'given_up')),
    attempts INTEGER NOT NULL,
    next_attempt_at TEXT,
    pages_read INTEGER NOT NULL,
    participants INTEGER NOT NULL,
    last_error TEXT,
    completed_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX meeting_reports_meeting ON meeting_reports (meeting_id);
