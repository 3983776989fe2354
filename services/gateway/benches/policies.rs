//! Whether policies cost a gateway its rate: requests a second through it, with all of them off and with all of them on.
//! `cargo bench -p gateway`. Bar: at least 0.95 of off.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::any;
use chassis::testing::{settings, spawn};
use chassis::{Callee, Client};
use contract::Program;

const CLIENTS: usize = 64;
const ROUND: Duration = Duration::from_millis(500);
const ROUNDS: usize = 10;

const ON: [(&str, &str); 6] = [
    ("CALL_BULKHEAD", "max=1000"),
    ("CALL_LIMIT", "aimd max=1000 start=1000 timeout=60s; codel length=100"),
    ("CALL_THROTTLE", "k=2"),
    ("CALL_RETRY", "attempts=3"),
    ("CALL_HEDGE", "after=p99.9 budget=1%"),
    ("CALL_BREAKER", "failures=50%"),
];

async fn ask(gateway: &Callee) {
    let answer = gateway.get("/api/users").await.expect("the gateway answers");
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Requests a second of as many clients, each of which asks again when it is answered.
async fn rate(gateway: &Callee) -> f64 {
    let started = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let gateway = gateway.clone();
            tokio::spawn(async move {
                let mut answered = 0_u32;
                while started.elapsed() < ROUND {
                    ask(&gateway).await;
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    let mut answered = 0;
    for client in clients {
        answered += client.await.expect("a client does not panic");
    }
    f64::from(answered) / started.elapsed().as_secs_f64()
}

fn middle(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// A gateway that listens, as its clients call it.
async fn gateway(users: &str, policies: &[(&str, &str)]) -> Callee {
    let variables = [&[("USERS_URL", users)], policies].concat();
    let app = gateway::app(&settings(Program::Gateway, &variables)).expect("the benchmark's settings are right");
    let address = spawn(app).await;
    // Under the name of a service that its program may call.
    Client::new().callee(Program::Users, &settings(Program::Gateway, &[("USERS_URL", &address)]))
}

#[tokio::main]
async fn main() {
    let users = spawn(Router::new().fallback(any(|| async { "[]" }))).await;
    let (off, on) = (gateway(&users, &[]).await, gateway(&users, &ON).await);
    // A throttle that has seen no answer yet takes the first ones under way for rejected.
    for _ in 0..10 * CLIENTS {
        ask(&on).await;
    }
    let (mut rates_off, mut rates_on) = (Vec::new(), Vec::new());
    // In turns, so that whatever else the machine does meets both.
    for _ in 0..ROUNDS {
        rates_off.push(rate(&off).await);
        rates_on.push(rate(&on).await);
    }
    let (off, on) = (middle(&mut rates_off), middle(&mut rates_on));
    println!("off {off:.0}/s, on {on:.0}/s: {:.3} of off", on / off);
}
