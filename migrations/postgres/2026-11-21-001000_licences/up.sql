-- Licences as leases, and what is wanted of a Zoom user.

-- Whether this program made the user: only then is their address at Zoom its business.
ALTER TABLE zoom_users ADD COLUMN made_by_us BOOLEAN NOT NULL DEFAULT FALSE;
-- The address that Zoom is still to be told.
ALTER TABLE zoom_users ADD COLUMN email_wanted TEXT;

-- One lease a Zoom user, because a licence is the user's and not the meeting's.
DROP TABLE licence_leases;
CREATE TABLE licence_leases (
    zoom_user_id TEXT NOT NULL PRIMARY KEY,
    -- The booking that it was needed for first; null when it was asked for by hand.
    owner_appointment TEXT,
    reason TEXT NOT NULL CHECK (reason IN ('long_meeting', 'registration', 'cloud_recording', 'asked')),
    from_at TIMESTAMP(3) NOT NULL,
    -- Null: until it is given back by hand.
    until_at TIMESTAMP(3),
    -- `granting` and `returning` are intents: the request may be on its way, may be done, may be lost.
    state TEXT NOT NULL CHECK (state IN ('waiting', 'granting', 'held', 'returning')),
    state_at TIMESTAMP(3) NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_at TIMESTAMP(3),
    last_error TEXT,
    created_at TIMESTAMP(3) NOT NULL
);
CREATE INDEX licence_leases_state ON licence_leases (state);

-- What holds for the account as a whole: one row.
CREATE TABLE licence_account (
    key TEXT NOT NULL PRIMARY KEY,
    -- How many seats there are to manage, and how long before a meeting they are given: as configured.
    seats BIGINT NOT NULL,
    margin_secs BIGINT NOT NULL,
    -- Zoom gave this many and no more; believed until the time beside it.
    seats_found BIGINT,
    seats_found_until TIMESTAMP(3),
    -- Since when there are, or will be, too few; null when there are enough.
    short_since TIMESTAMP(3),
    -- From when they do not suffice.
    short_from TIMESTAMP(3),
    short_by BIGINT NOT NULL
);
