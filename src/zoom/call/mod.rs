//! What can be asked of Zoom: one constructor an operation, each knowing its path, its rate limit label and
//! whose daily allowance it uses.
//!
//! Adding an operation is adding a constructor; nothing else knows labels (they are from Zoom's OpenAPI of
//! August 2026; older documents disagree about "create a meeting", which is light).

mod meetings;
mod past;
mod registrants;
mod users;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

pub use self::meetings::{
    create_meeting, delete_meeting, end_meeting, get_meeting, list_meetings, live_meetings, update_meeting,
};
pub use self::past::{
    meeting_recordings, past_instances, past_meeting, past_participants, report_meeting, report_participants,
    user_recordings,
};
pub use self::registrants::{
    add_registrant, batch_registrants, change_registrants, delete_registrant, list_registrants,
};
pub use self::users::{
    UserRemoval, change_email, change_user_status, create_user, delete_user, get_user, list_users,
    update_user, zak,
};
use super::http::Method;
use super::ids::{encode_segment, encode_uuid};

/// The most rows Zoom puts on a page (of meetings, registrants and participants).
const PAGE_SIZE: &str = "300";

/// Zoom's rate limit labels: each has its own allowance per second, shared by the whole account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// Single things.
    Light,
    /// Lists.
    Medium,
    /// Reports and batches.
    Heavy,
    /// Dashboards; none of the operations here, but the plan knows it.
    ResourceIntensive,
}

impl Label {
    /// Every label.
    pub const ALL: [Self; 4] = [Self::Light, Self::Medium, Self::Heavy, Self::ResourceIntensive];

    /// The name in metrics and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Medium => "medium",
            Self::Heavy => "heavy",
            Self::ResourceIntensive => "resource_intensive",
        }
    }
}

/// Whose daily allowance a call uses, beside the label's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charge {
    /// Nobody's.
    Nothing,
    /// A meeting made for this host (user id or address), one of the host's 100 changes a day.
    Create {
        /// The host.
        host: String,
    },
    /// A meeting of this host changed, one of the same 100.
    Update {
        /// The host.
        host: String,
    },
    /// A registration of this address, of which Zoom takes few a day.
    Registrant {
        /// The address.
        email: String,
    },
}

/// One request to Zoom, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoomCall {
    /// The HTTP method.
    pub method: Method,
    /// The path below `/v2`, its segments already encoded.
    pub path: String,
    /// The query, not yet encoded.
    pub query: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Option<Value>,
    /// The rate limit it counts on.
    pub label: Label,
    /// The daily allowance it counts on.
    pub charge: Charge,
    /// A short, fixed name for metrics and logs.
    pub name: &'static str,
    /// Whether doing it twice is the same as doing it once, so that it may be repeated after an unknown answer.
    pub safe: bool,
    /// Whether it may still leave when its turn comes.
    pub guard: Guard,
}

/// Whether a call that waited for its turn may still leave; without a condition, always.
#[derive(Clone, Default)]
pub struct Guard(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Guard {
    /// Lets the call leave while `holds` says so. Asked right before it leaves, on the thread that sends.
    #[must_use]
    pub fn new(holds: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(holds)))
    }

    /// Whether the call may leave now.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.0.as_ref().is_none_or(|holds| holds())
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Guard").field(&self.0.is_some()).finish()
    }
}

/// Two calls are the same when they ask for the same, whoever may stop them.
impl PartialEq for Guard {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl ZoomCall {
    /// A call that is safe to repeat unless it is a `POST`; label and charge are the common case's.
    fn new(method: Method, name: &'static str, path: String) -> Self {
        let safe = method != Method::POST;
        Self {
            method,
            path,
            query: Vec::new(),
            body: None,
            label: Label::Light,
            charge: Charge::Nothing,
            name,
            safe,
            guard: Guard::default(),
        }
    }

    /// The call, allowed to leave only while `guard` stands.
    #[must_use]
    pub fn only_while(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    fn label(mut self, label: Label) -> Self {
        self.label = label;
        self
    }

    fn charge(mut self, charge: Charge) -> Self {
        self.charge = charge;
        self
    }

    fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    fn page(self, token: Option<&str>) -> Self {
        let call = self.query("page_size", PAGE_SIZE);
        match token {
            Some(token) => call.query("next_page_token", token),
            None => call,
        }
    }

    fn body(mut self, body: &impl Serialize) -> Self {
        // The wire types have nothing that cannot be JSON; if one ever had, Zoom would refuse the `null`.
        self.body = Some(serde_json::to_value(body).unwrap_or_default());
        self
    }

    /// The host whose daily allowance this call uses.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match &self.charge {
            Charge::Create { host } | Charge::Update { host } => Some(host),
            Charge::Nothing | Charge::Registrant { .. } => None,
        }
    }
}

fn get(name: &'static str, path: String) -> ZoomCall {
    ZoomCall::new(Method::GET, name, path)
}

/// A path segment for what may be a meeting number or an instance's UUID; only the latter has its own rule.
fn number_or_uuid(id: &str) -> String {
    if id.bytes().all(|byte| byte.is_ascii_digit()) { encode_segment(id) } else { encode_uuid(id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoom::types::{MeetingRequest, RegistrantRequest};

    #[test]
    fn a_create_counts_on_its_host_and_must_not_be_repeated_blindly() {
        let call = create_meeting("dr.reyes@example.org", &MeetingRequest::default());
        assert_eq!(
            (call.method.as_str(), call.path.as_str()),
            ("POST", "/users/dr.reyes%40example.org/meetings")
        );
        assert_eq!(call.host(), Some("dr.reyes@example.org"));
        assert_eq!(call.label, Label::Light);
        assert!(!call.safe);
    }

    #[test]
    fn a_cancel_costs_no_allowance_and_may_be_repeated() {
        let call = delete_meeting("98399082887");
        assert_eq!((call.method.as_str(), call.path.as_str()), ("DELETE", "/meetings/98399082887"));
        assert_eq!(call.charge, Charge::Nothing);
        assert!(call.safe);
    }

    #[test]
    fn instance_uuids_are_encoded_twice_when_they_have_to_be() {
        assert_eq!(past_meeting("98399082887").path, "/past_meetings/98399082887");
        assert_eq!(past_meeting("/ab==").path, "/past_meetings/%252Fab%253D%253D");
        assert_eq!(report_participants("a/b==", None).path, "/report/meetings/a%2Fb%3D%3D/participants");
    }

    #[test]
    fn reports_are_heavy_lists_medium_and_single_things_light() {
        assert_eq!(report_participants("a", None).label, Label::Heavy);
        assert_eq!(batch_registrants("1", &Default::default()).label, Label::Heavy);
        for list in [
            list_meetings("h", None),
            list_registrants("1", "approved", None),
            list_users("active", None),
            past_instances("1"),
            past_participants("a", None),
        ] {
            assert_eq!(list.label, Label::Medium, "{}", list.name);
        }
        for single in [get_meeting("1"), end_meeting("1"), get_user("u"), zak("u"), past_meeting("a")] {
            assert_eq!(single.label, Label::Light, "{}", single.name);
        }
    }

    #[test]
    fn pages_repeat_every_other_parameter() {
        let (first, second) = (report_participants("a", None), report_participants("a", Some("next")));
        assert!(second.query.starts_with(&first.query));
        assert_eq!(second.query.last(), Some(&("next_page_token", "next".to_owned())));
    }

    #[test]
    fn a_registration_counts_on_its_address_and_may_be_repeated() {
        let person = RegistrantRequest { email: "Ann@Example.org".into(), ..RegistrantRequest::default() };
        let call = add_registrant("1", &person);
        assert_eq!(call.charge, Charge::Registrant { email: "Ann@Example.org".into() });
        assert!(call.safe, "zoom answers with the registrant that exists");
    }

    #[test]
    fn removing_a_user_always_says_how() {
        assert_eq!(
            delete_user("u", UserRemoval::Disassociate).query,
            [("action", "disassociate".to_owned())]
        );
        assert_eq!(delete_user("u", UserRemoval::Delete).query, [("action", "delete".to_owned())]);
    }
}
