ALTER TABLE zoom_meetings DROP COLUMN seen;
