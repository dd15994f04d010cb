//! Death, return and giving up.

use super::*;

struct Counter(u32);
impl Actor for Counter {
    type Context = Context<Self>;
}
supervised!(Counter);
#[derive(Message)]
#[rtype(result = "u32")]
struct Bump;
impl Handler<Bump> for Counter {
    type Result = u32;
    fn handle(&mut self, _: Bump, _: &mut Self::Context) -> u32 {
        self.0 += 1;
        self.0
    }
}

const QUICK: RestartPolicy = RestartPolicy {
    back_off: Duration::from_millis(1),
    back_off_max: Duration::from_millis(2),
    deaths_max: 2,
    window: Duration::from_secs(60),
};

async fn answered(counter: &Essential<Counter>) -> u32 {
    loop {
        match counter.ask(Bump).await {
            Ok(count) => return count,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[test]
fn a_panicked_actor_comes_back_fresh_and_its_neighbour_is_undisturbed() {
    System::new().block_on(async {
        let (give_up, _given_up) = mpsc::channel(1);
        let supervision = Supervision::start(QUICK, give_up);
        let arbiter = Arbiter::current();
        let one = supervision.essential("one", &arbiter, || Counter(0));
        let other = supervision.essential("other", &arbiter, || Counter(0));
        assert_eq!((answered(&one).await, answered(&other).await), (1, 1));
        assert!(one.ask(Crash).await.is_err());
        assert_eq!(answered(&one).await, 1, "rebuilt by its factory");
        assert_eq!(answered(&other).await, 2, "undisturbed");
    });
}

#[test]
fn an_actor_that_keeps_dying_stops_the_process() {
    System::new().block_on(async {
        let (give_up, mut given_up) = mpsc::channel(1);
        let supervision = Supervision::start(QUICK, give_up);
        let one = supervision.essential("one", &Arbiter::current(), || Counter(0));
        for _ in 0..=QUICK.deaths_max {
            answered(&one).await;
            assert!(one.ask(Crash).await.is_err());
        }
        assert_eq!(given_up.recv().await, Some("one"));
        assert_eq!(supervision.silent(Duration::from_millis(50)).await, ["one"]);
    });
}
