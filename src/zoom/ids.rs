//! Zoom's identifiers: their shapes, and how an instance UUID travels in a URL path.
//!
//! The daemon needs only the encoding; the sandbox makes identifiers of the same shapes, among them the
//! UUIDs with slashes that break careless clients.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rand::{Rng, RngExt};

/// What stays readable in a path segment; everything else is percent-encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes one path segment (an e-mail address, a user id, a meeting number).
#[must_use]
pub fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Encodes an instance UUID for a path: twice when it starts with `/` or contains `//`, once otherwise.
#[must_use]
pub fn encode_uuid(uuid: &str) -> String {
    let once = encode_segment(uuid);
    if uuid.starts_with('/') || uuid.contains("//") { encode_segment(&once) } else { once }
}

/// The readings of a raw path segment that may be a UUID: decoded once, then decoded twice.
///
/// Published clients disagree (always twice, never, by the rule); both readings are the same for most.
#[must_use]
pub fn decoded_candidates(raw: &str) -> [String; 2] {
    let once = percent_decode_str(raw).decode_utf8_lossy().into_owned();
    let twice = percent_decode_str(&once).decode_utf8_lossy().into_owned();
    [once, twice]
}

/// A meeting number: eleven digits.
pub fn meeting_number(rng: &mut impl Rng) -> u64 {
    rng.random_range(80_000_000_000..100_000_000_000)
}

/// A personal meeting number: ten digits.
pub fn personal_meeting_number(rng: &mut impl Rng) -> u64 {
    rng.random_range(2_000_000_000..10_000_000_000)
}

/// An instance UUID: 24 characters of Base64; one in eight starts with `/` and one in sixteen holds `//`,
/// more often than at Zoom, so that a rehearsal meets them.
pub fn instance_uuid(rng: &mut impl Rng) -> String {
    let mut bytes: [u8; 16] = rng.random();
    let [b0, b1, _, b3, b4, ..] = &mut bytes;
    match rng.random_range(0..32) {
        0 | 1 => *b0 |= 0b1111_1100,
        2 | 3 => (*b0, *b1) = (0xff, *b1 | 0xf0),
        4 | 5 => (*b3, *b4) = (0xff, *b4 | 0xf0),
        _ => {}
    }
    STANDARD.encode(bytes)
}

/// A user or registrant id: 22 characters of URL-safe Base64.
pub fn user_id(rng: &mut impl Rng) -> String {
    URL_SAFE_NO_PAD.encode(rng.random::<[u8; 16]>())
}

/// A participant UUID, new at every join: an upper-case GUID.
pub fn participant_uuid(rng: &mut impl Rng) -> String {
    uuid::Builder::from_random_bytes(rng.random()).into_uuid().to_string().to_uppercase()
}

/// An opaque token of `length` letters and digits (passcodes, page tokens, codes).
pub fn opaque(rng: &mut impl Rng, length: usize) -> String {
    (0..length).map(|_| char::from(rng.sample(rand::distr::Alphanumeric))).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn a_plain_uuid_is_encoded_once_and_a_slashed_one_twice() {
        assert_eq!(encode_uuid("aDYlohsHRtCd4ii1uC2+hA=="), "aDYlohsHRtCd4ii1uC2%2BhA%3D%3D");
        assert_eq!(encode_uuid("a/b=="), "a%2Fb%3D%3D");
        assert_eq!(encode_uuid("/ab=="), "%252Fab%253D%253D");
        assert_eq!(encode_uuid("a//b"), "a%252F%252Fb");
    }

    #[test]
    fn every_encoding_clients_use_decodes_to_the_uuid() {
        let mut rng = StdRng::seed_from_u64(7);
        for _ in 0..200 {
            let uuid = instance_uuid(&mut rng);
            assert_eq!(uuid.len(), 24);
            let by_rule = encode_uuid(&uuid);
            let always_twice = encode_segment(&encode_segment(&uuid));
            for raw in [by_rule, always_twice, encode_segment(&uuid)] {
                assert!(decoded_candidates(&raw).contains(&uuid), "{raw}");
            }
        }
    }

    #[test]
    fn some_uuids_start_with_a_slash_and_the_shapes_are_zooms() {
        let mut rng = StdRng::seed_from_u64(1);
        let uuids: Vec<_> = (0..200).map(|_| instance_uuid(&mut rng)).collect();
        assert!(uuids.iter().any(|uuid| uuid.starts_with("//")));
        assert!(uuids.iter().any(|uuid| uuid.starts_with('/') && !uuid.starts_with("//")));
        assert_eq!(user_id(&mut rng).len(), 22);
        assert_eq!(participant_uuid(&mut rng).len(), 36);
        assert_eq!(meeting_number(&mut rng).to_string().len(), 11);
    }
}
