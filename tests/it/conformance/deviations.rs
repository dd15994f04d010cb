//! Where the sandbox does not keep to Zoom's published schemas, because Zoom does not either.

use std::collections::BTreeSet;

use super::spec::Violation;

/// A violation that is known and real.
struct Deviation {
    /// The subject; a `*` at its end stands for anything.
    subject: &'static str,
    at: &'static str,
    what: &'static str,
    /// What shows that Zoom does the same.
    #[expect(dead_code, reason = "for the reader")]
    reason: &'static str,
}

const fn deviation(
    subject: &'static str,
    at: &'static str,
    what: &'static str,
    reason: &'static str,
) -> Deviation {
    Deviation { subject, at, what, reason }
}

#[rustfmt::skip]
const KNOWN: &[Deviation] = &[
    deviation("event meeting.started", "/payload/object", "missing host_email", NEVER_CAPTURED),
    deviation("event meeting.ended", "/payload/object", "missing host_email", NEVER_CAPTURED),
    deviation("event meeting.participant_joined", "/payload/object/participant", "extra public_ip", ADDRESSES),
    deviation("event meeting.participant_left", "/payload/object/participant", "extra public_ip", ADDRESSES),
    deviation("event meeting.participant_left", "/payload/object/participant", "extra private_ip", ADDRESSES),
    deviation("event meeting.participant_joined", "/payload/object/participant/registrant_id", "type",
        "null for the unregistered: captured in 2022 (a2)"),
    deviation("event meeting.participant_*", "/payload/object/participant/email", "format",
        "empty for guests: captured (c4, c5), and the schema's own description says so"),
    deviation("answer GET /meetings/{meetingId}/recordings 200", "/type", "type", RECORDING_TYPE),
    deviation("answer GET /meetings/{meetingId}/recordings 200", "/type", "enum", RECORDING_TYPE),
    deviation("answer GET /users/{userId}/recordings 200", "/meetings/*/type", "type", RECORDING_TYPE),
    deviation("answer GET /users/{userId}/recordings 200", "/meetings/*/type", "enum", RECORDING_TYPE),
    deviation("answer GET /meetings/{meetingId}/recordings 200", "", "extra share_url", RECORDING_OBJECT),
    deviation("answer GET /meetings/{meetingId}/recordings 200", "", "extra timezone", RECORDING_OBJECT),
    deviation("answer GET /users/{userId}/recordings 200", "/meetings/*", "extra share_url", RECORDING_OBJECT),
    deviation("answer GET /users/{userId}/recordings 200", "/meetings/*", "extra timezone", RECORDING_OBJECT),
    deviation("answer GET /users/{userId}/settings 200", "", "oneOf",
        "the alternatives have no required fields, so that every answer fits more than one of them"),
];

const NEVER_CAPTURED: &str = "required by the schema, missing from every captured event (a1, a3, c3, c6, d1)";
const ADDRESSES: &str = "captured although the schema forbids them (c4, c5)";
const RECORDING_OBJECT: &str = "documented for the same object in the schema of recording.completed";
const RECORDING_TYPE: &str = "a number in a captured answer and in the webhook, a text in the schema (v1)";

impl Deviation {
    fn covers(&self, violation: &Violation) -> bool {
        let subject = match self.subject.strip_suffix('*') {
            Some(start) => violation.subject.starts_with(start),
            None => violation.subject == self.subject,
        };
        subject && violation.at == self.at && violation.what == self.what
    }
}

/// Fails with every violation that is not known, and with every known one that does not happen any more.
pub(crate) fn assert_only_known(found: &BTreeSet<Violation>) {
    let unknown: Vec<String> = found
        .iter()
        .filter(|violation| !KNOWN.iter().any(|known| known.covers(violation)))
        .map(|violation| format!("{} | {} | {}", violation.subject, violation.at, violation.what))
        .collect();
    let gone: Vec<String> = KNOWN
        .iter()
        .filter(|known| !found.iter().any(|violation| known.covers(violation)))
        .map(|known| format!("{} | {} | {}", known.subject, known.at, known.what))
        .collect();
    assert!(unknown.is_empty(), "not as Zoom publishes it, and not listed:\n{}", unknown.join("\n"));
    assert!(gone.is_empty(), "listed, but it does not happen any more:\n{}", gone.join("\n"));
}
