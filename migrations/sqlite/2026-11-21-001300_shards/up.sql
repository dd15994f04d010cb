-- Several processes on one database (PostgreSQL) deal out the meetings in 64 parts. Always empty on SQLite: there
-- the one process has everything, and only the columns are kept right.
CREATE TABLE shards (
    shard INTEGER NOT NULL PRIMARY KEY,
    -- Raised by whoever takes the shard: a process that slept through that finds its writes refused.
    epoch INTEGER NOT NULL,
    -- Machine and process id, for the operator.
    owner TEXT NOT NULL,
    taken_at TEXT NOT NULL
) STRICT;

-- As domain::shard has it: the last two hexadecimal digits of the meeting's id, modulo 64.
UPDATE zoom_meetings SET shard = (
    max(instr('0123456789abcdef', substr(id, -2, 1)) - 1, 0) * 16
    + max(instr('0123456789abcdef', substr(id, -1, 1)) - 1, 0)) % 64;
-- Work that is about no meeting is anybody's: -1.
UPDATE due_work SET shard = coalesce(CASE kind
    WHEN 'sync' THEN (SELECT m.shard FROM zoom_meetings m WHERE m.id = due_work.key)
    WHEN 'window_end' THEN (SELECT m.shard FROM zoom_meetings m WHERE m.appointment_id = due_work.key)
    WHEN 'score' THEN (SELECT m.shard FROM zoom_meetings m WHERE m.appointment_id = due_work.key)
    WHEN 'report' THEN (SELECT m.shard FROM zoom_meetings m
        JOIN meeting_instances i ON i.meeting_id = m.id WHERE i.uuid = due_work.key)
    END, -1);

-- The access token of the account's app, for all processes. Empty on SQLite.
CREATE TABLE zoom_tokens (
    -- The app's client id.
    app TEXT NOT NULL PRIMARY KEY,
    -- Counts the tokens.
    number INTEGER NOT NULL,
    token_enc BLOB,
    scopes TEXT NOT NULL,
    expires_at TEXT,
    -- By the database's clock: until then somebody is asking Zoom for the next one.
    asking_until TEXT
) STRICT;
