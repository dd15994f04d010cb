//! The webhook's front on both databases: what is signed is stored before the 200, what is not is refused.

use std::sync::Arc;
use std::time::Duration;

use actix::System;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use chrono::{DateTime, Utc};
use convened::actors::inbox::{EventSink, Inbox};
use convened::actors::store::Store;
use convened::clock::ManualClock;
use convened::domain::shard::ShardSet;
use convened::http::webhook::{Intake, configure};
use convened::store::inbox::{self, InboxEvent};
use convened::zoom::signature::WebhookKey;
use secrecy::SecretString;

use crate::support::database::{TestDatabase, on_each_database};

const NOW: i64 = 1_700_000_000;
const STARTED: &str = r#"{"event":"meeting.started","event_ts":1700000000000,"payload":{"object":{"id":"85392858403","uuid":"a=="}}}"#;
const VALIDATION: &str = r#"{"payload":{"plainToken":"Kn5a3Wv7SP6YP5b4BWfZpg"},"event_ts":1700000000000,"event":"endpoint.url_validation"}"#;

struct Nobody;

impl EventSink for Nobody {
    fn stored(&self, _: Vec<InboxEvent>) {}
}

fn key() -> Option<WebhookKey> {
    WebhookKey::new(&SecretString::from("zoomwebhooksecret"))
}

/// A webhook on its way to us: the headers may lie.
struct Delivery {
    body: String,
    timestamp: String,
    signature: String,
}

impl Delivery {
    fn signed(body: &str, timestamp: i64) -> Self {
        let timestamp = timestamp.to_string();
        let signature = key().unwrap().sign(&timestamp, body.as_bytes());
        Self { body: body.to_owned(), timestamp, signature }
    }
}

/// Delivers everything in its turn to an intake with `key`; gives the answers and what is in the inbox.
fn deliver(
    database: &TestDatabase,
    key: Option<WebhookKey>,
    deliveries: &[Delivery],
) -> (Vec<(StatusCode, String)>, Vec<InboxEvent>, usize) {
    System::new().block_on(async {
        let store = Store::start(&database.url(), 1).unwrap();
        let intake = Intake {
            inbox: Inbox::new(&store, Arc::new(Nobody)),
            clock: Arc::new(ManualClock::at(DateTime::<Utc>::from_timestamp(NOW, 0).unwrap())),
            key,
            max_age: Duration::from_secs(100 * 60),
            max_ahead: Duration::from_secs(5 * 60),
            body_bytes: 1000,
        };
        let app = init_service(App::new().app_data(web::Data::new(intake)).configure(configure)).await;
        let mut answers = Vec::new();
        for delivery in deliveries {
            let request = TestRequest::post()
                .uri("/api/zoom/webhook")
                .insert_header(("x-zm-request-timestamp", delivery.timestamp.as_str()))
                .insert_header(("x-zm-signature", delivery.signature.as_str()))
                .set_payload(delivery.body.clone())
                .to_request();
            let answer = call_service(&app, request).await;
            let status = answer.status();
            answers.push((status, String::from_utf8(read_body(answer).await.to_vec()).unwrap()));
        }
        let pending = store.read(|conn| inbox::pending(conn, ShardSet::ALL, 0, 100)).await.unwrap();
        let dead = store.read(|conn| inbox::dead_letters(conn, None, 100)).await.unwrap().len();
        store.close().await;
        (answers, pending, dead)
    })
}

fn statuses(answers: &[(StatusCode, String)]) -> Vec<u16> {
    answers.iter().map(|(status, _)| status.as_u16()).collect()
}

on_each_database! {
    a_signed_event_is_stored_once_however_often_it_is_sent(database) {
        // A retry is signed anew, an hour and a half later by Zoom's clock.
        let deliveries = [Delivery::signed(STARTED, NOW - 5_400), Delivery::signed(STARTED, NOW)];
        let (answers, pending, dead) = deliver(database, key(), &deliveries);
        for (status, body) in answers {
            assert_eq!((status.as_u16(), body.as_str()), (200, r#"{"received": true}"#));
        }
        assert_eq!((pending.len(), dead), (1, 0));
        assert_eq!(pending[0].body, STARTED);
        assert_eq!(pending[0].zoom_meeting_id.as_deref(), Some("85392858403"));
    }

    what_is_not_signed_by_zoom_or_out_of_its_time_is_refused(database) {
        let signed = || Delivery::signed(STARTED, NOW);
        let deliveries = [
            Delivery { body: STARTED.replace("started", "ended"), ..signed() },
            Delivery { timestamp: (NOW + 1).to_string(), ..signed() },
            Delivery { signature: "v0=".to_owned(), ..signed() },
            Delivery { signature: String::new(), ..signed() },
            Delivery { timestamp: "yesterday".to_owned(), ..signed() },
            Delivery::signed(STARTED, NOW - 6_001),
            Delivery::signed(STARTED, NOW + 301),
            Delivery { signature: "v0=00".to_owned(), ..Delivery::signed(VALIDATION, NOW) },
        ];
        let (answers, pending, dead) = deliver(database, key(), &deliveries);
        assert_eq!(statuses(&answers), [401; 8]);
        assert_eq!((pending.len(), dead), (0, 0));
    }

    what_is_signed_but_not_understood_is_kept(database) {
        let odd = ["not JSON", "[]", r#"{"event":{}}"#, r#"{"event":"meeting.started","payload":7}"#];
        let deliveries = odd.map(|body| Delivery::signed(body, NOW));
        let (answers, pending, dead) = deliver(database, key(), &deliveries);
        assert_eq!(statuses(&answers), [200; 4]);
        assert_eq!((pending.len(), dead), (0, 4));
    }
}

#[test]
fn a_url_validation_is_answered_only_for_a_token_that_is_no_event() {
    let forged = VALIDATION.replace("Kn5a3Wv7SP6YP5b4BWfZpg", "v0:1700160240:{}");
    let deliveries = [Delivery::signed(VALIDATION, NOW), Delivery::signed(&forged, NOW)];
    let (answers, pending, dead) = deliver(&TestDatabase::sqlite().migrated(), key(), &deliveries);
    assert_eq!(statuses(&answers), [200, 401]);
    assert_eq!(
        answers[0].1,
        r#"{"plainToken":"Kn5a3Wv7SP6YP5b4BWfZpg","encryptedToken":"2a41c3138d2187a756c51428f78d192e9b88dcf44dd62d1b081ace4ec2241e0a"}"#
    );
    assert_eq!((pending.len(), dead), (0, 0));
}

#[test]
fn without_a_secret_nothing_is_accepted() {
    let database = TestDatabase::sqlite().migrated();
    let (answers, pending, _) = deliver(&database, None, &[Delivery::signed(STARTED, NOW)]);
    assert_eq!((statuses(&answers), pending.len()), (vec![503], 0));
}

#[test]
fn a_body_beyond_the_limit_is_not_read() {
    let large = Delivery::signed(&"x".repeat(1001), NOW);
    let (answers, _, dead) = deliver(&TestDatabase::sqlite().migrated(), key(), &[large]);
    assert_eq!((statuses(&answers), dead), (vec![413], 0));
}
