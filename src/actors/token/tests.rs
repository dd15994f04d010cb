//! One token for everybody, renewed in time, and no storm when there is none.

use std::collections::VecDeque;
use std::sync::Mutex;

use futures::future::join_all;

use super::*;
use crate::clock::{Clock as _, ManualClock};

/// Gives what it is told to, and counts how often it is asked.
#[derive(Default)]
struct Bank {
    outcomes: Mutex<VecDeque<Result<Grant, ZoomError>>>,
    asked: Mutex<usize>,
}

impl Grants for Bank {
    fn grant(&self) -> BoxFuture<'static, Result<Grant, ZoomError>> {
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        let next = self.outcomes.lock().unwrap().pop_front();
        let outcome = next.unwrap_or_else(|| Ok(grant(&format!("token {asked}"))));
        async move {
            // Zoom takes its time, so that others come meanwhile.
            tokio::task::yield_now().await;
            outcome
        }
        .boxed()
    }
}

fn grant(token: &str) -> Grant {
    Grant {
        access_token: token.into(),
        refresh_token: None,
        expires_in: Duration::from_secs(3_600),
        scopes: vec!["meeting:write:meeting:admin".into()],
    }
}

struct Desk {
    actor: Addr<TokenActor>,
    bank: Arc<Bank>,
    clock: Arc<ManualClock>,
}

impl Desk {
    fn open(outcomes: impl IntoIterator<Item = Result<Grant, ZoomError>>) -> Self {
        let bank = Arc::new(Bank { outcomes: Mutex::new(outcomes.into_iter().collect()), ..Bank::default() });
        let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap()));
        let actor = TokenActor::new(Some(Arc::clone(&bank) as _), Arc::clone(&clock) as _).start();
        Self { actor, bank, clock }
    }

    async fn get(&self) -> Result<String, ZoomError> {
        self.get_other_than(None).await
    }

    async fn get_other_than(&self, refused: Option<&str>) -> Result<String, ZoomError> {
        let request = GetToken { refused: refused.map(SecretString::from) };
        let token = self.actor.send(request).await.unwrap()?;
        Ok(token.secret.expose_secret().to_owned())
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn asked(&self) -> usize {
        *self.bank.asked.lock().unwrap()
    }
}

fn refused() -> Result<Grant, ZoomError> {
    Err(ZoomError::CredentialsRefused { reason: "invalid_client".into() })
}

fn unreachable() -> Result<Grant, ZoomError> {
    Err(ZoomError::Unreachable { detail: "down".into() })
}

#[actix::test]
async fn many_who_ask_at_once_get_one_token() {
    let desk = Desk::open([]);
    for answer in join_all((0..50).map(|_| desk.get())).await {
        assert_eq!(answer.unwrap(), "token 1");
    }
    assert_eq!(desk.asked(), 1);
}

#[actix::test]
async fn a_token_is_renewed_five_minutes_before_its_end() {
    let desk = Desk::open([]);
    desk.get().await.unwrap();
    desk.pass(3_299);
    assert_eq!(desk.get().await.unwrap(), "token 1");
    desk.pass(1);
    assert_eq!(desk.get().await.unwrap(), "token 2");
}

#[actix::test]
async fn a_short_lived_token_is_still_used() {
    let desk = Desk::open([Ok(Grant { expires_in: Duration::from_secs(60), ..grant("short") })]);
    desk.get().await.unwrap();
    desk.pass(29);
    assert_eq!(desk.get().await.unwrap(), "short");
    desk.pass(1);
    assert_eq!(desk.get().await.unwrap(), "token 2");
}

#[actix::test]
async fn a_refused_token_is_dropped_once_however_many_report_it() {
    let desk = Desk::open([]);
    desk.get().await.unwrap();
    let answers = join_all((0..20).map(|_| desk.get_other_than(Some("token 1")))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap() == "token 2"));
    assert_eq!(desk.asked(), 2);
}

#[actix::test]
async fn young_tokens_refused_in_a_row_do_not_become_a_storm() {
    let desk = Desk::open([]);
    let mut present = desk.get().await.unwrap();
    for _ in 0..100 {
        if let Ok(token) = desk.get_other_than(Some(&present)).await {
            present = token;
        }
    }
    assert_eq!(desk.asked(), 2, "the first is renewed at once, then there is a wait");
    assert_eq!(desk.get().await.unwrap_err(), ZoomError::TokenInvalid);
    desk.pass(2);
    assert_eq!(desk.get().await.unwrap(), "token 3");
}

#[actix::test]
async fn refused_credentials_are_remembered_and_tried_again_later() {
    let desk = Desk::open([refused(), refused()]);
    for _ in 0..10 {
        assert_eq!(desk.get().await.unwrap_err().class(), "credentials_refused");
    }
    assert_eq!(desk.asked(), 1);
    desk.pass(120);
    assert_eq!(desk.get().await.unwrap_err().class(), "credentials_refused");
    desk.pass(239);
    assert!(desk.get().await.is_err());
    assert_eq!(desk.asked(), 2, "the second wait is twice as long");
    desk.pass(1);
    assert_eq!(desk.get().await.unwrap(), "token 3");
}

#[actix::test]
async fn a_renewal_that_fails_leaves_the_old_token_to_its_end() {
    let desk = Desk::open([Ok(grant("old")), unreachable(), unreachable()]);
    desk.get().await.unwrap();
    desk.pass(3_300);
    assert_eq!(desk.get().await.unwrap(), "old");
    desk.pass(1);
    assert_eq!(desk.get().await.unwrap(), "old");
    assert_eq!(desk.asked(), 3);
    desk.pass(299);
    assert_eq!(desk.get().await.unwrap(), "token 4");
}

#[actix::test]
async fn an_unreachable_oauth_server_is_asked_ever_more_patiently() {
    let desk = Desk::open((0..1_000).map(|_| unreachable()));
    for _ in 0..600 {
        assert!(desk.get().await.is_err());
        desk.pass(1);
    }
    assert!((10..=17).contains(&desk.asked()), "{} in ten minutes", desk.asked());
}

#[actix::test]
async fn without_credentials_zoom_is_not_configured() {
    let clock = Arc::new(ManualClock::at(DateTime::default()));
    let actor = TokenActor::new(None, clock).start();
    let answer = actor.send(GetToken::default()).await.unwrap();
    assert_eq!(answer.unwrap_err(), ZoomError::NotConfigured);
}

#[actix::test]
async fn the_next_question_is_due_when_the_answer_may_change() {
    let desk = Desk::open([Ok(grant("old")), unreachable()]);
    let due = |token: Token| (token.ask_again_at - desk.clock.now()).num_seconds();
    assert_eq!(due(desk.actor.send(GetToken::default()).await.unwrap().unwrap()), 3_300);
    desk.pass(3_300);
    assert_eq!(due(desk.actor.send(GetToken::default()).await.unwrap().unwrap()), 1);
}
