//! The tables, for both databases at once. Kept by hand: `diesel print-schema` gives other types for each
//! of them. `tests/it/store_parity.rs` compares it with what the migrations make.

mod account;
mod attendance;
mod bookings;
mod directory;
mod engine;
mod meetings;

pub(crate) use self::account::*;
pub(crate) use self::attendance::*;
pub(crate) use self::bookings::*;
pub(crate) use self::directory::*;
pub(crate) use self::engine::*;
pub(crate) use self::meetings::*;

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
diesel::joinable!(attendance_corrections -> appointments (appointment_id));
diesel::joinable!(meeting_registration -> zoom_meetings (meeting_id));
diesel::joinable!(attendance_records -> appointments (appointment_id));
diesel::joinable!(attendance_pins -> appointments (appointment_id));
diesel::joinable!(meeting_reports -> zoom_meetings (meeting_id));
diesel::joinable!(meeting_judgings -> zoom_meetings (meeting_id));
diesel::joinable!(recordings -> zoom_meetings (meeting_id));
diesel::joinable!(meeting_looks -> zoom_meetings (meeting_id));
diesel::joinable!(zoom_orphans -> zoom_meetings (meeting_id));

diesel::allow_tables_to_appear_in_same_query!(
    appointment_attendees,
    appointments,
    attendance_corrections,
    attendance_pins,
    attendance_records,
    attendance_rules,
    disabled_endpoints,
    due_work,
    erasures,
    group_members,
    groups,
    idempotency_keys,
    identity_matches,
    installation,
    licence_account,
    licence_leases,
    meeting_instances,
    meeting_judgings,
    meeting_looks,
    meeting_registrants,
    meeting_registration,
    meeting_reports,
    notifications,
    oauth_connections,
    oauth_states,
    outbox,
    participant_matches,
    people,
    rate_budgets,
    recordings,
    resyncs,
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
