//! The slow path for bodies that are almost JSON.
//!
//! A display name cut in the middle of an emoji leaves half a surrogate pair (`\ud83d`) or half a UTF-8
//! sequence. Strict parsers refuse the whole body for it, and a join, or a whole report, would be lost for a
//! decoration. A NUL they take, but PostgreSQL cannot store it and nobody can read it.

use std::borrow::Cow;

use serde_json::Value;

/// How a NUL is written in JSON, the only way there is.
const NUL: &[u8] = b"\\u0000";

/// The JSON in a body, repaired where that is necessary; `None` for what is none all the same.
pub(super) fn json(body: &[u8]) -> Option<Value> {
    let parsed = serde_json::from_slice(body).ok();
    if parsed.is_some() && !body.windows(NUL.len()).any(|piece| piece == NUL) {
        return parsed;
    }
    serde_json::from_slice(&repaired(body)).ok().or(parsed)
}

/// The body with every broken character replaced by U+FFFD, and without NULs.
pub(super) fn repaired(body: &[u8]) -> Vec<u8> {
    let text: Cow<'_, str> = String::from_utf8_lossy(body);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim_start_matches('\u{feff}');
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let (written, taken) = one_escape(escape);
        out.push_str(written);
        rest = escape.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out.into_bytes()
}

/// What to write for the escape at the head of `text`, and how many bytes of it that is.
fn one_escape(text: &str) -> (&str, usize) {
    let pair_ends_at = 12;
    match (code_unit(text), text.get(6..).and_then(code_unit)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => {
            (text.get(..pair_ends_at).unwrap_or(text), pair_ends_at)
        }
        (Some(0xd800..=0xdfff), _) => ("\\ufffd", 6),
        (Some(0), _) => ("", 6),
        (Some(_), _) => (text.get(..6).unwrap_or(text), 6),
        // `\n`, `\\` and the like: two characters, the second of any width.
        (None, _) => {
            let taken = text.char_indices().nth(2).map_or(text.len(), |(index, _)| index);
            (text.get(..taken).unwrap_or(text), taken)
        }
    }
}

/// The UTF-16 code unit of a `\uXXXX` at the head of `text`.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::repaired;

    fn repair(body: &str) -> String {
        String::from_utf8(repaired(body.as_bytes())).unwrap()
    }

    #[test]
    fn only_halves_of_characters_are_replaced() {
        assert_eq!(repair(r#""Ann \ud83d""#), r#""Ann \ufffd""#);
        assert_eq!(repair(r#""\udc00\ud83d\ude00\u0041""#), r#""\ufffd\ud83d\ude00\u0041""#);
        assert_eq!(repair(r#""a\\ud83d\n\"""#), r#""a\\ud83d\n\"""#);
    }

    #[test]
    fn an_answer_is_read_although_a_name_in_it_is_broken() {
        let name = |text: &str| super::json(format!(r#"{{"name":"{text}"}}"#).as_bytes());
        assert_eq!(name(r"Ann \ud83d"), Some(json!({ "name": "Ann \u{fffd}" })));
        assert_eq!(name(r"A\u0000nn"), Some(json!({ "name": "Ann" })));
        assert_eq!(name(r"A\\u0000nn"), Some(json!({ "name": r"A\u0000nn" })), "that is no NUL");
        assert_eq!(super::json(b"\"\xff\""), Some(json!("\u{fffd}")));
        assert_eq!(super::json(b"<html>\\u0000"), None);
        assert_eq!(super::json(b""), None);
    }

    #[test]
    fn any_bytes_can_be_repaired() {
        assert_eq!(repaired(b"\"\xff\\"), "\"\u{fffd}\\".as_bytes());
        assert_eq!(repair("\\u12"), "\\u12");
        assert_eq!(repair("\\ä\\uß"), "\\ä\\uß");
        assert_eq!(repair("\u{feff}{}"), "{}");
    }
}
