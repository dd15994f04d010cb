//! Registrations for a meeting.

use super::{Charge, Label, Method, ZoomCall, encode_segment, get};
use crate::zoom::types::{BatchRequest, RegistrantRequest, RegistrantStatusChange};

/// Registers one person. An address that is registered already gets the same registrant again.
#[must_use]
pub fn add_registrant(number: &str, person: &RegistrantRequest) -> ZoomCall {
    let mut call = ZoomCall::new(Method::POST, "add_registrant", registrants(number))
        .charge(Charge::Registrant { email: person.email.clone() })
        .body(person);
    call.safe = true;
    call
}

/// Registers up to thirty people; only for scheduled meetings (type 2).
#[must_use]
pub fn batch_registrants(number: &str, people: &BatchRequest) -> ZoomCall {
    let path = format!("/meetings/{}/batch_registrants", encode_segment(number));
    let mut call = ZoomCall::new(Method::POST, "batch_registrants", path).label(Label::Heavy).body(people);
    call.safe = true;
    call
}

/// One page of the registrants with this status (`approved`, `pending` or `denied`).
#[must_use]
pub fn list_registrants(number: &str, status: &str, page_token: Option<&str>) -> ZoomCall {
    get("list_registrants", registrants(number)).label(Label::Medium).query("status", status).page(page_token)
}

/// Approves, cancels or denies up to thirty registrations.
#[must_use]
pub fn change_registrants(number: &str, change: &RegistrantStatusChange) -> ZoomCall {
    ZoomCall::new(Method::PUT, "change_registrants", format!("{}/status", registrants(number)))
        .label(Label::Medium)
        .body(change)
}

/// Removes one registration.
#[must_use]
pub fn delete_registrant(number: &str, registrant: &str) -> ZoomCall {
    let path = format!("{}/{}", registrants(number), encode_segment(registrant));
    ZoomCall::new(Method::DELETE, "delete_registrant", path)
}

fn registrants(number: &str) -> String {
    format!("/meetings/{}/registrants", encode_segment(number))
}
