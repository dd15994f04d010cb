-- What happened and others may want to hear of, written in the transaction that makes it true.
CREATE TABLE outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- Its place in the stream, given after the commit (`store::outbox`): ids are drawn before it, and two
    -- processes may commit in the other order.
    seq INTEGER UNIQUE,
    event TEXT NOT NULL,
    at TEXT NOT NULL,
    appointment_id TEXT,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_unplaced ON outbox (id) WHERE seq IS NULL;

CREATE INDEX notifications_endpoint ON notifications (endpoint, state, next_attempt_at);
CREATE INDEX notifications_dead ON notifications (id) WHERE state = 'dead';

-- Endpoints that said they are gone for good; nothing is sent there until an operator says otherwise.
CREATE TABLE disabled_endpoints (
    endpoint TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    disabled_at TEXT NOT NULL
) STRICT;
