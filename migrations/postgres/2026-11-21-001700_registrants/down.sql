DROP TABLE meeting_registration;
DROP TABLE meeting_registrants;
CREATE TABLE meeting_registrants (
    id TEXT NOT NULL PRIMARY KEY,
    meeting_id TEXT NOT NULL REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    person_ref TEXT NOT NULL,
    zoom_registrant_id TEXT,
    join_url_enc BYTEA,
    status TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    last_error TEXT,
    registered_at TIMESTAMP(3),
    created_at TIMESTAMP(3) NOT NULL,
    updated_at TIMESTAMP(3) NOT NULL,
    UNIQUE (meeting_id, person_ref)
);
CREATE INDEX meeting_registrants_person ON meeting_registrants (person_ref);
