//! Every column of text or bytes, and what of a person it may hold: the one list. `tests/it/erasure.rs` compares it
//! with the tables.

/// What of a person a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Nothing: ids, words of ours, times, Zoom's own numbers.
    Nothing,
    /// A `ref`, which is replaced.
    Ref,
    /// Text or JSON that may speak of anybody; looked through, and cleaned of the person.
    Text,
    /// A key that may be made of a name; replaced as a whole where it is.
    Key,
    /// What a row says of its own person; removed with the rest of what is theirs.
    Own,
    /// Sealed with the key of the installation, and removed where it is the person's own.
    Sealed,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
    /// What it may hold.
    pub holds: Holds,
}

impl Place {
    /// What is set beside a change, so that nobody writes what they read before it over it.
    pub(super) fn version(&self) -> &'static str {
        match self.table {
            "appointments" | "zoom_meetings" | "groups" => ", version = version + 1",
            _ => "",
        }
    }

    /// The column that says of whom a row is, where it is one person's.
    pub(super) fn owner(&self) -> Option<&'static str> {
        let tables =
            ["attendance_records", "attendance_corrections", "meeting_registrants", "zoom_participants"];
        tables.contains(&self.table).then_some("person_ref")
    }

    /// The first column of the key by which SQLite finds rows of a table that has no `rowid`.
    pub(super) fn key(&self) -> Option<&'static str> {
        match self.table {
            "appointment_attendees" => Some("appointment_id"),
            "participant_matches" => Some("meeting_id"),
            "identity_matches" => Some("identity"),
            _ => None,
        }
    }
}

/// The columns of a table.
macro_rules! places {
    ($($table:ident { $($holds:ident: $($column:literal)+;)+ })+) => {
        &[$($($(Place { table: stringify!($table), column: $column, holds: Holds::$holds },)+)+)+]
    };
}

/// Every one of them.
pub const PLACES: &[Place] = places! {
    // A caller's own id of a booking (`ref`) stays: by it the caller finds the history.
    appointments {
        Nothing: "id" "ref" "kind" "timezone" "wall_time" "group_ref" "status" "target_audience" "attendance_rules"
            "on_conflict" "origin";
        Ref: "host_ref" "created_by";
        Text: "title" "description" "settings" "cancel_reason";
    }
    appointment_attendees { Nothing: "appointment_id" "via"; Ref: "person_ref"; }
    attendance_records {
        Nothing: "appointment_id" "role" "status" "rules" "corrected_status";
        Ref: "person_ref" "corrected_by";
        Text: "evidence" "corrected_note";
    }
    attendance_corrections { Nothing: "appointment_id" "status"; Ref: "person_ref" "author"; Text: "note"; }
    attendance_pins { Nothing: "appointment_id" "rules"; Ref: "moved_by"; }
    attendance_rules { Nothing: "name" "body"; Ref: "author"; }
    disabled_endpoints { Nothing: "endpoint" "reason"; }
    due_work { Nothing: "kind" "key"; }
    erasures { Nothing: "erased_ref" "fingerprint"; Own: "person_ref" "words"; }
    group_members { Nothing: "group_ref" "role"; Own: "person_ref"; }
    groups { Nothing: "ref" "kind" "attendance_rules"; Text: "name"; }
    idempotency_keys {
        Nothing: "key" "fingerprint" "state" "appointment_id";
        Ref: "caller";
        Text: "body";
    }
    identity_matches { Own: "identity" "person_ref"; Ref: "author"; }
    installation { Nothing: "which" "id"; }
    // Zoom's id of a user of the account; until Zoom has said one, their address: it goes when Zoom has.
    licence_account { Nothing: "key"; }
    licence_leases { Nothing: "zoom_user_id" "owner_appointment" "reason" "state" "last_error"; }
    meeting_instances { Nothing: "uuid" "meeting_id" "zoom_meeting_id"; }
    meeting_looks { Nothing: "meeting_id" "restores" "last_join_url"; Text: "drift"; }
    meeting_registrants {
        Nothing: "id" "meeting_id" "zoom_meeting_id" "zoom_registrant_id" "status" "asked";
        Ref: "person_ref";
        Text: "email" "email_key" "name" "last_error";
        Sealed: "join_url_enc";
    }
    meeting_registration { Nothing: "meeting_id" "zoom_meeting_id"; Text: "last_error"; }
    meeting_judgings { Nothing: "meeting_id"; }
    meeting_reports { Nothing: "instance_uuid" "meeting_id" "state"; Text: "last_error" "note"; }
    notifications { Nothing: "id" "endpoint" "event" "state"; Text: "payload" "last_error"; }
    oauth_connections {
        Nothing: "id" "account_id" "scopes" "state";
        Ref: "subject";
        Sealed: "access_token_enc" "refresh_token_enc";
    }
    oauth_states { Nothing: "state"; Sealed: "verifier_enc"; }
    outbox { Nothing: "event" "appointment_id"; Text: "data"; }
    participant_matches { Nothing: "meeting_id"; Own: "identity" "person_ref"; Ref: "author"; }
    people { Nothing: "role"; Own: "ref" "name" "email" "email_key" "timezone" "zoom_user"; }
    rate_budgets { Nothing: "scope" "day"; Own: "key"; }
    recordings {
        Nothing: "id" "meeting_id" "zoom_meeting_id" "instance_uuid" "file_type" "recording_type" "play_url" "state";
        Sealed: "download_url_enc";
    }
    resyncs { Nothing: "span"; }
    seat_line { Nothing: "appointment_id"; Text: "own_key"; }
    seats { Nothing: "id" "appointment_id"; Text: "zoom_user_id"; }
    series {
        Nothing: "id" "rule" "start_wall" "timezone" "exdates" "continues";
        Ref: "created_by";
    }
    series_occurrences { Nothing: "appointment_id" "series_id" "pattern_wall"; }
    shards { Nothing: "owner"; }
    story { Nothing: "appointment_id" "kind"; Text: "text" "details"; }
    webhook_events {
        Nothing: "digest" "event" "zoom_meeting_id" "instance_uuid" "state";
        Text: "body" "last_error";
    }
    zoom_connection { Nothing: "id" "state" "reason"; }
    zoom_meetings {
        Nothing: "id" "appointment_id" "zoom_meeting_id" "zoom_uuid" "host_id" "status" "join_url"
            "registration_url" "marker" "sync_state" "op_id" "op_kind" "op_host";
        Text: "host_email" "told" "last_error" "op_spec";
        Sealed: "passcode_enc";
    }
    zoom_orphans { Nothing: "zoom_meeting_id" "marker" "host_id" "meeting_id" "state"; Text: "reason"; }
    zoom_participants {
        Nothing: "meeting_id" "instance_uuid" "source" "room" "participant_uuid" "user_id" "matched_by"
            "told";
        Ref: "person_ref" "customer_key";
        Own: "zoom_user_id" "registrant_id" "leave_reason";
        Text: "email" "name";
        Key: "connection_key";
    }
    zoom_tokens { Nothing: "app" "scopes"; Sealed: "token_enc"; }
    zoom_users {
        Nothing: "zoom_user_id" "status";
        Own: "email" "email_key" "person_ref" "display_name" "email_wanted";
    }
};
