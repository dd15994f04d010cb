-- What age has done to a booking: first who took part in it becomes nameless, then it is put away.
ALTER TABLE appointments ADD COLUMN anonymised_at TIMESTAMP(3);
ALTER TABLE appointments ADD COLUMN archived_at TIMESTAMP(3);
CREATE INDEX appointments_ageing ON appointments (end_at) WHERE archived_at IS NULL;

-- People who are being erased, and that others were. `person_ref` and `words` (what has to go) are there only until it
-- is done; `fingerprint` is a keyed digest of the `ref`, by which a repeated request is known.
CREATE TABLE erasures (
    erased_ref TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    person_ref TEXT,
    words TEXT,
    requested_at TIMESTAMP(3) NOT NULL,
    finished_at TIMESTAMP(3),
    changes BIGINT NOT NULL
);
CREATE INDEX erasures_fingerprint ON erasures (fingerprint);
