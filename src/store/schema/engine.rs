//! What keeps the daemon going: events in and out, due work, shards, and what it may still spend.

diesel::table! {
    webhook_events (id) {
        id -> BigInt,
        digest -> Binary,
        event -> Text,
        zoom_meeting_id -> Nullable<Text>,
        instance_uuid -> Nullable<Text>,
        body -> Text,
        request_age_ms -> BigInt,
        received_at -> Timestamp,
        state -> Text,
        attempts -> BigInt,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    due_work (kind, key) {
        kind -> Text,
        key -> Text,
        due_at -> Timestamp,
        shard -> BigInt,
        rank_at -> Timestamp,
    }
}

diesel::table! {
    shards (shard) {
        shard -> BigInt,
        epoch -> BigInt,
        owner -> Text,
        taken_at -> Timestamp,
    }
}

diesel::table! {
    rate_budgets (scope, key, day) {
        scope -> Text,
        key -> Text,
        day -> Text,
        used -> BigInt,
    }
}

diesel::table! {
    notifications (id) {
        id -> Text,
        endpoint -> Text,
        event -> Text,
        payload -> Text,
        state -> Text,
        attempts -> BigInt,
        next_attempt_at -> Nullable<Timestamp>,
        last_error -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        seq -> Nullable<BigInt>,
        event -> Text,
        at -> Timestamp,
        appointment_id -> Nullable<Text>,
        data -> Text,
    }
}

diesel::table! {
    disabled_endpoints (endpoint) {
        endpoint -> Text,
        reason -> Text,
        disabled_at -> Timestamp,
    }
}
