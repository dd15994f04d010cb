-- People and groups, as the calling systems push them. A roster may name a person before the person
-- arrives, so `person_ref` columns carry no foreign key, here and in every other migration.
CREATE TABLE people (
    ref TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT,
    -- `email` in lower case: the two databases fold case differently, so the program does it.
    email_key TEXT,
    role TEXT NOT NULL CHECK (role IN ('service', 'admin', 'host', 'attendee')),
    timezone TEXT,
    zoom_user TEXT,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMP(3) NOT NULL,
    updated_at TIMESTAMP(3) NOT NULL
);
CREATE INDEX people_email_key ON people (email_key);

CREATE TABLE groups (
    ref TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('class', 'match')),
    name TEXT NOT NULL,
    dissolved_at TIMESTAMP(3),
    version BIGINT NOT NULL,
    created_at TIMESTAMP(3) NOT NULL,
    updated_at TIMESTAMP(3) NOT NULL
);

CREATE TABLE group_members (
    group_ref TEXT NOT NULL REFERENCES groups (ref) ON DELETE CASCADE,
    person_ref TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('host', 'attendee')),
    position BIGINT NOT NULL,
    PRIMARY KEY (group_ref, person_ref)
);
CREATE INDEX group_members_person ON group_members (person_ref);
