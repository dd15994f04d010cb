-- What Zoom has otherwise than a booking wants it, and who asked for a look. A meeting without a row agrees.
CREATE TABLE meeting_looks (
    meeting_id TEXT NOT NULL PRIMARY KEY REFERENCES zoom_meetings (id) ON DELETE CASCADE,
    -- The fields that differ, and when they were put right lately.
    drift TEXT,
    restores TEXT,
    -- A look is wanted while `looked` is below `look_wanted`: anybody raises the one, the meeting's actor the other.
    look_wanted BIGINT NOT NULL,
    looked BIGINT NOT NULL,
    looked_at TIMESTAMP(3),
    -- The same for a person's "put it right now".
    resync_wanted BIGINT NOT NULL,
    resynced BIGINT NOT NULL,
    -- The link that people have, also after its meeting has vanished.
    last_join_url TEXT
);
INSERT INTO meeting_looks (meeting_id, look_wanted, looked, resync_wanted, resynced, last_join_url)
    SELECT id, 0, 0, 0, 0, join_url FROM zoom_meetings WHERE join_url IS NOT NULL;
CREATE INDEX zoom_meetings_host ON zoom_meetings (host_id);
CREATE INDEX zoom_meetings_marker ON zoom_meetings (marker);

-- Marked meetings at Zoom that no booking owns.
CREATE TABLE zoom_orphans (
    zoom_meeting_id TEXT NOT NULL PRIMARY KEY,
    marker TEXT NOT NULL,
    host_id TEXT NOT NULL,
    -- Whose double it is; none when nobody knows the marker.
    meeting_id TEXT REFERENCES zoom_meetings (id) ON DELETE SET NULL,
    state TEXT NOT NULL CHECK (state IN ('seen', 'kept', 'removed')),
    reason TEXT,
    first_seen_at TIMESTAMP(3) NOT NULL,
    seen_at TIMESTAMP(3) NOT NULL
);
CREATE INDEX zoom_orphans_host ON zoom_orphans (host_id);
CREATE INDEX zoom_orphans_meeting ON zoom_orphans (meeting_id);

-- By which name this installation signs its meetings: one row.
CREATE TABLE installation (
    which TEXT NOT NULL PRIMARY KEY CHECK (which = 'this'),
    id TEXT NOT NULL,
    created_at TIMESTAMP(3) NOT NULL
);
