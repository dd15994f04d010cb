-- Zoom's counterpart of a booking, its runs, and who was seen in them.
CREATE TABLE zoom_meetings (
    id TEXT NOT NULL PRIMARY KEY,
    appointment_id TEXT NOT NULL UNIQUE REFERENCES appointments (id) ON DELETE CASCADE,
    zoom_meeting_id TEXT UNIQUE,
    zoom_uuid TEXT,
    host_id TEXT,
    host_email TEXT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'scheduled', 'started', 'ended', 'cancelled')),
    join_url TEXT,
    passcode_enc BLOB,
    registration_url TEXT,
    marker TEXT NOT NULL,
    synced_generation INTEGER NOT NULL,
    -- What Zoom was last told, so that an update sends only what changed.
    told TEXT,
    sync_state TEXT NOT NULL
        CHECK (sync_state IN ('in_sync', 'pending', 'waiting_for_host', 'parked', 'failed')),
    attempts INTEGER NOT NULL,
    last_error TEXT,
    next_attempt_at TEXT,
    -- The one operation in flight: written before its request leaves.
    op_id TEXT,
    op_kind TEXT,
    op_generation INTEGER,
    op_host TEXT,
    op_spec TEXT,
    op_started_at TEXT,
    -- "Gone" is believed at the second look.
    looks INTEGER NOT NULL,
    gone_at TEXT,
    started_at TEXT,
    ended_at TEXT,
    shard INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX zoom_meetings_sync_state ON zoom_meetings (sync_state);
CREATE INDEX zoom_meetings_status ON zoom_meetings (status);

-- Who holds which host when; `zoom_user_id` is Zoom's id or the e-mail in lower case.
CREATE TABLE seats (
    id TEXT NOT NULL PRIMARY KEY,
    zoom_user_id TEXT NOT NULL,
    appointment_id TEXT NOT NULL UNIQUE REFERENCES appointments (id) ON DELETE CASCADE,
    from_at TEXT NOT NULL,
    until_at TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX seats_user ON seats (zoom_user_id, from_at);

CREATE TABLE meeting_instances (
    uuid TEXT NOT NULL PRIMARY KEY,
    meeting_id TEXT NOT NULL REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    zoom_meeting_id TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX meeting_instances_meeting ON meeting_instances (meeting_id);

-- One device's join to leave. `instance_uuid` has no foreign key: events are a set, and a participant's
-- may come before the start of their instance.
CREATE TABLE zoom_participants (
    id INTEGER NOT NULL PRIMARY KEY,
    meeting_id TEXT NOT NULL REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    instance_uuid TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('webhook', 'report', 'app', 'hand')),
    room TEXT NOT NULL CHECK (room IN ('main', 'breakout', 'waiting')),
    connection_key TEXT NOT NULL,
    participant_uuid TEXT,
    user_id TEXT,
    zoom_user_id TEXT,
    registrant_id TEXT,
    customer_key TEXT,
    email TEXT,
    name TEXT NOT NULL,
    join_time TEXT,
    leave_time TEXT,
    leave_reason TEXT,
    person_ref TEXT,
    matched_by TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (instance_uuid, source, room, connection_key)
) STRICT;
CREATE INDEX zoom_participants_meeting ON zoom_participants (meeting_id);
CREATE INDEX zoom_participants_person ON zoom_participants (person_ref);

-- Identities settled by hand.
CREATE TABLE participant_matches (
    meeting_id TEXT NOT NULL REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    identity TEXT NOT NULL,
    person_ref TEXT NOT NULL,
    author TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (meeting_id, identity)
) STRICT, WITHOUT ROWID;

CREATE TABLE meeting_registrants (
    id TEXT NOT NULL PRIMARY KEY,
    meeting_id TEXT NOT NULL REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    person_ref TEXT NOT NULL,
    zoom_registrant_id TEXT,
    join_url_enc BLOB,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT,
    registered_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (meeting_id, person_ref)
) STRICT;
CREATE INDEX meeting_registrants_person ON meeting_registrants (person_ref);
