//! Zoom fails, or refuses the credentials: one state, told to everybody, and left by itself.

use super::*;
use crate::domain::outage::Cause;

#[actix::test]
async fn a_failing_zoom_is_left_alone_everybody_is_told_and_a_trial_finds_it_back() {
    let door = Door::open(
        |_, number| {
            if number < 3 { Play::Answer(503, Vec::new(), String::new()) } else { fine() }
        },
    )
    .await;
    for _ in 0..3 {
        assert!(door.call(Lane::Sync, get("1")).await.unwrap_err().perhaps_done());
    }
    assert_eq!(door.sign.outage().map(|outage| outage.cause), Some(Cause::Unreachable));
    for lane in Lane::ALL {
        let refused = door.call(lane, get("2")).await;
        assert!(matches!(refused, Err(ZoomError::BreakerOpen { .. })), "{refused:?}");
    }
    door.sign.opened().await;
    assert!(door.call(Lane::Sync, get("1")).await.is_ok());
    let seen = door.seen();
    assert_eq!(seen[3..], ["GET /users/me", "GET /meetings/1"], "nobody's call is the trial");
}

#[actix::test]
async fn lost_credentials_are_one_state_told_once_and_left_when_they_are_good_again() {
    let refusal = || ZoomError::CredentialsRefused { reason: "invalid_client".into() };
    let down = ZoomError::Unreachable { detail: "down".into() };
    // Taken from the end.
    let tokens = Tokens { errors: Mutex::new(vec![refusal(), down, refusal()]), ..Tokens::default() };
    let door = Door::with(config(), tokens, |_, _| fine()).await;
    assert_eq!(door.call(Lane::Sync, get("1")).await, Err(refusal()));
    let lost = door.sign.outage().unwrap();
    assert_eq!((lost.cause, lost.class), (Cause::Lost, "credentials_refused"));
    assert_eq!(door.call(Lane::Interactive, get("1")).await, Err(refusal()));
    door.sign.opened().await;
    assert!(door.call(Lane::Interactive, get("1")).await.is_ok());
    assert_eq!(*door.records.lost.lock().unwrap(), [Some("credentials_refused"), None]);
}

#[actix::test]
async fn without_credentials_every_call_is_told_so() {
    let refusal = ZoomError::CredentialsRefused { reason: "invalid_client".into() };
    let tokens = Tokens { errors: Mutex::new(vec![refusal.clone()]), ..Tokens::default() };
    let door = Door::with(config(), tokens, |_, _| fine()).await;
    let (person, machine) =
        futures::join!(door.call(Lane::Interactive, get("1")), door.call(Lane::Sync, get("2")));
    assert_eq!((person, machine), (Err(refusal.clone()), Err(refusal)));
    assert!(door.seen().is_empty());
}

#[actix::test]
async fn an_unreachable_token_server_is_an_outage_like_any_other() {
    let down = ZoomError::Unreachable { detail: "down".into() };
    let tokens = Tokens { errors: Mutex::new(vec![down.clone()]), ..Tokens::default() };
    let door = Door::with(config(), tokens, |_, _| fine()).await;
    let (person, machine) =
        futures::join!(door.call(Lane::Interactive, get("1")), door.call(Lane::Sync, get("2")));
    assert_eq!((person, machine), (Err(down.clone()), Err(down)));
    assert_eq!(door.sign.outage().map(|outage| outage.cause), Some(Cause::Unreachable));
    door.sign.opened().await;
    assert!(door.call(Lane::Sync, get("3")).await.is_ok());
}
