DROP INDEX participant_matches_identity;
DROP INDEX participant_matches_person;
DELETE FROM participant_matches WHERE person_ref IS NULL;
ALTER TABLE participant_matches ALTER COLUMN person_ref SET NOT NULL;
DROP TABLE identity_matches;
DROP TABLE attendance_corrections;
