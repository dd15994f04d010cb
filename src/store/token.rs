//! The access token that the processes of one account share, sealed; on PostgreSQL, where there may be several.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::schema::zoom_tokens;
use super::{Conn, StoreError, UtcMillis};

/// How long whoever is asking Zoom for a token may take, on the database's clock; then another one asks.
const ASKING_MAX_SECS: u32 = 30;

/// A row of `zoom_tokens`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = zoom_tokens)]
pub struct TokenRow {
    /// How many tokens there were before this one, and it.
    pub number: i64,
    /// The token; none before the first.
    pub token_enc: Option<Vec<u8>>,
    /// What it may do, separated by spaces.
    pub scopes: String,
    /// When it ends.
    pub expires_at: Option<UtcMillis>,
}

/// The present token of an app.
///
/// # Errors
/// [`StoreError`].
pub fn present(conn: &mut Conn, app: &str) -> Result<Option<TokenRow>, StoreError> {
    Ok(zoom_tokens::table.find(app).select(TokenRow::as_select()).first(conn).optional()?)
}

/// Makes the caller the one that asks Zoom for the token after `number`; `false` when somebody else is asking, or
/// has already got it.
///
/// # Errors
/// [`StoreError`]; on SQLite [`StoreError::Unusable`]: there is nobody to share with.
pub fn begin(conn: &mut Conn, app: &str, number: i64) -> Result<bool, StoreError> {
    let Conn::Postgres(conn) = conn else {
        return Err(StoreError::Unusable("a token is only shared on PostgreSQL".to_owned()));
    };
    let begun = diesel::sql_query(format!(
        "INSERT INTO zoom_tokens (app, number, scopes, asking_until) \
         VALUES ($1, $2, '', clock_timestamp() + interval '{ASKING_MAX_SECS} seconds') \
         ON CONFLICT (app) DO UPDATE SET asking_until = excluded.asking_until \
         WHERE zoom_tokens.number = excluded.number \
         AND (zoom_tokens.asking_until IS NULL OR zoom_tokens.asking_until < clock_timestamp())"
    ))
    .bind::<Text, _>(app)
    .bind::<BigInt, _>(number)
    .execute(conn)?;
    Ok(begun == 1)
}

/// Writes a new token, unless somebody else has written one meanwhile. Gives its number.
///
/// # Errors
/// [`StoreError`].
pub fn save(conn: &mut Conn, app: &str, row: TokenRow) -> Result<i64, StoreError> {
    let number = row.number + 1;
    diesel::update(zoom_tokens::table.find(app))
        .filter(zoom_tokens::number.eq(row.number))
        .set((
            zoom_tokens::number.eq(number),
            zoom_tokens::token_enc.eq(row.token_enc),
            zoom_tokens::scopes.eq(row.scopes),
            zoom_tokens::expires_at.eq(row.expires_at),
            zoom_tokens::asking_until.eq(None::<UtcMillis>),
        ))
        .execute(conn)?;
    Ok(number)
}

/// Zoom gave no token: whoever needs one may ask at once.
///
/// # Errors
/// [`StoreError`].
pub fn end(conn: &mut Conn, app: &str, number: i64) -> Result<(), StoreError> {
    diesel::update(zoom_tokens::table.find(app))
        .filter(zoom_tokens::number.eq(number))
        .set(zoom_tokens::asking_until.eq(None::<UtcMillis>))
        .execute(conn)?;
    Ok(())
}
