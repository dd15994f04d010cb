//! Who goes first when calls to Zoom have to wait.

/// The lanes, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Somebody waits at a screen.
    Interactive,
    /// A meeting that must go away.
    Cancel,
    /// Bookings that Zoom must learn of.
    Sync,
    /// Reports of meetings that ended.
    Report,
    /// Looking for what differs.
    Sweep,
}

impl Lane {
    /// Every lane, the most urgent first.
    pub const ALL: [Self; 5] = [Self::Interactive, Self::Cancel, Self::Sync, Self::Report, Self::Sweep];

    /// The name in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Cancel => "cancel",
            Self::Sync => "sync",
            Self::Report => "report",
            Self::Sweep => "sweep",
        }
    }
}
