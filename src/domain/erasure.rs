//! What is said of a person, found in texts and taken out of them.
//!
//! A person is known by their `ref`, their name and their address. In a text each is found as whole words (names and
//! addresses without regard to case), and the ref under which their history goes on is put in its place. What is not
//! theirs alone is not found: a name of one word ("Mark" is in "a mark was corrected"), and a name or an address that
//! somebody else in the directory has, too.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the `ref` of an erased person begins with.
pub const ERASED_PREFIX: &str = "erased-";
/// A shorter address may be part of anything.
const WORD_LENGTH_MIN: usize = 2;
/// A name of fewer words is everybody's.
const NAME_WORDS_MIN: usize = 2;
/// A `ref` that is shorter is looked for as a whole value in JSON only: `7` is in every time.
const REF_LENGTH_MIN: usize = 4;

/// What Zoom's registrants and users hold beside the address (their objects in the API and in webhooks): the name in
/// parts, and the link that is theirs alone.
const PARTS: [&str; 3] = ["first_name", "last_name", "join_url"];

/// What has to go, and what comes in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// The person's `ref`.
    pub person: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: Option<String>,
    /// Their user at Zoom, where the directory named one.
    #[serde(default)]
    pub zoom_user: Option<String>,
    /// Somebody else in the directory has this name.
    #[serde(default)]
    pub name_is_shared: bool,
    /// Somebody else in the directory has this address.
    #[serde(default)]
    pub email_is_shared: bool,
    /// The `ref` under which their history goes on.
    pub erased: String,
}

/// What a word says of a person, and so where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Another may differ by case alone, or be longer: `s-1`, `s-12`, `s-1-b`.
    Ref,
    /// Another may be longer: `ann@x.example`, `jo.ann@x.example`.
    Address,
    /// Devices and classes are put to it: `Ann Lee-iPad`.
    Name,
}

impl Words {
    /// Their address, where it is theirs alone.
    #[must_use]
    pub fn own_email(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| !self.email_is_shared)
    }

    /// Of these words the `ref` alone: by it they are found in what is about somebody else.
    #[must_use]
    pub fn of_ref(&self) -> Self {
        Self { name: String::new(), email: None, ..self.clone() }
    }

    /// Their name, where it may say whom a text means.
    fn telling_name(&self) -> Option<&str> {
        let tells = !self.name_is_shared && self.name.split_whitespace().count() >= NAME_WORDS_MIN;
        tells.then(|| self.name.trim())
    }

    /// The words that are looked for in texts, the longest first: an address may hold the name.
    fn in_texts(&self) -> Vec<(Kind, &str)> {
        let addresses = self.own_email().map(|email| (Kind::Address, email));
        let names = self.telling_name().map(|name| (Kind::Name, name));
        let mut words: Vec<(Kind, &str)> = addresses.into_iter().chain(names).collect();
        words.retain(|(_, word)| word.chars().count() >= WORD_LENGTH_MIN);
        if self.person.chars().count() >= REF_LENGTH_MIN {
            words.push((Kind::Ref, &self.person));
        }
        words.sort_by_key(|(_, word)| std::cmp::Reverse(word.len()));
        words
    }

    /// Every form in which they may stand in a column, for the database to find candidates by.
    #[must_use]
    pub fn forms(&self) -> Vec<String> {
        let mut forms: Vec<String> =
            self.in_texts().into_iter().flat_map(|(_, word)| written(word)).collect();
        forms.push(self.person.clone());
        forms.sort_unstable();
        forms.dedup();
        forms
    }

    /// The text without them; `None` when they are not in it.
    #[must_use]
    pub fn out_of_text(&self, text: &str) -> Option<String> {
        if text == self.person {
            return Some(self.erased.clone());
        }
        let mut left = Cow::Borrowed(text);
        for (kind, word) in self.in_texts() {
            if let Some(without) = replace(&left, kind, word, &self.erased) {
                left = Cow::Owned(without);
            }
        }
        match left {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        }
    }

    /// Takes them out of every text in a JSON value; whether they were there.
    pub fn out_of_json(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.out_of_text(text) {
                Some(without) => {
                    *text = without;
                    true
                }
                None => false,
            },
            Value::Array(items) => items.iter_mut().fold(false, |found, item| self.out_of_json(item) | found),
            Value::Object(fields) => {
                let named = self.out_of_parts(fields);
                fields.values_mut().fold(named, |found, field| self.out_of_json(field) | found)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Takes out what an object that bears their address says of them in parts, where no whole word is found.
    fn out_of_parts(&self, fields: &mut Map<String, Value>) -> bool {
        let address = fields.get("email").and_then(Value::as_str).map(str::to_lowercase);
        if address.is_none() || address != self.own_email().map(str::to_lowercase) {
            return false;
        }
        for part in PARTS {
            if let Some(said) = fields.get_mut(part) {
                *said = Value::from("");
            }
        }
        true
    }

    /// A column's text without them, whether it is JSON or not; `None` when they are not in it.
    #[must_use]
    pub fn out_of_column(&self, text: &str) -> Option<String> {
        match serde_json::from_str::<Value>(text) {
            Ok(mut value) if value.is_object() || value.is_array() => {
                self.out_of_json(&mut value).then(|| value.to_string())
            }
            _ => self.out_of_text(text),
        }
    }
}

/// A word as it may stand in a text, in JSON, and in JSON that is all ASCII.
fn written(word: &str) -> [String; 3] {
    let quoted = Value::from(word).to_string();
    let quoted = quoted.trim_matches('"').to_owned();
    let mut ascii = String::with_capacity(quoted.len());
    for letter in quoted.chars() {
        if letter.is_ascii() {
            ascii.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    [word.to_owned(), quoted, ascii]
}

/// `text` with `with` in the place of every whole `word`; `None` when there is none.
fn replace(text: &str, kind: Kind, word: &str, with: &str) -> Option<String> {
    let mut out: Option<String> = None;
    let mut kept = 0;
    while let Some(found) = next_whole(text, kind, word, kept) {
        let out = out.get_or_insert_with(String::new);
        out.push_str(text.get(kept..found.start).unwrap_or_default());
        out.push_str(with);
        kept = found.end;
    }
    out.map(|out| out + text.get(kept..).unwrap_or_default())
}

/// Whether a `ref` stands in a text as a word of its own.
#[must_use]
pub(super) fn names(text: &str, ref_: &str) -> bool {
    next_whole(text, Kind::Ref, ref_, 0).is_some()
}

/// Where `word` stands next as a whole, from `from` on.
fn next_whole(text: &str, kind: Kind, word: &str, from: usize) -> Option<Range<usize>> {
    for (start, _) in text.get(from..)?.char_indices() {
        let start = from + start;
        let rest = text.get(start..)?;
        let Some(length) = begins_with(rest, word).filter(|length| *length > 0) else { continue };
        let end = start + length;
        let (first, last) = (word.chars().next(), word.chars().next_back());
        if (kind != Kind::Ref || rest.starts_with(word))
            && ends(kind, text.get(..start)?.chars().rev(), first)
            && ends(kind, text.get(end..)?.chars(), last)
        {
            return Some(start..end);
        }
    }
    None
}

/// Whether a word that has `edge` at its end ends there, by what stands `beyond`.
fn ends(kind: Kind, mut beyond: impl Iterator<Item = char>, edge: Option<char>) -> bool {
    let joins = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    match beyond.next() {
        _ if !joins(edge) => true,
        Some('-' | '_' | '.' | '+') if kind != Kind::Name => !joins(beyond.next()),
        Some('@') if kind == Kind::Ref => !joins(beyond.next()),
        next => !joins(next),
    }
}

/// How much of `text` is `word`, without regard to case.
fn begins_with(text: &str, word: &str) -> Option<usize> {
    let mut wanted = word.chars().flat_map(char::to_lowercase).peekable();
    let mut length = 0;
    for letter in text.chars() {
        if wanted.peek().is_none() {
            break;
        }
        for lower in letter.to_lowercase() {
            if wanted.next() != Some(lower) {
                return None;
            }
        }
        length += letter.len_utf8();
    }
    wanted.peek().is_none().then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn words() -> Words {
        Words {
            person: "pupil-7".to_owned(),
            name: "Ján Příklad".to_owned(),
            email: Some("jan@school.example".to_owned()),
            zoom_user: None,
            name_is_shared: false,
            email_is_shared: false,
            erased: "erased-x".to_owned(),
        }
    }

    #[test]
    fn whole_words_go_in_any_case_and_nothing_else() {
        for (text, left) in [
            ("pupil-7 left the roster", "erased-x left the roster"),
            ("JÁN PŘÍKLAD's iPad", "erased-x's iPad"),
            ("to <Jan@School.example>, twice: jan@school.example", "to <erased-x>, twice: erased-x"),
            ("Ján Příkladová", "Ján Příkladová"),
            ("pupil-77 and pupil-7", "pupil-77 and erased-x"),
            ("pupil-7-b, x-pupil-7, Pupil-7 and pupil-7.", "pupil-7-b, x-pupil-7, Pupil-7 and erased-x."),
            (
                "jo.jan@school.example, jan@school.example.org",
                "jo.jan@school.example, jan@school.example.org",
            ),
            ("Ján Příklad@1700000000 and 7B_Ján Příklad-iPad", "erased-x@1700000000 and 7B_erased-x-iPad"),
            ("Ján", "Ján"),
            ("", ""),
        ] {
            let found = words().out_of_text(text);
            assert_eq!(found.as_deref().unwrap_or(text), left);
            assert_eq!(found.is_some(), text != left, "{text}");
        }
    }

    #[test]
    fn what_others_have_too_is_not_looked_for() {
        let mark = Words { name: "Mark".to_owned(), ..words() };
        assert_eq!(mark.out_of_text("a mark was corrected"), None, "one word is everybody's");
        assert!(!mark.forms().iter().any(|form| form == "Mark"));
        let shared = Words { name_is_shared: true, email_is_shared: true, ..words() };
        for text in
            ["Ján Příklad's iPad", "jan@school.example", r#"{"email":"jan@school.example","join_url":"x"}"#]
        {
            assert_eq!(shared.out_of_column(text), None, "{text}");
        }
        assert_eq!(shared.out_of_text("pupil-7 left").unwrap(), "erased-x left");
        assert_eq!(words().of_ref().out_of_text("Ján Příklad, jan@school.example"), None);
        assert!(names("eva invited pupil-7", "pupil-7") && !names("eva invited pupil-77", "pupil-7"));
        assert!(!names("unreadable", "ada") && !names("ADA left", "ada"));
    }

    #[test]
    fn a_short_ref_goes_where_it_is_the_whole_value() {
        let words = Words { person: "10".to_owned(), name: "A".to_owned(), email: None, ..words() };
        let mut value = json!({ "by": "10", "at": "10:00", "list": ["10", 10, "x"] });
        assert!(words.out_of_json(&mut value));
        assert_eq!(value, json!({ "by": "erased-x", "at": "10:00", "list": ["erased-x", 10, "x"] }));
    }

    #[test]
    fn a_name_in_parts_and_a_link_go_where_the_address_says_whose_they_are() {
        let other = json!({ "email": "eva@school.example", "first_name": "Ján", "last_name": "Příklad" });
        let theirs = json!({ "email": "JAN@school.example", "first_name": "Ján", "last_name": "Příklad",
            "join_url": "https://zoom.example/w/1?tk=x", "status": "approved" });
        let mut value = json!([other, theirs]);
        assert!(words().out_of_json(&mut value));
        let left = json!({ "email": "erased-x", "first_name": "", "last_name": "", "join_url": "",
            "status": "approved" });
        assert_eq!(value, json!([other, left]));
    }

    #[test]
    fn json_is_taken_as_json_and_stays_it() {
        let escaped = r#"{"user_name":"J\u00e1n P\u0159\u00edklad","n":1}"#;
        assert_eq!(words().out_of_column(escaped).unwrap(), r#"{"n":1,"user_name":"erased-x"}"#);
        assert!(words().forms().iter().any(|form| escaped.contains(form)), "the database finds it");
        assert_eq!(words().out_of_column("{ not json jan@school.example").unwrap(), "{ not json erased-x");
        assert_eq!(words().out_of_column(r#"{"user_name":"Eva"}"#), None);
    }

    proptest! {
        #[test]
        fn what_was_taken_out_is_gone_and_the_rest_is_as_it_was(
            parts in prop::collection::vec("[a-zA-Z0-9 .,ÁŘß]{0,12}", 1..5),
            which in 0usize..3,
        ) {
            let words = words();
            let word = [&words.person, &words.name, words.email.as_ref().unwrap()][which].clone();
            let text = parts.join(&format!(" {word} "));
            let left = words.out_of_text(&text).unwrap_or_else(|| text.clone());
            prop_assert_eq!(&left, &parts.join(" erased-x "));
            prop_assert_eq!(words.out_of_text(&left), None);
        }
    }
}
