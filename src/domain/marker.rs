//! The mark at the head of an agenda, by which a meeting at Zoom is known to be ours, and for which booking.
//!
//! `[convened:<installation>-<id>]`: the id is the booking's meeting's own; the installation keeps two daemons on one
//! Zoom account from taking each other's meetings for orphans. Older marks, `[convened:<id>]`, name no installation.

/// What every mark begins with.
pub const PREFIX: &str = "convened:";

/// A mark, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker<'a> {
    /// Who signed; `None` on marks that were made before installations had names.
    pub installation: Option<&'a str>,
    /// For which meeting of ours.
    pub id: &'a str,
}

impl<'a> Marker<'a> {
    /// Reads a mark as it stands in a row or between the brackets.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX).filter(|rest| !rest.is_empty())?;
        Some(match rest.split_once('-') {
            Some((installation, id)) => Self { installation: Some(installation), id },
            None => Self { installation: None, id: rest },
        })
    }

    /// The mark at the head of an agenda, if it carries one of ours.
    #[must_use]
    pub fn at_head_of(agenda: &'a str) -> Option<Self> {
        Self::parse(agenda.strip_prefix('[')?.split_once(']')?.0)
    }

    /// The mark as rows have it: without the installation.
    #[must_use]
    pub fn in_rows(&self) -> String {
        format!("{PREFIX}{}", self.id)
    }

    /// The mark as `installation` writes it into an agenda.
    #[must_use]
    pub fn signed(&self, installation: &str) -> String {
        format!("{PREFIX}{installation}-{}", self.id)
    }

    /// Whether two marks, signed or not, mean the same meeting.
    #[must_use]
    pub fn same(a: &str, b: &str) -> bool {
        match (Marker::parse(a), Marker::parse(b)) {
            (Some(a), Some(b)) => a.id == b.id,
            _ => false,
        }
    }
}

/// An agenda without its mark's installation: two that differ in nothing else need not be told to Zoom.
#[must_use]
pub fn unsigned(agenda: &str) -> String {
    match (Marker::at_head_of(agenda), agenda.split_once(']')) {
        (Some(marker), Some((_, rest))) => format!("[{}]{rest}", marker.in_rows()),
        _ => agenda.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_mark_and_an_old_one_mean_the_same_meeting() {
        let old = Marker::parse("convened:0123456789ab").unwrap();
        assert_eq!(old, Marker { installation: None, id: "0123456789ab" });
        let signed = old.signed("school1");
        assert_eq!(signed, "convened:school1-0123456789ab");
        assert!(Marker::same(&signed, "convened:0123456789ab"));
        assert!(!Marker::same(&signed, "convened:school1-ffffffffffff"));
        assert_eq!(Marker::parse(&signed).unwrap().in_rows(), "convened:0123456789ab");
    }

    #[test]
    fn an_agenda_of_somebody_else_has_no_mark() {
        for agenda in ["[x] y", "convened:1 without brackets", "", "[convened:]", "[convened:1"] {
            assert_eq!(Marker::at_head_of(agenda), None, "{agenda}");
        }
        assert_eq!(Marker::at_head_of("[convened:a-1] Bring a ruler").unwrap().installation, Some("a"));
    }

    #[test]
    fn another_signature_is_no_change_of_an_agenda() {
        assert_eq!(unsigned("[convened:a-1] Bring a ruler"), unsigned("[convened:1] Bring a ruler"));
        assert_ne!(unsigned("[convened:a-1] Bring a ruler"), unsigned("[convened:a-1] Bring a pen"));
        assert_eq!(unsigned("[x] y"), "[x] y");
    }
}
