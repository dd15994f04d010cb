-- Licences as leases, and what is wanted of a Zoom user.

-- Whether this program made the user: only then is their address at Zoom its business.
ALTER TABLE zoom_users ADD COLUMN made_by_us INTEGER NOT NULL DEFAULT 0 CHECK (made_by_us IN (0, 1));
-- The address that Zoom is still to be told.
ALTER TABLE zoom_users ADD COLUMN email_wanted TEXT;

-- One lease a Zoom user, because a licence is the user's and not the meeting's.
DROP TABLE licence_leases;
CREATE TABLE licence_leases (
    zoom_user_id TEXT NOT NULL PRIMARY KEY,
    -- The booking that it was needed for first; null when it was asked for by hand.
    owner_appointment TEXT,
    reason TEXT NOT NULL CHECK (reason IN ('long_meeting', 'registration', 'cloud_recording', 'asked')),
    from_at TEXT NOT NULL,
    -- Null: until it is given back by hand.
    until_at TEXT,
    -- `granting` and `returning` are intents: the request may be on its way, may be done, may be lost.
    state TEXT NOT NULL CHECK (state IN ('waiting', 'granting', 'held', 'returning')),
    state_at TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at TEXT,
    last_error TEXT,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX licence_leases_state ON licence_leases (state);

-- What holds for the account as a whole: one row.
CREATE TABLE licence_account (
    key TEXT NOT NULL PRIMARY KEY,
    -- How many seats there are to manage, and how long before a meeting they are given: as configured.
    seats INTEGER NOT NULL,
    margin_secs INTEGER NOT NULL,
    -- Zoom gave this many and no more; believed until the time beside it.
    seats_found INTEGER,
    seats_found_until TEXT,
    -- Since when there are, or will be, too few; null when there are enough.
    short_since TEXT,
    -- From when they do not suffice.
    short_from TEXT,
    short_by INTEGER NOT NULL
) STRICT;
