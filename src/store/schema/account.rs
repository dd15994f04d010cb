//! The Zoom account: its users, licences, recordings and authorisation.

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
    zoom_connection (id) {
        id -> Text,
        state -> Text,
        since -> Timestamp,
        reason -> Nullable<Text>,
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
