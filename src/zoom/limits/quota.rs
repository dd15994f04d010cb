//! How much Zoom lets an account ask, by its plan. The figures are Zoom's, of 2026.

use std::time::Duration;

use crate::zoom::call::Label;

/// The window of the limits per second. It is a little longer than a second because Zoom counts when a request
/// arrives, and the network stretches some gaps and shortens others; this costs 1.5 % of the rate.
const SECOND: Duration = Duration::from_millis(1_015);
/// The window of the limits per minute, with the same leeway.
const MINUTE: Duration = Duration::from_millis(60_015);
/// Creates and updates of meetings for one host in a day, on every plan.
pub const HOST_WRITES_PER_DAY: u32 = 100;
/// Additions of one address as a registrant in a day. Zoom's documents say three; people have met the limit across
/// different meetings, so it is counted for the address and not for the meeting. Where an account has more,
/// `zoom.limits.registrant_per_day` says so.
pub const REGISTRATIONS_PER_DAY: u32 = 3;

/// What the account has bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Basic, unpaid.
    Free,
    /// Pro.
    Pro,
    /// Business, Education, Enterprise and partners.
    Business,
}

/// The allowances of an account, or of this process's share of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotas {
    /// Light calls per second.
    pub light: u32,
    /// Medium calls per second.
    pub medium: u32,
    /// Heavy calls per second.
    pub heavy: u32,
    /// Resource-intensive calls per minute.
    pub resource_intensive: u32,
    /// Light calls per day, where there is a limit.
    pub light_daily: Option<u32>,
    /// Medium calls per day, where there is a limit.
    pub medium_daily: Option<u32>,
    /// Heavy and resource-intensive calls per day, together.
    pub heavy_daily: Option<u32>,
    /// Creates and updates per host and day.
    pub host_daily: u32,
    /// Registrations per address and day, in all meetings together.
    pub registrant_daily: u32,
}

impl From<Plan> for Quotas {
    fn from(plan: Plan) -> Self {
        let (light, medium, heavy, resource_intensive) = match plan {
            Plan::Free => (4, 2, 1, 10),
            Plan::Pro => (30, 20, 10, 10),
            Plan::Business => (80, 60, 40, 20),
        };
        let (light_daily, medium_daily, heavy_daily) = match plan {
            Plan::Free => (Some(6_000), Some(2_000), Some(1_000)),
            Plan::Pro => (None, None, Some(30_000)),
            Plan::Business => (None, None, Some(60_000)),
        };
        Self {
            light,
            medium,
            heavy,
            resource_intensive,
            light_daily,
            medium_daily,
            heavy_daily,
            host_daily: HOST_WRITES_PER_DAY,
            registrant_daily: REGISTRATIONS_PER_DAY,
        }
    }
}

impl Quotas {
    /// The part of one of `processes` that share the account; never nothing. Only the rates are divided: the
    /// day's allowances are counted in rows that all processes share.
    #[must_use]
    pub fn share(&self, processes: u32) -> Self {
        let part = |whole: u32| (whole / processes.max(1)).max(1);
        Self {
            light: part(self.light),
            medium: part(self.medium),
            heavy: part(self.heavy),
            resource_intensive: part(self.resource_intensive),
            ..self.clone()
        }
    }

    /// How many calls with this label may go in which window.
    pub(super) fn window(&self, label: Label) -> (u32, Duration) {
        match label {
            Label::Light => (self.light, SECOND),
            Label::Medium => (self.medium, SECOND),
            Label::Heavy => (self.heavy, SECOND),
            Label::ResourceIntensive => (self.resource_intensive, MINUTE),
        }
    }

    /// How many calls may go in a day.
    pub(super) fn daily(&self, pool: Pool) -> Option<u32> {
        match pool {
            Pool::Light => self.light_daily,
            Pool::Medium => self.medium_daily,
            Pool::Heavy => self.heavy_daily,
        }
    }
}

/// The daily pools; two labels share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pool {
    /// Light calls.
    Light,
    /// Medium calls.
    Medium,
    /// Heavy and resource-intensive calls.
    Heavy,
}

impl Pool {
    pub(super) fn of(label: Label) -> Self {
        match label {
            Label::Light => Self::Light,
            Label::Medium => Self::Medium,
            Label::Heavy | Label::ResourceIntensive => Self::Heavy,
        }
    }

    /// The name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Medium => "medium",
            Self::Heavy => "heavy",
        }
    }
}
