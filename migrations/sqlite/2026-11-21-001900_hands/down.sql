CREATE TABLE participant_matches_old (
    meeting_id TEXT NOT NULL REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    identity TEXT NOT NULL,
    person_ref TEXT NOT NULL,
    author TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (meeting_id, identity)
) STRICT, WITHOUT ROWID;
INSERT INTO participant_matches_old
    SELECT meeting_id, identity, person_ref, author, created_at FROM participant_matches WHERE person_ref IS NOT NULL;
DROP TABLE participant_matches;
ALTER TABLE participant_matches_old RENAME TO participant_matches;
DROP TABLE identity_matches;
DROP TABLE attendance_corrections;
