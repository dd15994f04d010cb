-- Marks, the rules they were given by, and how far Zoom's reports were read.
CREATE TABLE attendance_records (
    appointment_id TEXT NOT NULL REFERENCES appointments (id) ON DELETE CASCADE,
    person_ref TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('host', 'attendee')),
    status TEXT NOT NULL,
    score_milli BIGINT NOT NULL,
    attended_seconds BIGINT NOT NULL,
    first_join TIMESTAMP(3),
    last_leave TIMESTAMP(3),
    left_early BOOLEAN NOT NULL,
    host_absent BOOLEAN NOT NULL,
    provisional BOOLEAN NOT NULL,
    evidence TEXT NOT NULL,
    rules TEXT NOT NULL,
    -- A correction by hand stands beside the computed mark and survives every re-computation.
    corrected_status TEXT,
    corrected_note TEXT,
    corrected_by TEXT,
    corrected_at TIMESTAMP(3),
    created_at TIMESTAMP(3) NOT NULL,
    updated_at TIMESTAMP(3) NOT NULL,
    PRIMARY KEY (appointment_id, person_ref)
);
CREATE INDEX attendance_records_person ON attendance_records (person_ref);

CREATE TABLE attendance_rules (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMP(3) NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE meeting_reports (
    instance_uuid TEXT NOT NULL PRIMARY KEY,
    meeting_id TEXT NOT NULL REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'reading', 'complete', 'given_up')),
    attempts BIGINT NOT NULL,
    next_attempt_at TIMESTAMP(3),
    pages_read BIGINT NOT NULL,
    participants BIGINT NOT NULL,
    last_error TEXT,
    completed_at TIMESTAMP(3),
    created_at TIMESTAMP(3) NOT NULL,
    updated_at TIMESTAMP(3) NOT NULL
);
CREATE INDEX meeting_reports_meeting ON meeting_reports (meeting_id);
