//! Whether the marks of a class are final, and by what.

use super::report::JudgedBy;

/// How far the report of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is still waited for.
    Waiting,
    /// It is read and says who was there.
    Everything,
    /// There is none: the webhooks have to do, and told of somebody.
    Live,
    /// There is none, and no webhook told of anybody.
    Nothing,
}

/// What is known of a booking's runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The booking was called off: nobody asks for its runs.
    pub called_off: bool,
    /// Zoom was asked for all runs after the end.
    pub listed: bool,
    /// No run was told of until the waiting for one was given up.
    pub given_up: bool,
    /// Zoom did not give its list of runs until then.
    pub unheard: bool,
    /// A run goes on, as far as known, that may turn out to belong to the booking.
    pub open: bool,
    /// The reports of the runs that belong to the booking.
    pub reports: Vec<Told>,
}

impl Known {
    /// By what the marks are final; `None` while they are provisional.
    #[must_use]
    pub fn judged_by(&self) -> Option<JudgedBy> {
        let over = self.called_off || self.listed && !self.open;
        if !over || self.reports.contains(&Told::Waiting) {
            return None;
        }
        if self.reports.is_empty() {
            let by = if self.unheard { JudgedBy::Webhooks } else { JudgedBy::NoRun };
            return (self.called_off || self.given_up).then_some(by);
        }
        let whole = self.reports.iter().all(|told| *told == Told::Everything);
        Some(if whole { JudgedBy::Report } else { JudgedBy::Webhooks })
    }

    /// Whether marks that are all "absent" say that nobody came. Where no run is known they do by Zoom's word alone,
    /// and a run of which nobody told who was there says nothing.
    #[must_use]
    pub fn may_be_no_show(&self) -> bool {
        !(self.reports.is_empty() && self.unheard || self.reports.contains(&Told::Nothing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(reports: &[Told]) -> Known {
        Known {
            called_off: false,
            listed: true,
            given_up: false,
            unheard: false,
            open: false,
            reports: reports.to_vec(),
        }
    }

    #[test]
    fn a_list_without_a_run_makes_nothing_final_before_the_waiting_is_given_up() {
        assert_eq!(known(&[]).judged_by(), None);
        let waited = Known { given_up: true, ..known(&[]) };
        assert_eq!(waited.judged_by(), Some(JudgedBy::NoRun));
        assert!(waited.may_be_no_show());
    }

    #[test]
    fn a_zoom_that_could_not_be_asked_did_not_say_that_nobody_came() {
        let silent = Known { given_up: true, unheard: true, ..known(&[]) };
        assert_eq!(silent.judged_by(), Some(JudgedBy::Webhooks));
        assert!(!silent.may_be_no_show());
        assert!(Known { unheard: true, ..known(&[Told::Live]) }.may_be_no_show());
    }

    #[test]
    fn a_run_of_which_nobody_told_who_was_there_does_not_say_that_nobody_came() {
        let blank = known(&[Told::Everything, Told::Nothing]);
        assert_eq!(blank.judged_by(), Some(JudgedBy::Webhooks));
        assert!(!blank.may_be_no_show());
    }

    #[test]
    fn while_a_run_may_go_on_nothing_is_final() {
        for reports in [&[][..], &[Told::Everything]] {
            assert_eq!(Known { open: true, given_up: true, ..known(reports) }.judged_by(), None);
        }
    }

    #[test]
    fn every_run_is_judged_by_its_report_or_the_webhooks_decide() {
        use Told::{Everything, Live, Nothing, Waiting};
        assert_eq!(known(&[Everything, Everything]).judged_by(), Some(JudgedBy::Report));
        assert_eq!(known(&[Everything, Live]).judged_by(), Some(JudgedBy::Webhooks));
        assert_eq!(known(&[Nothing]).judged_by(), Some(JudgedBy::Webhooks));
        assert_eq!(known(&[Everything, Waiting]).judged_by(), None);
        assert_eq!(Known { listed: false, ..known(&[Everything]) }.judged_by(), None);
    }

    #[test]
    fn what_was_called_off_is_not_asked_for() {
        let off = |reports: &[Told]| Known { called_off: true, listed: false, ..known(reports) };
        assert_eq!(off(&[]).judged_by(), Some(JudgedBy::NoRun));
        assert_eq!(off(&[Told::Everything]).judged_by(), Some(JudgedBy::Report));
        assert_eq!(off(&[Told::Waiting]).judged_by(), None);
    }
}
