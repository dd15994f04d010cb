//! SQL that is put together while the program runs, the same for both databases: only fixed pieces of text, and
//! everything that comes from outside as a bound value.

use diesel::deserialize::QueryableByName;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamp};
use diesel::sqlite::Sqlite;

use super::{Conn, StoreError, UtcMillis, each_backend};

/// A value in a statement.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    At(UtcMillis),
    Integer(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<UtcMillis> for Value {
    fn from(at: UtcMillis) -> Self {
        Self::At(at)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// A statement in the making. SQLite numbers `$n` by their first appearance, so each value is bound where it is
/// written, and never referred to twice.
#[derive(Debug, Clone, Default)]
pub(super) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    /// A statement that begins so.
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Adds a piece of text: of ours, never of anybody else's.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Adds values, with commas between them.
    pub(super) fn bind_all(&mut self, values: &[String]) -> &mut Self {
        for (place, value) in values.iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self
    }

    /// Runs it and gives its rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn load<T>(self, conn: &mut Conn) -> Result<Vec<T>, StoreError>
    where
        T: QueryableByName<Sqlite> + QueryableByName<Pg> + 'static,
    {
        let Self { text, values } = self;
        each_backend!(conn, |c| {
            let mut query = diesel::sql_query(text).into_boxed();
            for value in values {
                query = match value {
                    Value::Text(text) => query.bind::<Text, _>(text),
                    Value::At(at) => query.bind::<Timestamp, _>(at),
                    Value::Integer(number) => query.bind::<BigInt, _>(number),
                };
            }
            Ok(query.load::<T>(c)?)
        })
    }

    /// Runs it and says how many rows it changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn execute(self, conn: &mut Conn) -> Result<usize, StoreError> {
        let Self { text, values } = self;
        each_backend!(conn, |c| {
            let mut query = diesel::sql_query(text).into_boxed();
            for value in values {
                query = match value {
                    Value::Text(text) => query.bind::<Text, _>(text),
                    Value::At(at) => query.bind::<Timestamp, _>(at),
                    Value::Integer(number) => query.bind::<BigInt, _>(number),
                };
            }
            Ok(query.execute(c)?)
        })
    }

    /// Runs it and gives the number it asks for, in the column `number`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn number(self, conn: &mut Conn) -> Result<i64, StoreError> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        Ok(self.load::<Row>(conn)?.first().map_or(0, |row| row.number))
    }
}
