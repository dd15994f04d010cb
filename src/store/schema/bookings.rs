//! Bookings, their series, their stories, and the answers given to them.

diesel::table! {
    appointments (id) {
        id -> Text,
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        kind -> Text,
        title -> Text,
        description -> Text,
        start_at -> Timestamp,
        end_at -> Timestamp,
        duration_minutes -> BigInt,
        timezone -> Text,
        wall_time -> Text,
        host_ref -> Nullable<Text>,
        group_ref -> Nullable<Text>,
        status -> Text,
        settings -> Text,
        target_audience -> Nullable<Text>,
        attendance_rules -> Nullable<Text>,
        on_conflict -> Text,
        origin -> Text,
        generation -> BigInt,
        version -> BigInt,
        cancel_reason -> Nullable<Text>,
        created_by -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        anonymised_at -> Nullable<Timestamp>,
        archived_at -> Nullable<Timestamp>,
        forgotten_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    appointment_attendees (appointment_id, person_ref) {
        appointment_id -> Text,
        person_ref -> Text,
        position -> BigInt,
        via -> Text,
    }
}

diesel::table! {
    series (id) {
        id -> Text,
        rule -> Text,
        start_wall -> Text,
        timezone -> Text,
        exdates -> Text,
        shift_seconds -> BigInt,
        continues -> Nullable<Text>,
        created_by -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    series_occurrences (appointment_id) {
        appointment_id -> Text,
        series_id -> Text,
        position -> BigInt,
        pattern_wall -> Text,
    }
}

diesel::table! {
    story (id) {
        id -> BigInt,
        appointment_id -> Text,
        at -> Timestamp,
        kind -> Text,
        text -> Text,
        details -> Nullable<Text>,
    }
}

diesel::table! {
    idempotency_keys (caller, key) {
        caller -> Text,
        key -> Text,
        fingerprint -> Text,
        state -> Text,
        status -> Nullable<BigInt>,
        body -> Nullable<Text>,
        appointment_id -> Nullable<Text>,
        created_at -> Timestamp,
    }
}
