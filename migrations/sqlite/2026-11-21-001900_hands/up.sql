-- Every word of a hand about a mark, in order: the last one about a person counts. `attendance_records` has a copy
-- of it beside each mark; here it also waits for marks that are not made yet.
CREATE TABLE attendance_corrections (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    appointment_id TEXT NOT NULL REFERENCES appointments (id) ON DELETE CASCADE,
    person_ref TEXT NOT NULL,
    -- NULL: the correction was lifted.
    status TEXT CHECK (status IN ('present', 'late', 'partial', 'absent', 'excused')),
    note TEXT,
    author TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;
CREATE INDEX attendance_corrections_mark ON attendance_corrections (appointment_id, person_ref);
CREATE INDEX attendance_corrections_person ON attendance_corrections (person_ref);

-- What was settled by hand of an identity that means the same person in every meeting: an account, an address, a
-- registration, our own key; never a name.
CREATE TABLE identity_matches (
    identity TEXT NOT NULL PRIMARY KEY,
    -- NULL: nobody we know.
    person_ref TEXT,
    author TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_matches_person ON identity_matches (person_ref);

-- A participant may also be settled to be nobody we know.
CREATE TABLE participant_matches_new (
    meeting_id TEXT NOT NULL REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    identity TEXT NOT NULL,
    person_ref TEXT,
    author TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (meeting_id, identity)
) STRICT, WITHOUT ROWID;
INSERT INTO participant_matches_new SELECT meeting_id, identity, person_ref, author, created_at FROM participant_matches;
DROP TABLE participant_matches;
ALTER TABLE participant_matches_new RENAME TO participant_matches;
CREATE INDEX participant_matches_person ON participant_matches (person_ref);
CREATE INDEX participant_matches_identity ON participant_matches (identity);
