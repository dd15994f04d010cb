//! People and groups.

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
        attendance_rules -> Nullable<Text>,
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
    erasures (erased_ref) {
        erased_ref -> Text,
        fingerprint -> Text,
        person_ref -> Nullable<Text>,
        words -> Nullable<Text>,
        requested_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
        changes -> BigInt,
    }
}
