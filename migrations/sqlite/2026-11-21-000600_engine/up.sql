-- What wakes the daemon, and what it may still spend.
CREATE TABLE due_work (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    due_at TEXT NOT NULL,
    shard INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX due_work_due ON due_work (due_at);

-- Zoom's daily quotas, counted in its days.
CREATE TABLE rate_budgets (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    day TEXT NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (scope, key, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE notifications (
    id TEXT NOT NULL PRIMARY KEY,
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at TEXT,
    last_error TEXT,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX notifications_state ON notifications (state, next_attempt_at);
