//! The one test in which time itself is the subject: what a stall of the server does to the two kinds of latency.

use std::sync::Mutex;
use std::time::Duration;

use crate::support::{Answer, Server, answer, run, stream};
use load::{Arrivals, LoadPlan, Pace, Stage};

const STALL: Duration = Duration::from_millis(1_000);
const CONNECTIONS: usize = 4;

/// Answers at once, but for one second after its 100th request, during which nobody is answered.
fn stalling() -> Server {
    let gate = Mutex::new(());
    Server::start(move |asked| {
        let _held = gate.lock().unwrap();
        if asked.number == 100 {
            std::thread::sleep(STALL);
        }
        Answer::Keep(answer(200, "", "ok"))
    })
}

#[test]
fn a_stall_shows_in_response_and_hides_in_service_and_in_a_closed_loop() {
    let rate_per_s = 400.0;
    let pace = Pace::Open {
        arrivals: Arrivals::Constant,
        stages: vec![Stage::constant(rate_per_s, 2.0)],
        connections_max: CONNECTIONS,
    };
    let (_, open) = run(LoadPlan::new(vec![stream(&stalling().url, pace)]));
    let all = open.classes[0].all();
    assert_eq!((all.scheduled, all.sent, all.ok), (800, 800, 800));

    // Whoever was meant to start in the first 0.8 s of the stall waits for more than 0.2 s: 320 requests, one or two
    // given for the edges.
    let stalled = all.response.count_over_ms(199.0);
    assert!(stalled >= 318, "{stalled}");
    // Only one request a connection was under way; those are all that a generator sees that counts from the send.
    let noticed = all.service.count_over_ms(199.0);
    assert!((1..=stalled / 20).contains(&noticed), "{noticed} of {stalled}");
    // The lateness of the sends tells where the rest has gone, and that it is not the generator's own.
    assert!(all.lateness.count_over_ms(199.0) >= stalled - CONNECTIONS as u64 - 2);
    assert!(all.dispatch_lateness.count_over_ms(199.0) < stalled / 20);
    assert!(all.response.quantile_ms(0.99) > all.service.quantile_ms(0.99));

    let users = Pace::Closed {
        connections: CONNECTIONS,
        think_ms: 0.0,
        for_s: 600.0,
        requests_max: Some(800),
    };
    let (_, closed) = run(LoadPlan::new(vec![stream(&stalling().url, users)]));
    let noticed = closed.classes[0].all().response.count_over_ms(199.0);
    assert!((1..=2 * CONNECTIONS as u64).contains(&noticed), "{noticed}");
}
