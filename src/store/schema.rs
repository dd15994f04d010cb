//! The tables, for both databases at once. Kept by hand: `diesel print-schema` gives other types for each
//! of them. `tests/it/store_parity.rs` compares it with what the migrations make.

diesel::table! {
    people (ref_) {
        #[sql_name = "ref"]
        ref_ -> Text,
        name -> Text,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        role -> Text,
        timezone -> Nullable<Text>,
        zoom_user -> Nullable<Text>,
        active -> Bool,
        version -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    groups (ref_) {
        #[sql_name = "ref"]
        ref_ -> Text,
        kind -> Text,
        name -> Text,
        dissolved_at -> Nullable<Timestamp>,
        version -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    group_members (group_ref, person_ref) {
        group_ref -> Text,
        person_ref -> Text,
        role -> Text,
        position -> BigInt,
    }
}

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
    }
}

diesel::table! {
    participant_matches (meeting_id, identity) {
        meeting_id -> Text,
        identity -> Text,
        person_ref -> Text,
        author -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    meeting_registrants (id) {
        id -> Text,
        meeting_id -> Text,
        person_ref -> Text,
        zoom_registrant_id -> Nullable<Text>,
        join_url_enc -> Nullable<Binary>,
        status -> Text,
        attempts -> BigInt,
        last_error -> Nullable<Text>,
        registered_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

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
    attendance_rules (name, version) {
        name -> Text,
        version -> BigInt,
        body -> Text,
        created_at -> Timestamp,
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
    }
}

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
    zoom_tokens (app) {
        app -> Text,
        number -> BigInt,
        token_enc -> Nullable<Binary>,
        scopes -> Text,
        expires_at -> Nullable<Timestamp>,
        asking_until -> Nullable<Timestamp>,
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
    zoom_connection (id) {
        id -> Text,
        state -> Text,
        since -> Timestamp,
        reason -> Nullable<Text>,
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

diesel::table! {
    zoom_users (zoom_user_id) {
        zoom_user_id -> Text,
        email -> Text,
        email_key -> Text,
        #[sql_name = "type"]
        type_ -> BigInt,
        status -> Text,
        person_ref -> Nullable<Text>,
        display_name -> Nullable<Text>,
        seen_at -> Timestamp,
        made_by_us -> Bool,
        email_wanted -> Nullable<Text>,
    }
}

diesel::table! {
    licence_account (key) {
        key -> Text,
        seats -> BigInt,
        margin_secs -> BigInt,
        seats_found -> Nullable<BigInt>,
        seats_found_until -> Nullable<Timestamp>,
        short_since -> Nullable<Timestamp>,
        short_from -> Nullable<Timestamp>,
        short_by -> BigInt,
    }
}

diesel::table! {
    licence_leases (zoom_user_id) {
        zoom_user_id -> Text,
        owner_appointment -> Nullable<Text>,
        reason -> Text,
        from_at -> Timestamp,
        until_at -> Nullable<Timestamp>,
        state -> Text,
        state_at -> Timestamp,
        attempts -> BigInt,
        next_attempt_at -> Nullable<Timestamp>,
        last_error -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    recordings (id) {
        id -> Text,
        meeting_id -> Nullable<Text>,
        zoom_meeting_id -> Text,
        instance_uuid -> Text,
        file_type -> Nullable<Text>,
        recording_type -> Nullable<Text>,
        file_size -> Nullable<BigInt>,
        download_url_enc -> Nullable<Binary>,
        play_url -> Nullable<Text>,
        started_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        published_at -> Nullable<Timestamp>,
        state -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    oauth_connections (id) {
        id -> Text,
        subject -> Text,
        account_id -> Nullable<Text>,
        access_token_enc -> Nullable<Binary>,
        refresh_token_enc -> Nullable<Binary>,
        expires_at -> Nullable<Timestamp>,
        scopes -> Nullable<Text>,
        state -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    oauth_states (state) {
        state -> Text,
        verifier_enc -> Binary,
        created_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::joinable!(group_members -> groups (group_ref));
diesel::joinable!(appointment_attendees -> appointments (appointment_id));
diesel::joinable!(series_occurrences -> appointments (appointment_id));
diesel::joinable!(series_occurrences -> series (series_id));
diesel::joinable!(story -> appointments (appointment_id));
diesel::joinable!(zoom_meetings -> appointments (appointment_id));
diesel::joinable!(seats -> appointments (appointment_id));
diesel::joinable!(seat_line -> appointments (appointment_id));
diesel::joinable!(meeting_instances -> zoom_meetings (meeting_id));
diesel::joinable!(zoom_participants -> zoom_meetings (meeting_id));
diesel::joinable!(participant_matches -> zoom_meetings (meeting_id));
diesel::joinable!(meeting_registrants -> zoom_meetings (meeting_id));
diesel::joinable!(attendance_records -> appointments (appointment_id));
diesel::joinable!(meeting_reports -> zoom_meetings (meeting_id));
diesel::joinable!(recordings -> zoom_meetings (meeting_id));
diesel::joinable!(meeting_looks -> zoom_meetings (meeting_id));
diesel::joinable!(zoom_orphans -> zoom_meetings (meeting_id));

diesel::allow_tables_to_appear_in_same_query!(
    appointment_attendees,
    appointments,
    attendance_records,
    attendance_rules,
    disabled_endpoints,
    due_work,
    group_members,
    groups,
    idempotency_keys,
    installation,
    licence_account,
    licence_leases,
    meeting_instances,
    meeting_looks,
    meeting_registrants,
    meeting_reports,
    notifications,
    oauth_connections,
    oauth_states,
    outbox,
    participant_matches,
    people,
    rate_budgets,
    recordings,
    seat_line,
    seats,
    series,
    series_occurrences,
    shards,
    story,
    webhook_events,
    zoom_connection,
    zoom_meetings,
    zoom_orphans,
    zoom_participants,
    zoom_tokens,
    zoom_users,
);
