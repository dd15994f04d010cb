//! Calls that may not leave any more.

use super::*;

#[actix::test]
async fn a_call_that_may_not_leave_any_more_is_answered_as_not_done() {
    let one_at_a_time = ZoomApiConfig { in_flight_max: 1, ..config() };
    let wait = Duration::from_millis(100);
    let door =
        Door::with(one_at_a_time, Tokens::default(), move |_, _| Play::Late(wait, Box::new(fine()))).await;
    let ours = Arc::new(AtomicBool::new(true));
    let guard = Arc::clone(&ours);
    let queued = create("h").only_while(call::Guard::new(move || guard.load(Ordering::SeqCst)));
    let queued = door.call(Lane::Sync, queued);
    let lose = async {
        door.arrived(1).await;
        ours.store(false, Ordering::SeqCst);
    };
    let (under_way, queued, ()) = futures::join!(door.call(Lane::Sync, get("under-way")), queued, lose);
    assert!(under_way.is_ok());
    assert_eq!(queued, Err(ZoomError::TakenBack));
    assert_eq!(door.zoom.seen().len(), 1);
}
