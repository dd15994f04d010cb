//! Groups: classes and matches with their rosters.

use diesel::prelude::*;

use super::schema::{group_members, groups};
use super::{Conn, StoreError, UtcMillis, each_backend};

/// A row of `groups`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(
    table_name = groups,
    primary_key(ref_),
    treat_none_as_default_value = false,
    treat_none_as_null = true
)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct GroupRow {
    pub ref_: String,
    pub kind: String,
    pub name: String,
    pub dissolved_at: Option<UtcMillis>,
    pub version: i64,
    pub created_at: UtcMillis,
    pub updated_at: UtcMillis,
    pub attendance_rules: Option<String>,
}

/// A row of `group_members`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = group_members)]
pub struct MemberRow {
    /// Of which group.
    pub group_ref: String,
    /// Who.
    pub person_ref: String,
    /// `host` or `attendee`.
    pub role: String,
    /// Their place in the roster.
    pub position: i64,
}

impl MemberRow {
    /// Whether they host the group.
    #[must_use]
    pub fn hosts(&self) -> bool {
        self.role == "host"
    }
}

/// The group with this `ref`.
///
/// # Errors
/// [`StoreError`].
pub fn by_ref(conn: &mut Conn, ref_: &str) -> Result<Option<GroupRow>, StoreError> {
    Ok(groups::table.find(ref_).select(GroupRow::as_select()).first(conn).optional()?)
}

/// Those of these groups that are known.
///
/// # Errors
/// [`StoreError`].
pub fn by_refs(conn: &mut Conn, refs: &[String]) -> Result<Vec<GroupRow>, StoreError> {
    if refs.is_empty() {
        return Ok(Vec::new());
    }
    Ok(groups::table.filter(groups::ref_.eq_any(refs)).select(GroupRow::as_select()).load(conn)?)
}

/// The roster of a group, in its order.
///
/// # Errors
/// [`StoreError`].
pub fn members(conn: &mut Conn, group_ref: &str) -> Result<Vec<MemberRow>, StoreError> {
    Ok(group_members::table
        .filter(group_members::group_ref.eq(group_ref))
        .order((group_members::position, group_members::person_ref))
        .select(MemberRow::as_select())
        .load(conn)?)
}

/// The rosters of several groups.
///
/// # Errors
/// [`StoreError`].
pub fn members_of_all(conn: &mut Conn, group_refs: &[String]) -> Result<Vec<MemberRow>, StoreError> {
    if group_refs.is_empty() {
        return Ok(Vec::new());
    }
    Ok(group_members::table
        .filter(group_members::group_ref.eq_any(group_refs))
        .order((group_members::group_ref, group_members::position, group_members::person_ref))
        .select(MemberRow::as_select())
        .load(conn)?)
}

/// The groups a person is in.
///
/// # Errors
/// [`StoreError`].
pub fn of_person(conn: &mut Conn, person_ref: &str) -> Result<Vec<String>, StoreError> {
    Ok(group_members::table
        .filter(group_members::person_ref.eq(person_ref))
        .order(group_members::group_ref)
        .select(group_members::group_ref)
        .load(conn)?)
}

/// The groups a person hosts.
///
/// # Errors
/// [`StoreError`].
pub fn hosted_by(conn: &mut Conn, person_ref: &str) -> Result<Vec<String>, StoreError> {
    Ok(group_members::table
        .filter(group_members::person_ref.eq(person_ref).and(group_members::role.eq("host")))
        .order(group_members::group_ref)
        .select(group_members::group_ref)
        .load(conn)?)
}

/// A person's role in a group, if they are in it.
///
/// # Errors
/// [`StoreError`].
pub fn role_in(conn: &mut Conn, group_ref: &str, person_ref: &str) -> Result<Option<String>, StoreError> {
    Ok(group_members::table
        .find((group_ref, person_ref))
        .select(group_members::role)
        .first(conn)
        .optional()?)
}

/// Writes a group and its roster as a whole.
///
/// # Errors
/// [`StoreError`].
pub fn save(conn: &mut Conn, row: &GroupRow, members: &[MemberRow]) -> Result<(), StoreError> {
    each_backend!(conn, |c| diesel::insert_into(groups::table)
        .values(row)
        .on_conflict(groups::ref_)
        .do_update()
        .set(row)
        .execute(c))?;
    diesel::delete(group_members::table.filter(group_members::group_ref.eq(&row.ref_))).execute(conn)?;
    each_backend!(conn, |c| diesel::insert_into(group_members::table).values(members).execute(c))?;
    Ok(())
}

/// Marks a group as dissolved.
///
/// # Errors
/// [`StoreError`].
pub fn dissolve(conn: &mut Conn, ref_: &str, now: UtcMillis) -> Result<(), StoreError> {
    diesel::update(groups::table.find(ref_))
        .set((
            groups::dissolved_at.eq(now),
            groups::version.eq(groups::version + 1),
            groups::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Groups in the order of their `ref`, after `after`; only those of `member` when one is named.
///
/// # Errors
/// [`StoreError`].
pub fn list(
    conn: &mut Conn,
    member: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<GroupRow>, StoreError> {
    let mut query = groups::table.select(GroupRow::as_select()).into_boxed();
    if let Some(member) = member {
        let theirs = group_members::table
            .filter(group_members::person_ref.eq(member))
            .select(group_members::group_ref);
        query = query.filter(groups::ref_.eq_any(theirs));
    }
    if let Some(after) = after {
        query = query.filter(groups::ref_.gt(after));
    }
    Ok(query.order(groups::ref_).limit(limit).load(conn)?)
}
