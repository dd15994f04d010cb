//! A booking for calendars: `GET /api/appointments/{id}/calendar.ics` (RFC 5545).

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};

use crate::domain::access::Action;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::sight::Rosters;
use crate::http::{Front, sight};
use crate::store::UtcMillis;
use crate::store::booking::{self, Booking};

/// Lines are folded after so many octets (RFC 5545 3.1).
const LINE_OCTETS_MAX: usize = 75;

/// The booking as an iCalendar event; a later version replaces an earlier one in the calendar.
#[utoipa::path(get, path = "/api/appointments/{id}/calendar.ics", tag = "appointments",
    operation_id = "get_calendar",
    params(("id" = String, Path, description = "Its id, or the caller's own ref")),
    responses((status = 200, description = "An iCalendar object", body = String, content_type = "text/calendar")))]
pub(in crate::http) async fn get(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (key, domain) = (path.into_inner(), front.email_domain());
    let (booking, rosters) = front
        .read(move |conn| {
            let row = sight::appointment(conn, &caller, &key, Action::Read)?;
            Ok((booking::by_id(conn, &row.id)?, Rosters::of(conn, &caller, domain.as_deref())?))
        })
        .await?;
    Ok(HttpResponse::Ok().content_type("text/calendar; charset=utf-8").body(calendar(&booking, &rosters)))
}

fn calendar(booking: &Booking, rosters: &Rosters) -> String {
    let row = &booking.appointment;
    let link = booking.meeting.as_ref().and_then(|meeting| meeting.join_url.as_deref());
    let link = link.filter(|_| rosters.enters());
    let status = match row.status.as_str() {
        "cancelled" => "CANCELLED",
        "requested" => "TENTATIVE",
        _ => "CONFIRMED",
    };
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//convened//EN".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{}@convened", row.id),
        format!("SEQUENCE:{}", row.version),
        format!("DTSTAMP:{}", utc(row.updated_at)),
        format!("DTSTART:{}", utc(row.start_at)),
        format!("DTEND:{}", utc(row.end_at)),
        format!("SUMMARY:{}", escaped(&row.title)),
        format!("STATUS:{status}"),
    ];
    if !row.description.is_empty() {
        lines.push(format!("DESCRIPTION:{}", escaped(&row.description)));
    }
    if let Some(link) = link.filter(|_| status == "CONFIRMED") {
        lines.push(format!("LOCATION:{}", escaped(link)));
        lines.push(format!("URL:{link}"));
    }
    lines.push("END:VEVENT".to_owned());
    lines.push("END:VCALENDAR".to_owned());
    lines.iter().map(|line| folded(line)).collect()
}

fn utc(at: UtcMillis) -> String {
    DateTime::<Utc>::from(at).format("%Y%m%dT%H%M%SZ").to_string()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ';' | ',' => escaped.extend(['\\', letter]),
            '\n' => escaped.push_str("\\n"),
            '\r' => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// The line, broken into pieces of [`LINE_OCTETS_MAX`] at most; each further piece begins with a space.
fn folded(line: &str) -> String {
    let mut folded = String::with_capacity(line.len() + 8);
    let mut octets = 0;
    for letter in line.chars() {
        if octets + letter.len_utf8() > LINE_OCTETS_MAX {
            folded.push_str("\r\n ");
            octets = 1;
        }
        folded.push(letter);
        octets += letter.len_utf8();
    }
    folded.push_str("\r\n");
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_between_letters() {
        let line = format!("SUMMARY:{}", "ü".repeat(100));
        let text = folded(&line);
        assert!(text.split("\r\n").all(|piece| piece.len() <= LINE_OCTETS_MAX));
        assert_eq!(text.replace("\r\n ", "").trim_end(), line);
    }

    #[test]
    fn what_is_special_is_escaped() {
        assert_eq!(escaped("a, b; c\\d\r\ne"), "a\\, b\\; c\\\\d\\ne");
    }
}
