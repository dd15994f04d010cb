-- Bookings that wait for a host, in the order in which they began to.
CREATE TABLE seat_line (
    appointment_id TEXT NOT NULL PRIMARY KEY REFERENCES appointments (id) ON DELETE CASCADE,
    -- The Zoom user who comes before the pool: the one of the host that the booking names.
    own_key TEXT,
    from_at TIMESTAMP(3) NOT NULL,
    until_at TIMESTAMP(3) NOT NULL,
    -- When it began to wait; who waits longer is served first.
    since TIMESTAMP(3) NOT NULL
);
CREATE INDEX seat_line_from ON seat_line (from_at);

-- Seats are looked for by host from a time on, and by time alone when all hosts are looked through.
CREATE INDEX seats_until ON seats (until_at);
