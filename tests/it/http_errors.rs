//! The error table of the contract, walked against the real binary: every kind of bad request gets its status, its
//! code and the one body that all errors have.

use convened::zoom::http::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

/// A request and what must come of it: its name, status and code, and the field at fault where there is one.
type Case<'a> = (&'a str, RequestBuilder, u16, &'a str, Option<&'a str>);

async fn walk(cases: Vec<Case<'_>>) {
    for (name, request, status, code, field) in cases {
        let answer = request.header("x-request-id", "walk-1").send().await.unwrap();
        let (actual, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{name}: no JSON: {text}"));
        let error = &body["error"];
        assert_eq!((actual, error["code"].as_str().unwrap()), (status, code), "{name}: {body:#}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{name}: no message");
        assert!(error["details"].is_object(), "{name}: no details");
        assert_eq!(error["request_id"], "walk-1", "{name}");
        assert_eq!(headers["x-request-id"], "walk-1", "{name}");
        let timestamp = error["timestamp"].as_str().unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(timestamp).is_ok(), "{name}: {timestamp}");
        if let Some(field) = field {
            let fields = error["details"]["fields"].as_array().unwrap();
            assert!(fields.iter().any(|fault| fault["field"] == field), "{name}: {body:#}");
        }
        if status == 401 && code == "UNAUTHENTICATED" {
            assert_eq!(headers["www-authenticate"], "Bearer", "{name}");
        }
    }
}

fn booking(change: &Value) -> Value {
    let mut body = json!({
        "kind": "class", "title": "Algebra", "start_time": "2099-01-15T10:00:00Z", "duration": 45, "host": "reyes",
    });
    for (field, value) in change.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

async fn school() -> Rig {
    let rig = Rig::start(TestDatabase::sqlite(), 1.0, "");
    for (person, role) in [("reyes", "host"), ("ada", "attendee")] {
        let email = format!("{person}@school.example");
        rig.put(&format!("/api/people/{person}"), json!({ "name": person, "email": email, "role": role }))
            .await;
    }
    rig
}

impl Rig {
    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(self.token("service", "tests"))
    }

    fn book(&self, change: &Value) -> RequestBuilder {
        self.ask(Method::POST, "/api/appointments").json(&booking(change))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_do_not_exist_and_bodies_that_cannot_be_read() {
    let rig = school().await;
    let post = || rig.ask(Method::POST, "/api/appointments");
    let json = "application/json";
    let large = format!("{{\"title\": \"{}\"}}", "x".repeat(1 << 20));
    walk(vec![
        ("an unknown path", rig.ask(Method::GET, "/api/nothing"), 404, "NOT_FOUND", None),
        ("a path above all", rig.ask(Method::GET, "/"), 404, "NOT_FOUND", None),
        ("a NUL in a path", rig.ask(Method::GET, "/api/people/a%00b"), 404, "NOT_FOUND", None),
        ("a method not served", rig.ask(Method::DELETE, "/api/people"), 405, "METHOD_NOT_ALLOWED", None),
        ("a method of nobody", rig.ask(Method::TRACE, "/healthz"), 405, "METHOD_NOT_ALLOWED", None),
        ("half a JSON", post().header("content-type", json).body("{\"a\":"), 400, "MALFORMED_JSON", None),
        ("no UTF-8", post().header("content-type", json).body(vec![0xff_u8]), 400, "MALFORMED_JSON", None),
        ("a list", post().json(&json!([])), 400, "VALIDATION_FAILED", Some("body")),
        ("nothing", post(), 400, "VALIDATION_FAILED", Some("title")),
        ("a form", post().form(&[("a", "b")]), 415, "UNSUPPORTED_MEDIA_TYPE", None),
        ("too much", post().header("content-type", json).body(large), 413, "PAYLOAD_TOO_LARGE", None),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_without_a_good_token_stay_outside() {
    let rig = school().await;
    let bare = || rig.http.get(rig.url("/api/people"));
    let forged = rig.token("admin", "mallory").replace('.', "x.");
    walk(vec![
        ("no token", bare(), 401, "UNAUTHENTICATED", None),
        ("another scheme", bare().header("authorization", "Basic YTpi"), 401, "UNAUTHENTICATED", None),
        ("no JWT", bare().bearer_auth("nonsense"), 401, "UNAUTHENTICATED", None),
        ("a forged one", bare().bearer_auth(forged), 401, "UNAUTHENTICATED", None),
        ("no role of ours", bare().bearer_auth(rig.token("root", "x")), 401, "UNAUTHENTICATED", None),
        (
            "an unsigned webhook",
            rig.http.post(rig.url("/api/zoom/webhook")).body("{}"),
            401,
            "BAD_SIGNATURE",
            None,
        ),
        (
            "a host at the directory",
            rig.http
                .put(rig.url("/api/people/x"))
                .bearer_auth(rig.token("teacher", "reyes"))
                .json(&json!({ "name": "X", "role": "host" })),
            403,
            "FORBIDDEN",
            None,
        ),
        (
            "an attendee who books",
            rig.http
                .post(rig.url("/api/appointments"))
                .bearer_auth(rig.token("student", "ada"))
                .json(&booking(&json!({}))),
            403,
            "FORBIDDEN",
            None,
        ),
        (
            "a stranger's record",
            rig.http.get(rig.url("/api/people/reyes")).bearer_auth(rig.token("student", "ada")),
            404,
            "NOT_FOUND",
            None,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_that_is_wrong_is_named() {
    let rig = school().await;
    let bad = "VALIDATION_FAILED";
    let changes = [
        (json!({ "title": "" }), "title"),
        (json!({ "title": 7 }), "title"),
        (json!({ "title": "a\u{0}b" }), "title"),
        (json!({ "title": "x".repeat(201) }), "title"),
        (json!({ "topic": "twice" }), "topic"),
        (json!({ "kind": "party" }), "kind"),
        (json!({ "duration": 0 }), "duration"),
        (json!({ "duration": 1441 }), "duration"),
        (json!({ "duration": 1.5 }), "duration"),
        (json!({ "start_time": "tomorrow" }), "start_time"),
        (json!({ "start_time": "2001-01-01T00:00:00Z" }), "start_time"),
        (json!({ "start_time": "2099-03-29T02:30:00", "timezone": "Europe/Berlin" }), "start_time"),
        (json!({ "timezone": "Mars/Olympus" }), "timezone"),
        (json!({ "host": "nobody" }), "host"),
        (json!({ "group": "nowhere" }), "group"),
        (json!({ "attendees": ["ada", "nobody"] }), "attendees[1]"),
        (json!({ "attendees": [{ "name": "A" }] }), "attendees[0].email"),
        (json!({ "attendees": "ada" }), "attendees"),
        (json!({ "settings": [] }), "settings"),
        (json!({ "target_audience": "martians" }), "target_audience"),
        (json!({ "attendance_rules": "none such" }), "attendance_rules"),
        (json!({ "on_conflict": "fight" }), "on_conflict"),
        (json!({ "status": "completed" }), "status"),
        (json!({ "colour": "red" }), "colour"),
    ];
    let cases = changes.iter().map(|(change, field)| (*field, rig.book(change), 400, bad, Some(*field)));
    walk(cases.collect()).await;
    let queries = [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=%25", "cursor"),
        ("cursor=Zm9v", "cursor"),
        ("status=gone", "status"),
        ("from=now", "from"),
        ("sync=maybe", "sync"),
        ("host=a&host=b", "host"),
        ("colour=red", "colour"),
    ];
    let cases = queries.iter().map(|(query, field)| {
        let request = rig.ask(Method::GET, &format!("/api/appointments?{query}"));
        (*query, request, 400, bad, Some(*field))
    });
    walk(cases.collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_said() {
    let rig = school().await;
    let first = rig.post("/api/appointments", booking(&json!({ "ref": "a-1" }))).await;
    let id = first["appointment"]["id"].as_str().unwrap().to_owned();
    let one = format!("/api/appointments/{id}");
    rig.post(&format!("{one}/cancel"), json!({})).await;
    rig.post("/api/appointments", booking(&json!({ "title": "Geometry" }))).await;
    let keyed = |title| rig.book(&json!({ "title": title, "host": null })).header("idempotency-key", "k");
    assert_eq!(keyed("one").send().await.unwrap().status().as_u16(), 201);
    let now = json!({ "start_time": "2099-02-01T10:00:00Z" });
    walk(vec![
        ("the host is taken", rig.book(&json!({})), 409, "HOST_CONFLICT", None),
        ("the ref is taken", rig.book(&json!({ "ref": "a-1", "host": null })), 409, "ALREADY_EXISTS", None),
        (
            "confirming what is cancelled",
            rig.ask(Method::POST, &format!("{one}/confirm")),
            409,
            "INVALID_TRANSITION",
            None,
        ),
        (
            "changing what is cancelled",
            rig.ask(Method::PATCH, &one).json(&now),
            409,
            "INVALID_TRANSITION",
            None,
        ),
        (
            "another version",
            rig.ask(Method::PATCH, &one).header("if-match", "\"7\"").json(&now),
            412,
            "PRECONDITION_FAILED",
            None,
        ),
        ("another request under the key", keyed("two"), 422, "IDEMPOTENCY_MISMATCH", None),
        (
            "an empty key",
            rig.book(&json!({})).header("idempotency-key", ""),
            400,
            "VALIDATION_FAILED",
            Some("Idempotency-Key"),
        ),
        (
            "no such booking",
            rig.ask(Method::GET, "/api/appointments/none%2Fsuch%20%C3%BC"),
            404,
            "NOT_FOUND",
            None,
        ),
    ])
    .await;
    let (_, conflict) = rig.call(Method::POST, "/api/appointments", Some(booking(&json!({})))).await;
    let details = &conflict["error"]["details"];
    assert_eq!(details["conflicts"][0]["title"], "Geometry");
    let next: Vec<&str> =
        details["next_free"].as_array().unwrap().iter().map(|at| at.as_str().unwrap()).collect();
    assert_eq!(next, ["2099-01-15T10:50:00Z", "2099-01-15T11:40:00Z", "2099-01-15T12:30:00Z"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_cannot_be_good_is_refused_before_its_body_comes() {
    use std::io::{Read as _, Write as _};
    let rig = school().await;
    let head = "POST /api/zoom/webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n";
    for more in ["", "x-zm-request-timestamp: 1\r\nx-zm-signature: v0=00\r\n"] {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", rig.port())).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(8))).unwrap();
        write!(stream, "{head}{more}\r\n{{").unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401");
    }
}
