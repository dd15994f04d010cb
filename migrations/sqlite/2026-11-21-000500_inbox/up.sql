-- Webhook events as they came, stored before anything else looks at them.
CREATE TABLE webhook_events (
    id INTEGER NOT NULL PRIMARY KEY,
    -- The event's time and the SHA-256 of its body (`store::inbox`): a repetition has the same one, and
    -- neighbours in time are neighbours in the index, which keeps the inserts on a few pages.
    digest BLOB NOT NULL UNIQUE,
    event TEXT NOT NULL,
    zoom_meeting_id TEXT,
    instance_uuid TEXT,
    body TEXT NOT NULL,
    request_age_ms INTEGER NOT NULL,
    received_at TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'unowned', 'done', 'ignored', 'dead')),
    attempts INTEGER NOT NULL,
    last_error TEXT
) STRICT;
-- Only open events are looked for, and they are few: the indexes stay small however many are kept.
CREATE INDEX webhook_events_pending ON webhook_events (id) WHERE state = 'pending';
CREATE INDEX webhook_events_unowned ON webhook_events (zoom_meeting_id) WHERE state = 'unowned';
CREATE INDEX webhook_events_dead ON webhook_events (id) WHERE state = 'dead';
