-- Registrations as Zoom keeps them: by address and for one Zoom number. Nothing was ever written to the earlier table.
DROP TABLE meeting_registrants;
CREATE TABLE meeting_registrants (
    id TEXT NOT NULL PRIMARY KEY,
    meeting_id TEXT NOT NULL REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    -- For which of the meeting's numbers: one that was made again at Zoom has none of the old registrations.
    zoom_meeting_id TEXT NOT NULL,
    -- Whose; null for somebody who registered at Zoom under an address that nobody on the roster has.
    person_ref TEXT,
    -- The address it is under, as it was told and as it is compared.
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Zoom's side; people with one address share it.
    zoom_registrant_id TEXT,
    join_url_enc BLOB,
    status TEXT NOT NULL CHECK (status IN ('new', 'approved', 'pending', 'denied', 'cancelled', 'closed')),
    -- What Zoom was asked for without our having the answer.
    asked TEXT CHECK (asked IN ('add', 'approve', 'cancel')),
    -- Removed by hand, here.
    barred INTEGER NOT NULL CHECK (barred IN (0, 1)),
    -- To be tried in a request of its own.
    alone INTEGER NOT NULL CHECK (alone IN (0, 1)),
    attempts INTEGER NOT NULL,
    last_error TEXT,
    next_attempt_at TEXT,
    registered_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX meeting_registrants_of_meeting
    ON meeting_registrants (meeting_id, zoom_meeting_id, email_key, person_ref);
CREATE INDEX meeting_registrants_person ON meeting_registrants (person_ref);
CREATE INDEX meeting_registrants_email ON meeting_registrants (email_key);

-- How far a meeting's registrations are. A meeting without a row has never had any.
CREATE TABLE meeting_registration (
    meeting_id TEXT NOT NULL PRIMARY KEY REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    zoom_meeting_id TEXT NOT NULL,
    -- Somebody wants Zoom's lists read.
    look INTEGER NOT NULL CHECK (look IN (0, 1)),
    looked_at TEXT,
    asked_at TEXT,
    attempts INTEGER NOT NULL,
    last_error TEXT,
    next_attempt_at TEXT,
    updated_at TEXT NOT NULL
) STRICT;
