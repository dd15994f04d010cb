DROP TABLE installation;
DROP TABLE zoom_orphans;
DROP INDEX zoom_meetings_marker;
DROP INDEX zoom_meetings_host;
DROP TABLE meeting_looks;
