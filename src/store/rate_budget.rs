//! What was used up of Zoom's daily allowances, written down before it is used.
//!
//! A row is the sum of what all processes have reserved for a day; each takes a few at a time and adds them here
//! first. A process that dies leaves at most those few unused, and never a call that is not counted.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::schema::rate_budgets;
use super::{Conn, StoreError, each_backend};

/// Adds `count` to what is reserved and gives the sum, in one statement: of processes that ask at the same time
/// each gets another answer.
///
/// # Errors
/// [`StoreError`].
pub fn reserve(
    conn: &mut Conn,
    scope: &str,
    key: &str,
    day: NaiveDate,
    count: i64,
) -> Result<i64, StoreError> {
    Ok(each_backend!(conn, |c| diesel::insert_into(rate_budgets::table)
        .values((
            rate_budgets::scope.eq(scope),
            rate_budgets::key.eq(key),
            rate_budgets::day.eq(day.to_string()),
            rate_budgets::used.eq(count),
        ))
        .on_conflict((rate_budgets::scope, rate_budgets::key, rate_budgets::day))
        .do_update()
        .set(rate_budgets::used.eq(rate_budgets::used + count))
        .returning(rate_budgets::used)
        .get_result(c))?)
}

/// Notes that at least `used` are gone: Zoom says so.
///
/// # Errors
/// [`StoreError`].
pub fn raise(conn: &mut Conn, scope: &str, key: &str, day: NaiveDate, used: i64) -> Result<(), StoreError> {
    let reserved = reserve(conn, scope, key, day, 0)?;
    if reserved < used {
        reserve(conn, scope, key, day, used - reserved)?;
    }
    Ok(())
}

/// Forgets the days before `day`.
///
/// # Errors
/// [`StoreError`].
pub fn forget_before(conn: &mut Conn, day: NaiveDate) -> Result<(), StoreError> {
    diesel::delete(rate_budgets::table.filter(rate_budgets::day.lt(day.to_string()))).execute(conn)?;
    Ok(())
}
