ALTER TABLE meeting_judgings DROP COLUMN unheard;
ALTER TABLE meeting_judgings DROP COLUMN given_up_at;
