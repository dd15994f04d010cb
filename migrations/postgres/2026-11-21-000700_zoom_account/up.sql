-- The Zoom account: its users, their licences, its recordings and its authorisation.
CREATE TABLE zoom_users (
    zoom_user_id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    -- Zoom's own numbers: 1 basic, 2 licensed, 4 unassigned, 99 none.
    type BIGINT NOT NULL,
    status TEXT NOT NULL,
    person_ref TEXT,
    display_name TEXT,
    seen_at TIMESTAMP(3) NOT NULL
);
CREATE INDEX zoom_users_person ON zoom_users (person_ref);

CREATE TABLE licence_leases (
    id TEXT NOT NULL PRIMARY KEY,
    zoom_user_id TEXT NOT NULL,
    owner_appointment TEXT,
    reason TEXT NOT NULL,
    from_at TIMESTAMP(3) NOT NULL,
    until_at TIMESTAMP(3),
    state TEXT NOT NULL,
    created_at TIMESTAMP(3) NOT NULL
);
CREATE INDEX licence_leases_user ON licence_leases (zoom_user_id, state);

CREATE TABLE recordings (
    id TEXT NOT NULL PRIMARY KEY,
    meeting_id TEXT REFERENCES zoom_meetings (id) ON DELETE SET NULL,
    zoom_meeting_id TEXT NOT NULL,
    instance_uuid TEXT NOT NULL,
    file_type TEXT,
    recording_type TEXT,
    file_size BIGINT,
    download_url_enc BYTEA,
    play_url TEXT,
    started_at TIMESTAMP(3),
    ended_at TIMESTAMP(3),
    published_at TIMESTAMP(3),
    state TEXT NOT NULL,
    created_at TIMESTAMP(3) NOT NULL,
    updated_at TIMESTAMP(3) NOT NULL
);
CREATE INDEX recordings_meeting ON recordings (meeting_id);

CREATE TABLE oauth_connections (
    id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    account_id TEXT,
    access_token_enc BYTEA,
    refresh_token_enc BYTEA,
    expires_at TIMESTAMP(3),
    scopes TEXT,
    state TEXT NOT NULL,
    created_at TIMESTAMP(3) NOT NULL,
    updated_at TIMESTAMP(3) NOT NULL
);

CREATE TABLE oauth_states (
    state TEXT NOT NULL PRIMARY KEY,
    verifier_enc BYTEA NOT NULL,
    created_at TIMESTAMP(3) NOT NULL,
    used_at TIMESTAMP(3)
);
