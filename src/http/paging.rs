//! Lists in pages: a limit, and a cursor that names the last item seen, so that nothing is skipped or shown twice
//! while items come and go.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;

use super::error::ApiError;
use super::validate::Fields;
use crate::store::UtcMillis;
use crate::store::appointment::Place;

/// Items on a page, at most.
pub(super) const LIMIT_MAX: i64 = 200;
const LIMIT_DEFAULT: i64 = 50;
const CURSOR_LENGTH_MAX: usize = 600;

/// What of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    limit: i64,
    after: Option<String>,
}

impl Page {
    /// Reads a query that has nothing but a page.
    pub(super) fn alone(query: &str) -> Result<Self, ApiError> {
        let mut fields = Fields::from_query(query);
        let page = Self::read(&mut fields);
        fields.finish()?;
        Ok(page)
    }

    /// Reads `limit` and `cursor`.
    pub(super) fn read(fields: &mut Fields) -> Self {
        Self::read_up_to(fields, LIMIT_MAX)
    }

    /// As [`Page::read`], of a list whose pages have at most `max` items.
    pub(super) fn read_up_to(fields: &mut Fields, max: i64) -> Self {
        let limit = fields.integer(&["limit"], 1..=max).unwrap_or(LIMIT_DEFAULT.min(max));
        let cursor = fields.text(&["cursor"], CURSOR_LENGTH_MAX);
        let after = cursor.and_then(|cursor| {
            let text = URL_SAFE_NO_PAD.decode(&cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            // PostgreSQL takes no NUL, and no key of ours has one.
            let text = text.filter(|text| !text.chars().any(char::is_control));
            if text.is_none() {
                fields.fault("cursor", "is not one that a list gave");
            }
            text
        });
        Self { limit, after }
    }

    /// The key after which the page begins.
    pub(super) fn after(&self) -> Option<String> {
        self.after.clone()
    }

    /// The place after which the page begins, in a list of bookings.
    pub(super) fn after_place(&self, fields: &mut Fields) -> Option<Place> {
        let place = place(self.after.as_deref()?);
        if place.is_none() {
            fields.fault("cursor", "is not one that this list gave");
        }
        place
    }

    /// How many rows to read: one more than shown, to know whether there is a next page.
    pub(super) fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// Cuts what was read to the page and names the cursor of the next.
    pub(super) fn cut<T>(&self, items: &mut Vec<T>, key: impl Fn(&T) -> String) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if items.len() <= limit {
            return None;
        }
        items.truncate(limit);
        items.last().map(|last| URL_SAFE_NO_PAD.encode(key(last)))
    }
}

/// The key of a booking's place.
pub(super) fn place_key(start: UtcMillis, id: &str) -> String {
    format!("{} {id}", DateTime::from(start).timestamp_millis())
}

fn place(key: &str) -> Option<Place> {
    let (millis, id) = key.split_once(' ')?;
    let start = DateTime::from_timestamp_millis(millis.parse().ok()?)?;
    Some((start.into(), id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_of_a_page_is_the_start_of_the_next() {
        let mut fields = Fields::from_query("limit=2");
        let page = Page::read(&mut fields);
        let mut items = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let cursor = page.cut(&mut items, Clone::clone).unwrap();
        assert_eq!(items, ["a", "b"]);
        let mut fields = Fields::from_query(&format!("cursor={cursor}"));
        assert_eq!(Page::read(&mut fields).after().as_deref(), Some("b"));
    }

    #[test]
    fn a_place_reads_back() {
        let start: UtcMillis = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap().into();
        assert_eq!(place(&place_key(start, "id")), Some((start, "id".to_owned())));
        assert_eq!(place("nonsense"), None);
    }
}
