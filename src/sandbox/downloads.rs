//! The files of recordings (`/rec/download/…`, with ranges) and the pages behind the join and start links.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use super::exchange::Arrival;
use super::model::SandboxRecording;
use super::state::SandboxState;

/// The routes outside the API.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rec/download/{file}", web::get().to(download))
        .route("/rec/webhook_download/{file}", web::get().to(download))
        .route("/j/{number}", web::get().to(join_page))
        .route("/s/{number}", web::get().to(join_page))
        .route("/w/{number}", web::get().to(join_page));
}

async fn download(
    state: web::Data<SandboxState>,
    request: HttpRequest,
    file: web::Path<String>,
) -> HttpResponse {
    let arrival = Arrival::read(&state, &request, web::Bytes::new());
    let query: std::collections::HashMap<String, String> =
        url::form_urlencoded::parse(arrival.query.as_bytes()).into_owned().collect();
    // A token in the query is how it was done of old, and still works.
    let token = arrival.bearer().or_else(|| query.get("access_token").map(String::as_str));
    let found = {
        let account = state.account();
        if !token.is_some_and(|token| account.grants.may_download(token, arrival.now)) {
            let body =
                json!({"status": false, "errorCode": 401, "errorMessage": "Forbidden", "result": null});
            return HttpResponse::Unauthorized().json(body);
        }
        let files = account.instances.values().flat_map(|instance| &instance.recordings);
        files.into_iter().find(|known| known.id == *file && !known.trashed).cloned()
    };
    let Some(found) = found else { return HttpResponse::NotFound().finish() };
    let range = request.headers().get("range").and_then(|value| value.to_str().ok());
    send(&found, range)
}

/// Sends a file or the part of it that is asked for.
fn send(file: &SandboxRecording, range: Option<&str>) -> HttpResponse {
    let size = file.file_size;
    let (status, span) = match range.map(|range| parse_range(range, size)) {
        None => (StatusCode::OK, (0, size.saturating_sub(1))),
        Some(Some(span)) => (StatusCode::PARTIAL_CONTENT, span),
        Some(None) => {
            return HttpResponse::RangeNotSatisfiable()
                .insert_header(("content-range", format!("bytes */{size}")))
                .finish();
        }
    };
    let content = bytes_of(file);
    let (first, last) = span;
    let part = usize::try_from(first).ok().zip(usize::try_from(last).ok());
    let part = part.and_then(|(first, last)| content.get(first..=last)).unwrap_or_default().to_vec();
    let mut response = HttpResponse::build(status);
    response.insert_header(("accept-ranges", "bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        response.insert_header(("content-range", format!("bytes {first}-{last}/{size}")));
    }
    response.content_type("application/octet-stream").body(part)
}

/// The first and the last byte of `bytes=a-b`, `bytes=a-` or `bytes=-n`.
fn parse_range(range: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = size.checked_sub(1)?;
    let span = match (first.parse::<u64>().ok(), last.parse::<u64>().ok()) {
        (Some(first), Some(last)) => (first, last.min(end)),
        (Some(first), None) if last.is_empty() => (first, end),
        (None, Some(count)) if first.is_empty() && count > 0 => (size.saturating_sub(count), end),
        _ => return None,
    };
    (span.0 <= span.1).then_some(span)
}

/// A file's content: always the same for the same id.
fn bytes_of(file: &SandboxRecording) -> Vec<u8> {
    let seed = file.id.bytes().fold(0_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut content = vec![0; usize::try_from(file.file_size).unwrap_or_default()];
    StdRng::seed_from_u64(seed).fill(content.as_mut_slice());
    content
}

/// Where Zoom's client would open.
async fn join_page(state: web::Data<SandboxState>, number: web::Path<u64>) -> HttpResponse {
    match state.meeting(*number) {
        Some(meeting) => HttpResponse::Ok()
            .content_type("text/plain; charset=utf-8")
            .body(format!("The sandbox's meeting {number}: {}\n", meeting.topic)),
        None => HttpResponse::NotFound().body("This meeting does not exist.\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_file_and_nonsense_is_refused() {
        assert_eq!(parse_range("bytes=0-9", 100), Some((0, 9)));
        assert_eq!(parse_range("bytes=90-200", 100), Some((90, 99)));
        assert_eq!(parse_range("bytes=90-", 100), Some((90, 99)));
        assert_eq!(parse_range("bytes=-10", 100), Some((90, 99)));
        for nonsense in ["bytes=100-", "bytes=9-1", "bytes=-0", "lines=1-2", "bytes=a-b"] {
            assert_eq!(parse_range(nonsense, 100), None, "{nonsense}");
        }
    }
}
