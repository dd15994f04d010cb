DROP TABLE meeting_registrants;
DROP TABLE participant_matches;
DROP TABLE zoom_participants;
DROP TABLE meeting_instances;
DROP TABLE seats;
DROP TABLE zoom_meetings;
