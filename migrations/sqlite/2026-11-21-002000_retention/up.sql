-- What age has done to a booking: first who took part in it becomes nameless, then it is put away.
ALTER TABLE appointments ADD COLUMN anonymised_at TEXT;
ALTER TABLE appointments ADD COLUMN archived_at TEXT;
CREATE INDEX appointments_ageing ON appointments (end_at) WHERE archived_at IS NULL;

-- People who are being erased, and that others were. `person_ref` and `words` (what has to go) are there only until it
-- is done; `fingerprint` is a keyed digest of the `ref`, by which a repeated request is known.
CREATE TABLE erasures (
    erased_ref TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    person_ref TEXT,
    words TEXT,
    requested_at TEXT NOT NULL,
    finished_at TEXT,
    changes INTEGER NOT NULL
) STRICT;
CREATE INDEX erasures_fingerprint ON erasures (fingerprint);
