//! Reading a request field by field: every fault is collected, unknown fields are named, and each field is taken
//! by its snake_case and its camelCase name alike.

use std::ops::RangeInclusive;

use actix_web::http::StatusCode;
use serde_json::{Map, Value};

use super::error::{ApiError, FieldFault};

/// The fields of a body or a query that have not been read yet, and the faults found so far.
#[derive(Debug)]
pub(super) struct Fields {
    prefix: String,
    values: Map<String, Value>,
    faults: Vec<FieldFault>,
}

impl Fields {
    /// The fields of a JSON body, which must be an object.
    pub(super) fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::of(String::new(), Map::new()));
        }
        match parse(body)? {
            Value::Object(values) => Ok(Self::of(String::new(), values)),
            _ => Err(ApiError::field("body", "must be an object")),
        }
    }

    /// The parameters of a query; one that comes twice is a fault.
    pub(super) fn from_query(query: &str) -> Self {
        let mut fields = Self::of(String::new(), Map::new());
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if value.is_empty() {
                continue;
            }
            let value = Value::String(value.into_owned());
            if fields.values.insert(name.to_string(), value).is_some() {
                fields.fault(&name, "is given twice");
            }
        }
        fields
    }

    /// The fields of an object inside another; their faults carry its path.
    pub(super) fn of(prefix: String, values: Map<String, Value>) -> Self {
        Self { prefix, values, faults: Vec::new() }
    }

    /// Adds a fault.
    pub(super) fn fault(&mut self, field: &str, message: impl Into<String>) {
        self.faults.push(FieldFault::new(format!("{}{field}", self.prefix), message));
    }

    /// Adds what was found in an object inside this one.
    pub(super) fn absorb(&mut self, inner: Fields) {
        self.faults.extend(inner.into_faults());
    }

    /// Ends the reading: what nobody asked for is a fault too.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        let faults = self.into_faults();
        if faults.is_empty() { Ok(()) } else { Err(ApiError::Validation(faults)) }
    }

    fn into_faults(mut self) -> Vec<FieldFault> {
        let unknown: Vec<String> = self.values.keys().cloned().collect();
        for name in unknown {
            self.fault(&name, "is not a field of this request");
        }
        self.faults
    }

    /// Takes a field by the first of its names that is there; two names of one field are a fault.
    pub(super) fn take(&mut self, names: &[&str]) -> Option<Value> {
        let mut found: Option<(String, Value)> = None;
        for spelling in names.iter().flat_map(|name| spellings(name)) {
            let Some(value) = self.values.remove(&spelling) else { continue };
            match &found {
                None => found = Some((spelling, value)),
                Some((first, _)) => {
                    let message = format!("is the same field as `{first}`");
                    self.fault(&spelling, message);
                }
            }
        }
        found.map(|(_, value)| value)
    }

    /// A field that must be there. The fault is not added when reading it has already failed.
    pub(super) fn need<T: Default>(&mut self, name: &str, value: Option<T>) -> T {
        let path = format!("{}{name}", self.prefix);
        if value.is_none() && !self.faults.iter().any(|fault| fault.field == path) {
            self.fault(name, "is required");
        }
        value.unwrap_or_default()
    }

    /// A field that may be set to null: `Some(None)` then.
    pub(super) fn clearable<T>(
        &mut self,
        names: &[&str],
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        let nulled = names
            .iter()
            .flat_map(|name| spellings(name))
            .any(|spelling| self.values.get(&spelling).is_some_and(Value::is_null));
        if nulled {
            self.take(names);
            return Some(None);
        }
        read(self).map(Some)
    }

    fn text_of(&mut self, names: &[&str], max: usize) -> Option<String> {
        let name = first(names);
        match self.take(names)? {
            Value::Null => None,
            Value::String(text) if text.chars().count() > max => {
                self.fault(name, format!("is longer than {max} characters"));
                None
            }
            Value::String(text) if text.chars().any(is_unprintable) => {
                self.fault(name, "has control characters");
                None
            }
            Value::String(text) => Some(text.trim().to_owned()),
            _ => {
                self.fault(name, "must be text");
                None
            }
        }
    }

    /// Text that may be empty.
    pub(super) fn free_text(&mut self, names: &[&str], max: usize) -> Option<String> {
        self.text_of(names, max)
    }

    /// Text that says something.
    pub(super) fn text(&mut self, names: &[&str], max: usize) -> Option<String> {
        let text = self.text_of(names, max)?;
        if text.is_empty() {
            self.fault(first(names), "must not be empty");
            return None;
        }
        Some(text)
    }

    /// A whole number, also as text.
    pub(super) fn integer(&mut self, names: &[&str], range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.take(names)?;
        let number = match &value {
            Value::Null => return None,
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                let message = format!("must be a whole number from {} to {}", range.start(), range.end());
                self.fault(first(names), message);
                None
            }
        }
    }

    /// True or false, also as text.
    pub(super) fn flag(&mut self, names: &[&str]) -> Option<bool> {
        match self.take(names)? {
            Value::Null => None,
            Value::Bool(flag) => Some(flag),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            _ => {
                self.fault(first(names), "must be true or false");
                None
            }
        }
    }

    /// A word of a list.
    pub(super) fn choice(&mut self, names: &[&str], words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(names, 64)?;
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            self.fault(first(names), format!("must be one of {}", words.join(", ")));
        }
        found
    }

    /// An e-mail address: something on both sides of one `@`, no spaces.
    pub(super) fn email(&mut self, names: &[&str]) -> Option<String> {
        let text = self.text(names, 254)?;
        let fit = text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
        if !fit || text.contains(char::is_whitespace) {
            self.fault(first(names), "must be an e-mail address");
            return None;
        }
        Some(text)
    }

    /// An object.
    pub(super) fn object(&mut self, names: &[&str]) -> Option<Map<String, Value>> {
        match self.take(names)? {
            Value::Null => None,
            Value::Object(object) => Some(object),
            _ => {
                self.fault(first(names), "must be an object");
                None
            }
        }
    }

    /// A list of at most `max` items.
    pub(super) fn items(&mut self, names: &[&str], max: usize) -> Option<Vec<Value>> {
        match self.take(names)? {
            Value::Null => None,
            Value::Array(items) if items.len() <= max => Some(items),
            Value::Array(_) => {
                self.fault(first(names), format!("has more than {max} items"));
                None
            }
            _ => {
                self.fault(first(names), "must be a list");
                None
            }
        }
    }
}

/// Reads JSON; what is wrong with it is said with its place.
pub(super) fn parse(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::MalformedJson(error.to_string()))
}

/// The error for a body that could not be taken in.
pub(super) fn unreadable(error: &actix_web::Error, limit: usize) -> ApiError {
    match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::PayloadTooLarge(limit),
        _ => ApiError::MalformedJson("the body ends early or is not as its headers say".to_owned()),
    }
}

fn first<'a>(names: &[&'a str]) -> &'a str {
    names.first().copied().unwrap_or_default()
}

/// `start_time` and `startTime`.
fn spellings(name: &str) -> impl Iterator<Item = String> + use<> {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        match (letter, upper) {
            ('_', _) => upper = true,
            (letter, true) => {
                camel.push(letter.to_ascii_uppercase());
                upper = false;
            }
            (letter, false) => camel.push(letter),
        }
    }
    let other = (camel != name).then_some(camel);
    std::iter::once(name.to_owned()).chain(other)
}

fn is_unprintable(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(fields: Fields) -> Vec<String> {
        match fields.finish() {
            Err(ApiError::Validation(faults)) => faults.into_iter().map(|fault| fault.field).collect(),
            _ => Vec::new(),
        }
    }

    fn fields(value: Value) -> Fields {
        Fields::from_json(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn all_faults_are_found_and_unknown_fields_named() {
        let mut fields = fields(json!({"title": 7, "duration": 0, "colour": "red"}));
        let title = fields.text(&["title"], 10);
        fields.need("title", title);
        fields.integer(&["duration"], 1..=1440);
        let start = fields.text(&["start_time"], 40);
        fields.need("start_time", start);
        assert_eq!(faults(fields), ["title", "duration", "start_time", "colour"]);
    }

    #[test]
    fn both_spellings_are_taken_but_not_together() {
        let mut one = fields(json!({"startTime": "x"}));
        assert_eq!(one.text(&["start_time"], 9).as_deref(), Some("x"));
        assert!(faults(one).is_empty());
        let mut both = fields(json!({"startTime": "x", "start_time": "y"}));
        both.text(&["start_time"], 9);
        assert_eq!(faults(both), ["startTime"]);
    }

    #[test]
    fn null_clears_what_may_be_cleared_and_is_absent_elsewhere() {
        let mut fields = fields(json!({"host": null, "title": null}));
        assert_eq!(fields.clearable(&["host"], |fields| fields.text(&["host"], 9)), Some(None));
        assert_eq!(fields.clearable(&["group"], |fields| fields.text(&["group"], 9)), None);
        assert_eq!(fields.text(&["title"], 9), None);
        assert!(faults(fields).is_empty());
    }

    #[test]
    fn an_address_has_two_sides() {
        for (text, fit) in [("a@b", true), ("a@", false), ("@b", false), ("a b@c", false), ("a@b@c", false)] {
            assert_eq!(fields(json!({"email": text})).email(&["email"]).is_some(), fit, "{text}");
        }
    }
}
