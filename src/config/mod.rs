//! The configuration: typed, layered, and every fault of it reported at once.
//!
//! Compiled-in defaults ← the file ← the credentials directory ← `CONVENED_<SECTION>__<KEY>` ← the names existing
//! Zoom integrations use. `config/convened.toml` documents every key; a test holds the two together.

mod checks;
mod fault;
mod layers;
mod raw;
mod reader;
mod sections;
mod types;
mod webhooks;
mod zoom;

use std::path::Path;

pub use fault::{Fault, Faults};
use layers::Merged;
pub use layers::Sources;
use reader::Reader;
pub use sections::{
    Appointments, Attendance, Auth, Clock, Database, Limits, Log, Mail, Meetings, Retention, Server, Sync,
    Webhook,
};
pub use types::{Algorithm, LogFormat, LogLevel, Orphans, Plan, Registration, UserAction};
pub use webhooks::{EVENTS, Endpoint, Webhooks};
pub use zoom::{Zoom, ZoomLimits};

/// Everything that can be configured, one field a section.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The HTTP server.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// The Zoom account.
    pub zoom: Zoom,
    /// Webhooks from Zoom.
    pub webhook: Webhook,
    /// Webhooks to other systems.
    pub webhooks: Webhooks,
    /// Bookings.
    pub appointments: Appointments,
    /// Their Zoom meetings.
    pub meetings: Meetings,
    /// The rules of attendance.
    pub attendance: Attendance,
    /// Who may call.
    pub auth: Auth,
    /// What one caller may ask of us.
    pub limits: Limits,
    /// How long things are kept.
    pub retention: Retention,
    /// Invitations by mail.
    pub mail: Mail,
    /// Keeping Zoom true to the bookings.
    pub sync: Sync,
    /// A clock for rehearsals.
    pub clock: Clock,
    /// What is logged.
    pub log: Log,
}

impl Settings {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// All faults, not only the first.
    pub fn load(sources: &Sources) -> Result<Self, Faults> {
        let (merged, faults) = sources.merge();
        Self::check(Reader::new(merged, sources.credentials(), faults))
    }

    /// Reads the text of a configuration file, without an environment.
    ///
    /// # Errors
    /// All faults, not only the first.
    pub fn from_toml(text: &str) -> Result<Self, Faults> {
        let mut merged = Merged::default();
        let mut faults = Vec::new();
        merged.add_file(Path::new("convened.toml"), text, &mut faults);
        Self::check(Reader::new(merged, None, faults))
    }

    fn check(mut reader: Reader) -> Result<Self, Faults> {
        let settings = Self::read(&mut reader);
        checks::agree(&settings, &mut reader);
        reader.finish()?;
        Ok(settings)
    }

    fn read(reader: &mut Reader) -> Self {
        Self {
            server: Server::read(&mut reader.section("server")),
            database: Database::read(&mut reader.section("database")),
            zoom: Zoom::read(&mut reader.section("zoom")),
            webhook: Webhook::read(&mut reader.section("webhook")),
            webhooks: Webhooks::read(&mut reader.section("webhooks")),
            appointments: Appointments::read(&mut reader.section("appointments")),
            meetings: Meetings::read(&mut reader.section("meetings")),
            attendance: Attendance::read(&mut reader.section("attendance")),
            auth: Auth::read(&mut reader.section("auth")),
            limits: Limits::read(&mut reader.section("limits")),
            retention: Retention::read(&mut reader.section("retention")),
            mail: Mail::read(&mut reader.section("mail")),
            sync: Sync::read(&mut reader.section("sync")),
            clock: Clock::read(&mut reader.section("clock")),
            log: Log::read(&mut reader.section("log")),
        }
    }
}

#[cfg(test)]
mod tests;
