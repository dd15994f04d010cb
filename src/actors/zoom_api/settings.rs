//! How the door to Zoom is set.

use crate::config;
use crate::zoom::breaker::BreakerPolicy;
use crate::zoom::limits::{Plan, Quotas};

/// Calls under way at a time: enough to use up a business plan's second when Zoom takes a second to answer.
const IN_FLIGHT_MAX: usize = 128;
/// Calls that wait in one lane.
const LANE_MAX: usize = 10_000;

/// How many calls may leave, be under way, and wait.
#[derive(Debug, Clone)]
pub struct ZoomApiConfig {
    /// What Zoom allows.
    pub quotas: Quotas,
    /// Calls under way at a time.
    pub in_flight_max: usize,
    /// How many of these are kept for people and cancels, so that slow reports cannot hold them up.
    pub in_flight_kept_for_urgent: usize,
    /// Calls that wait in one lane; more are refused as overload.
    pub lane_max: usize,
    /// When Zoom is left alone.
    pub breaker: BreakerPolicy,
    /// Whether the first second is waited out, because an earlier life may have used up its calls. Real seconds,
    /// also in a rehearsal.
    pub begins_full: bool,
}

impl From<Quotas> for ZoomApiConfig {
    fn from(quotas: Quotas) -> Self {
        Self {
            quotas,
            in_flight_max: IN_FLIGHT_MAX,
            in_flight_kept_for_urgent: IN_FLIGHT_MAX / 8,
            lane_max: LANE_MAX,
            breaker: BreakerPolicy::default(),
            begins_full: true,
        }
    }
}

impl From<&config::Zoom> for ZoomApiConfig {
    fn from(zoom: &config::Zoom) -> Self {
        let plan = Quotas::from(match zoom.plan {
            config::Plan::Free => Plan::Free,
            config::Plan::Pro => Plan::Pro,
            config::Plan::Business => Plan::Business,
        });
        let own = zoom.limits;
        Quotas {
            light: own.light_per_second.unwrap_or(plan.light),
            medium: own.medium_per_second.unwrap_or(plan.medium),
            heavy: own.heavy_per_second.unwrap_or(plan.heavy),
            resource_intensive: own.resource_intensive_per_minute.unwrap_or(plan.resource_intensive),
            light_daily: plan.light_daily,
            medium_daily: plan.medium_daily,
            heavy_daily: own.heavy_per_day.or(plan.heavy_daily),
            host_daily: own.host_per_day.unwrap_or(plan.host_daily),
            registrant_daily: own.registrant_per_day.unwrap_or(plan.registrant_daily),
        }
        .into()
    }
}
