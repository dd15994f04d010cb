-- When Zoom's lists were first read without a registration that should be in them: one reading is not believed.
ALTER TABLE meeting_registrants ADD COLUMN missed_at TEXT;
