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
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX people_email_key ON people (email_key);

CREATE TABLE groups (
    ref TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('class', 'match')),
    name TEXT NOT NULL,
    dissolved_at TEXT,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE group_members (
    group_ref TEXT NOT NULL REFERENCES groups (ref) ON DELETE CASCADE,
    person_ref TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('host', 'attendee')),
    position INTEGER NOT NULL,
    PRIMARY KEY (group_ref, person_ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_person ON group_members (person_ref);
