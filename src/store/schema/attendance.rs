//! Marks, the rules they were given by, and the reports they rest on.

diesel::table! {
    attendance_records (appointment_id, person_ref) {
        appointment_id -> Text,
        person_ref -> Text,
        role -> Text,
        status -> Text,
        score_milli -> BigInt,
        attended_seconds -> BigInt,
        first_join -> Nullable<Timestamp>,
        last_leave -> Nullable<Timestamp>,
        left_early -> Bool,
        host_absent -> Bool,
        host_late -> Bool,
        held_against -> Bool,
        together_seconds -> BigInt,
        provisional -> Bool,
        evidence -> Text,
        rules -> Text,
        corrected_status -> Nullable<Text>,
        corrected_note -> Nullable<Text>,
        corrected_by -> Nullable<Text>,
        corrected_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    attendance_corrections (id) {
        id -> BigInt,
        appointment_id -> Text,
        person_ref -> Text,
        status -> Nullable<Text>,
        note -> Nullable<Text>,
        author -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    attendance_rules (name, version) {
        name -> Text,
        version -> BigInt,
        body -> Text,
        created_at -> Timestamp,
        author -> Nullable<Text>,
    }
}

diesel::table! {
    attendance_pins (appointment_id) {
        appointment_id -> Text,
        rules -> Text,
        moved_by -> Nullable<Text>,
        pinned_at -> Timestamp,
    }
}

diesel::table! {
    meeting_reports (instance_uuid) {
        instance_uuid -> Text,
        meeting_id -> Text,
        state -> Text,
        attempts -> BigInt,
        next_attempt_at -> Nullable<Timestamp>,
        pages_read -> BigInt,
        participants -> BigInt,
        last_error -> Nullable<Text>,
        completed_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        note -> Nullable<Text>,
        unreadable -> BigInt,
        zoom_started_at -> Nullable<Timestamp>,
        zoom_ended_at -> Nullable<Timestamp>,
        duration_minutes -> Nullable<BigInt>,
        total_minutes -> Nullable<BigInt>,
        participants_count -> Nullable<BigInt>,
        reread_wanted -> BigInt,
        reread_served -> BigInt,
    }
}

diesel::table! {
    meeting_judgings (meeting_id) {
        meeting_id -> Text,
        listed_at -> Nullable<Timestamp>,
        misses -> BigInt,
        wanted -> BigInt,
        served -> BigInt,
        served_at -> Nullable<Timestamp>,
        given_up_at -> Nullable<Timestamp>,
        unheard -> Bool,
    }
}

diesel::table! {
    resyncs (span) {
        span -> Text,
        started_at -> Timestamp,
    }
}
