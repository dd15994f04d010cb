//! From the settings to what the actors need of them.

use std::collections::BTreeMap;

use chrono::Duration;
use serde_json::json;

use crate::actors::engine::{AttendanceOptions, MeetingDefaults};
use crate::actors::reconciler::SweepOptions;
use crate::actors::zoom_user::UserOptions;
use crate::config::{self, Orphans, Registration, Settings, UserAction};
use crate::domain::licence;
use crate::domain::registration::{APPROVAL_TYPE, Mode};
use crate::domain::rules::{Rules, Thresholds};
use crate::domain::seats::Plan;
use crate::domain::sync::Policy;
use crate::store::booking::host::HostPolicy;
use crate::store::person::seat_key;

fn span(span: std::time::Duration) -> Duration {
    Duration::from_std(span).unwrap_or(Duration::days(1))
}

/// The waiting times of the sync loop.
pub(super) fn sync_policy(settings: &Settings) -> Policy {
    Policy {
        // A request whose answer was lost is over by then, on both ends. The network is no faster on a clock that
        // runs faster.
        look_gap: span(settings.zoom.timeout.mul_f64(settings.clock.speed)),
        second_look: span(settings.sync.second_look),
        retry_min: span(settings.zoom.retry_min),
        retry_max: span(settings.zoom.retry_max),
    }
}

/// What the sweeps of the account need.
pub(super) fn sweeps(settings: &Settings) -> SweepOptions {
    SweepOptions {
        every: Duration::from_std(settings.sync.sweep_every).unwrap_or(Duration::days(1)),
        second_look: sync_policy(settings).second_look,
        removes: settings.sync.orphans == Orphans::Remove,
        pool: settings.zoom.host_pool.iter().map(|host| seat_key(host)).collect(),
    }
}

/// What every meeting gets.
pub(super) fn meeting_defaults(settings: &Settings) -> MeetingDefaults {
    let waiting_room = settings.meetings.waiting_room;
    let registration = match settings.meetings.registration {
        Registration::Auto => Mode::Auto,
        Registration::Always => Mode::Always,
        Registration::Never => Mode::Never,
    };
    let mut defaults = BTreeMap::from([
        ("waiting_room".to_owned(), json!(waiting_room)),
        // Zoom mails its users itself unless told not to; invitations are the calling system's business.
        ("registrants_email_notification".to_owned(), json!(false)),
        ("registrants_confirmation_email".to_owned(), json!(false)),
    ]);
    if registration == Mode::Always {
        // Known before any meeting is: a host who is Basic needs a licence for each.
        defaults.insert(APPROVAL_TYPE.to_owned(), json!(0));
    }
    MeetingDefaults {
        settings: defaults,
        registration,
        email_domain: settings.auth.allowed_email_domain.clone().filter(|domain| !domain.trim().is_empty()),
        // Longer than can be counted is never.
        auto_end_after: settings.meetings.auto_end_after.and_then(|span| Duration::from_std(span).ok()),
    }
}

/// Whoever needs a licence again within this keeps it: taking and giving cost two calls and two chances to fail.
const LICENCE_KEEP: Duration = Duration::hours(1);
/// How far ahead a shortage of licences is looked for.
const LICENCE_LOOK_AHEAD: Duration = Duration::hours(24);

/// How licences are lent; without `zoom.licences` none is.
pub(super) fn licences(settings: &Settings) -> licence::Policy {
    licence::Policy {
        seats: settings.zoom.licences.map_or(0, |seats| usize::try_from(seats).unwrap_or(usize::MAX)),
        margin: span(settings.zoom.licence_margin),
        keep: LICENCE_KEEP,
        look_ahead: LICENCE_LOOK_AHEAD,
    }
}

/// How the account's users are kept.
pub(super) fn users(settings: &Settings) -> UserOptions {
    UserOptions {
        action: match settings.zoom.user_action {
            UserAction::None => None,
            UserAction::Create => Some("create"),
            UserAction::CustCreate => Some("custCreate"),
        },
        read_every: span(settings.sync.sweep_every),
    }
}

/// What hosts there are and how they are shared.
pub(super) fn hosts(settings: &Settings) -> HostPolicy {
    HostPolicy {
        padding: span(settings.meetings.host_padding),
        plan: match settings.zoom.plan {
            config::Plan::Free => Plan::Free,
            config::Plan::Pro => Plan::Pro,
            config::Plan::Business => Plan::Business,
        },
        pool: settings.zoom.host_pool.iter().map(|host| seat_key(host)).collect(),
    }
}

/// How attendance is scored.
pub(super) fn attendance(settings: &Settings) -> AttendanceOptions {
    let minutes = |span: std::time::Duration| i64::try_from(span.as_secs() / 60).unwrap_or(i64::MAX);
    let attendance = &settings.attendance;
    AttendanceOptions {
        rules: Rules::standard(Thresholds {
            present_after_minutes: minutes(attendance.present_after),
            present_share: attendance.present_share,
            late_after_minutes: minutes(attendance.late_after),
            ..Thresholds::default()
        }),
        report_delay: attendance.report_delay,
        report_give_up: attendance.report_give_up,
    }
}
