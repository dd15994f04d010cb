-- The Zoom account: its users, their licences, its recordings and its authorisation.
CREATE TABLE zoom_users (
    zoom_user_id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    -- Zoom's own numbers: 1 basic, 2 licensed, 4 unassigned, 99 none.
    type INTEGER NOT NULL,
    status TEXT NOT NULL,
    person_ref TEXT,
    display_name TEXT,
    seen_at TEXT NOT NULL
) STRICT;
CREATE INDEX zoom_users_person ON zoom_users (person_ref);

CREATE TABLE licence_leases (
    id TEXT NOT NULL PRIMARY KEY,
    zoom_user_id TEXT NOT NULL,
    owner_appointment TEXT,
    reason TEXT NOT NULL,
    from_at TEXT NOT NULL,
    until_at TEXT,
    state TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX licence_leases_user ON licence_leases (zoom_user_id, state);

CREATE TABLE recordings (
    id TEXT NOT NULL PRIMARY KEY,
    meeting_id TEXT REFERENCES zoom_meetings (id) ON DELETE SET NULL,
    zoom_meeting_id TEXT NOT NULL,
    instance_uuid TEXT NOT NULL,
    file_type TEXT,
    recording_type TEXT,
    file_size INTEGER,
    download_url_enc BLOB,
    play_url TEXT,
    started_at TEXT,
    ended_at TEXT,
    published_at TEXT,
    state TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX recordings_meeting ON recordings (meeting_id);

CREATE TABLE oauth_connections (
    id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    account_id TEXT,
    access_token_enc BLOB,
    refresh_token_enc BLOB,
    expires_at TEXT,
    scopes TEXT,
    state TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE oauth_states (
    state TEXT NOT NULL PRIMARY KEY,
    verifier_enc BLOB NOT NULL,
    created_at TEXT NOT NULL,
    used_at TEXT
) STRICT;
