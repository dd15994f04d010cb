-- What wakes the daemon, and what it may still spend.
CREATE TABLE due_work (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    due_at TIMESTAMP(3) NOT NULL,
    shard BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX due_work_due ON due_work (due_at);

-- Zoom's daily quotas, counted in its days.
CREATE TABLE rate_budgets (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    day TEXT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (scope, key, day)
);

CREATE TABLE notifications (
    id TEXT NOT NULL PRIMARY KEY,
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_at TIMESTAMP(3),
    last_error TEXT,
    created_at TIMESTAMP(3) NOT NULL
);
CREATE INDEX notifications_state ON notifications (state, next_attempt_at);
