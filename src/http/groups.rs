//! Groups: `/api/groups`.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Front;
use super::auth::Caller;
use super::body::JsonBody;
use super::error::ApiError;
use super::etag::{self, Precondition};
use super::paging::Page;
use super::people::{REF_LENGTH_MAX, checked_ref};
use super::validate::Fields;
use crate::domain::access::Role;
use crate::store::booking::directory::{self, Aftermath};
use crate::store::group::{self, GroupRow, MemberRow};
use crate::store::{Conn, UtcMillis, hold, rules};

const MEMBERS_MAX: usize = 1000;

/// A group to be written.
#[derive(Debug, Clone, ToSchema)]
pub struct GroupBody {
    /// `class` or `match`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its roster, in order.
    pub members: Vec<Member>,
    /// The rules of attendance for its bookings that name none themselves.
    pub attendance_rules: Option<String>,
}

/// A member of a group.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Member {
    /// The person's `ref`.
    pub person: String,
    /// `host` or `attendee`.
    pub role: String,
}

/// A group.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupView {
    /// The calling system's id of it.
    #[serde(rename = "ref")]
    pub ref_: String,
    /// `class` or `match`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its roster, in order.
    pub members: Vec<Member>,
    /// The rules of attendance for its bookings that name none themselves.
    pub attendance_rules: Option<String>,
    /// When it was dissolved.
    pub dissolved_at: Option<DateTime<Utc>>,
    /// When it was first told.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl GroupView {
    fn new(row: GroupRow, members: &[MemberRow]) -> Self {
        let members = members
            .iter()
            .filter(|member| member.group_ref == row.ref_)
            .map(|member| Member { person: member.person_ref.clone(), role: member.role.clone() })
            .collect();
        Self {
            ref_: row.ref_,
            kind: row.kind,
            name: row.name,
            members,
            attendance_rules: row.attendance_rules,
            dissolved_at: row.dissolved_at.map(Into::into),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

/// One group, with what its change did.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupAnswer {
    /// The group.
    pub group: GroupView,
    /// Future bookings whose roster changed with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed_rosters: Vec<String>,
    /// Future bookings that were cancelled with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cancelled_appointments: Vec<String>,
    /// Future bookings that went to another of its hosts, because theirs no longer hosts it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moved_appointments: Vec<String>,
}

/// A page of groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupsAnswer {
    /// The groups, by `ref`.
    pub groups: Vec<GroupView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

/// Creates a group or replaces it with its roster; the rosters of its future bookings follow, and so do their hosts:
/// a booking whose host no longer hosts the group goes to the first of its hosts who is free then.
#[utoipa::path(put, path = "/api/groups/{ref}", tag = "directory", operation_id = "put_group",
    params(("ref" = String, Path, description = "The calling system's id")),
    request_body = GroupBody,
    responses((status = 200, body = GroupAnswer), (status = 201, body = GroupAnswer)))]
pub(super) async fn put(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let now: UtcMillis = front.clock.now().into();
    let (new, members) = read_group(checked_ref(path.into_inner())?, body.fields()?, now)?;
    let precondition = Precondition::of(&request);
    let policy = front.hosts.clone();
    let (row, members, aftermath, created) = front
        .write(move |conn| {
            let old = hold::group(conn, &new.ref_)?;
            precondition.check_found(old.as_ref().map(|old| old.version))?;
            if let Some(name) = &new.attendance_rules
                && !rules::is_known(conn, name)?
            {
                return Err(ApiError::field("attendance_rules", format!("there are no rules `{name}`")));
            }
            let row = match &old {
                Some(old) => GroupRow { version: old.version + 1, created_at: old.created_at, ..new },
                None => new,
            };
            let before = group::members(conn, &row.ref_)?;
            group::save(conn, &row, &members)?;
            let aftermath = match &old {
                Some(_) => directory::group_changed(conn, &row.ref_, &before, &caller.subject, &policy, now)?,
                None => Aftermath::default(),
            };
            Ok((row, members, aftermath, old.is_none()))
        })
        .await?;
    for meeting in &aftermath.meetings {
        front.registry.wake(meeting);
    }
    let mut answer = if created { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer.insert_header(etag::tag(row.version, 0)).json(GroupAnswer {
        group: GroupView::new(row, &members),
        changed_rosters: aftermath.rosters,
        cancelled_appointments: Vec::new(),
        moved_appointments: aftermath.moved,
    }))
}

fn read_group(
    ref_: String,
    mut fields: Fields,
    now: UtcMillis,
) -> Result<(GroupRow, Vec<MemberRow>), ApiError> {
    let kind = fields.choice(&["kind"], &["class", "match"]);
    let kind = fields.need("kind", kind);
    let name = fields.text(&["name"], 200);
    let name = fields.need("name", name);
    let items = fields.items(&["members"], MEMBERS_MAX);
    let items = fields.need("members", items);
    let attendance_rules = fields.text(&["attendance_rules"], REF_LENGTH_MAX);
    let mut seen = BTreeSet::new();
    let mut members = Vec::with_capacity(items.len());
    for (item, position) in items.into_iter().zip(0_i64..) {
        let Value::Object(values) = item else {
            fields.fault(&format!("members[{position}]"), "must be an object");
            continue;
        };
        let mut inner = Fields::of(format!("members[{position}]."), values);
        let person = inner.text(&["person"], REF_LENGTH_MAX);
        let person_ref = inner.need("person", person);
        let role = inner.text(&["role"], 64);
        let role = inner.need("role", role);
        let role = match Role::parse(&role) {
            Some(role @ (Role::Host | Role::Attendee)) => role.as_str().to_owned(),
            _ if role.is_empty() => role,
            _ => {
                inner.fault("role", "must be host or attendee");
                role
            }
        };
        if !person_ref.is_empty() && !seen.insert(person_ref.clone()) {
            inner.fault("person", "is a member twice");
        }
        fields.absorb(inner);
        members.push(MemberRow { group_ref: ref_.clone(), person_ref, role, position });
    }
    fields.finish()?;
    let row = GroupRow {
        ref_,
        kind: kind.to_owned(),
        name,
        dissolved_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
        attendance_rules,
    };
    Ok((row, members))
}

/// One group with its roster.
#[utoipa::path(get, path = "/api/groups/{ref}", tag = "directory", operation_id = "get_group",
    params(("ref" = String, Path, description = "The calling system's id")),
    responses((status = 200, body = GroupAnswer)))]
pub(super) async fn get(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let ref_ = path.into_inner();
    let (row, members) = front
        .read(move |conn| {
            let row = found(conn, &ref_)?;
            let members = group::members(conn, &ref_)?;
            let theirs = members.iter().any(|member| member.person_ref == caller.subject);
            match caller.role {
                Role::Service | Role::Admin => {}
                Role::Host if theirs => {}
                Role::Host | Role::Attendee => return Err(ApiError::NotFound("group")),
            }
            Ok((row, members))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header(etag::tag(row.version, 0)).json(GroupAnswer {
        group: GroupView::new(row, &members),
        changed_rosters: Vec::new(),
        cancelled_appointments: Vec::new(),
        moved_appointments: Vec::new(),
    }))
}

fn found(conn: &mut Conn, ref_: &str) -> Result<GroupRow, ApiError> {
    group::by_ref(conn, ref_)?.ok_or(ApiError::NotFound("group"))
}

/// Groups; hosts see those they are in.
#[utoipa::path(get, path = "/api/groups", tag = "directory", operation_id = "list_groups",
    params(
        ("limit" = Option<i64>, Query, description = "1 to 200, 50 without it"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = GroupsAnswer)))]
pub(super) async fn list(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    let page = Page::alone(request.query_string())?;
    if caller.role == Role::Attendee {
        return Err(ApiError::Forbidden("only hosts, services and admins may list groups"));
    }
    let member = (!caller.role.acts_for_all()).then_some(caller.subject);
    let (after, rows) = (page.after(), page.rows());
    let (mut groups, members) = front
        .read(move |conn| {
            let groups = group::list(conn, member.as_deref(), after.as_deref(), rows)?;
            let refs: Vec<String> = groups.iter().map(|group| group.ref_.clone()).collect();
            let members = group::members_of_all(conn, &refs)?;
            Ok((groups, members))
        })
        .await?;
    let next_cursor = page.cut(&mut groups, |row| row.ref_.clone());
    let groups = groups.into_iter().map(|row| GroupView::new(row, &members)).collect();
    Ok(HttpResponse::Ok().json(GroupsAnswer { groups, next_cursor }))
}

/// Ends a group: all its future bookings are cancelled and their Zoom meetings deleted.
#[utoipa::path(post, path = "/api/groups/{ref}/dissolve", tag = "directory", operation_id = "dissolve_group",
    params(("ref" = String, Path, description = "The calling system's id")),
    responses((status = 200, body = GroupAnswer)))]
pub(super) async fn dissolve(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let ref_ = path.into_inner();
    let now: UtcMillis = front.clock.now().into();
    let policy = front.hosts.clone();
    let (row, members, aftermath) = front
        .write(move |conn| {
            let before = hold::group(conn, &ref_)?.ok_or(ApiError::NotFound("group"))?;
            if before.dissolved_at.is_none() {
                group::dissolve(conn, &ref_, now)?;
            }
            let aftermath = directory::group_dissolved(conn, &ref_, &caller.subject, &policy, now)?;
            Ok((found(conn, &ref_)?, group::members(conn, &ref_)?, aftermath))
        })
        .await?;
    for meeting in &aftermath.meetings {
        front.registry.wake(meeting);
    }
    Ok(HttpResponse::Ok().insert_header(etag::tag(row.version, 0)).json(GroupAnswer {
        group: GroupView::new(row, &members),
        changed_rosters: Vec::new(),
        cancelled_appointments: aftermath.cancelled,
        moved_appointments: Vec::new(),
    }))
}
