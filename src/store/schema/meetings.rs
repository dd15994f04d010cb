//! Zoom's counterparts of bookings: meetings, seats, runs, and who was in them.

diesel::table! {
    zoom_meetings (id) {
        id -> Text,
        appointment_id -> Text,
        zoom_meeting_id -> Nullable<Text>,
        zoom_uuid -> Nullable<Text>,
        host_id -> Nullable<Text>,
        host_email -> Nullable<Text>,
        status -> Text,
        join_url -> Nullable<Text>,
        passcode_enc -> Nullable<Binary>,
        registration_url -> Nullable<Text>,
        marker -> Text,
        synced_generation -> BigInt,
        told -> Nullable<Text>,
        sync_state -> Text,
        attempts -> BigInt,
        last_error -> Nullable<Text>,
        next_attempt_at -> Nullable<Timestamp>,
        op_id -> Nullable<Text>,
        op_kind -> Nullable<Text>,
        op_generation -> Nullable<BigInt>,
        op_host -> Nullable<Text>,
        op_spec -> Nullable<Text>,
        op_started_at -> Nullable<Timestamp>,
        looks -> BigInt,
        gone_at -> Nullable<Timestamp>,
        started_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        shard -> BigInt,
        version -> BigInt,
        seen -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    meeting_looks (meeting_id) {
        meeting_id -> Text,
        drift -> Nullable<Text>,
        restores -> Nullable<Text>,
        look_wanted -> BigInt,
        looked -> BigInt,
        looked_at -> Nullable<Timestamp>,
        resync_wanted -> BigInt,
        resynced -> BigInt,
        last_join_url -> Nullable<Text>,
    }
}

diesel::table! {
    zoom_orphans (zoom_meeting_id) {
        zoom_meeting_id -> Text,
        marker -> Text,
        host_id -> Text,
        meeting_id -> Nullable<Text>,
        state -> Text,
        reason -> Nullable<Text>,
        first_seen_at -> Timestamp,
        seen_at -> Timestamp,
    }
}

diesel::table! {
    installation (which) {
        which -> Text,
        id -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    seats (id) {
        id -> Text,
        zoom_user_id -> Text,
        appointment_id -> Text,
        from_at -> Timestamp,
        until_at -> Timestamp,
        created_at -> Timestamp,
    }
}

diesel::table! {
    seat_line (appointment_id) {
        appointment_id -> Text,
        own_key -> Nullable<Text>,
        from_at -> Timestamp,
        until_at -> Timestamp,
        since -> Timestamp,
    }
}

diesel::table! {
    meeting_instances (uuid) {
        uuid -> Text,
        meeting_id -> Text,
        zoom_meeting_id -> Text,
        started_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    zoom_participants (id) {
        id -> BigInt,
        meeting_id -> Text,
        instance_uuid -> Text,
        source -> Text,
        room -> Text,
        connection_key -> Text,
        participant_uuid -> Nullable<Text>,
        user_id -> Nullable<Text>,
        zoom_user_id -> Nullable<Text>,
        registrant_id -> Nullable<Text>,
        customer_key -> Nullable<Text>,
        email -> Nullable<Text>,
        name -> Text,
        join_time -> Nullable<Timestamp>,
        leave_time -> Nullable<Timestamp>,
        leave_reason -> Nullable<Text>,
        person_ref -> Nullable<Text>,
        matched_by -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        told -> Nullable<Text>,
    }
}

diesel::table! {
    participant_matches (meeting_id, identity) {
        meeting_id -> Text,
        identity -> Text,
        person_ref -> Nullable<Text>,
        author -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    identity_matches (identity) {
        identity -> Text,
        person_ref -> Nullable<Text>,
        author -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    meeting_registrants (id) {
        id -> Text,
        meeting_id -> Text,
        zoom_meeting_id -> Text,
        person_ref -> Nullable<Text>,
        email -> Text,
        email_key -> Text,
        name -> Text,
        zoom_registrant_id -> Nullable<Text>,
        join_url_enc -> Nullable<Binary>,
        status -> Text,
        asked -> Nullable<Text>,
        barred -> Bool,
        alone -> Bool,
        attempts -> BigInt,
        last_error -> Nullable<Text>,
        next_attempt_at -> Nullable<Timestamp>,
        registered_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        missed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    meeting_registration (meeting_id) {
        meeting_id -> Text,
        zoom_meeting_id -> Text,
        look -> Bool,
        looked_at -> Nullable<Timestamp>,
        asked_at -> Nullable<Timestamp>,
        attempts -> BigInt,
        last_error -> Nullable<Text>,
        next_attempt_at -> Nullable<Timestamp>,
        updated_at -> Timestamp,
    }
}
