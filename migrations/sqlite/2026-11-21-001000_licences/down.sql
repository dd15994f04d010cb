DROP TABLE licence_account;
DROP TABLE licence_leases;
CREATE TABLE licence_leases (
    id TEXT NOT NULL PRIMARY KEY,
    zoom_user_id TEXT NOT NULL,
    owner_appointment TEXT,
    reason TEXT NOT NULL,
    from_at TEXT NOT NULL,
    until_at TEXT,
    state TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX licence_leases_user ON licence_leases (zoom_user_id, state);
ALTER TABLE zoom_users DROP COLUMN email_wanted;
ALTER TABLE zoom_users DROP COLUMN made_by_us;
