//! Accounts, from which only as much can be taken as there is.

use axum::Router;
use chassis::testing::{Answer, assert_problem, assert_refuses_bodies, count, get_from, post_to, send_with, settings};
use contract::{Program, StepKind};
use http::Method;
use proptest::prelude::*;
use serde_json::json;
use store::testing::RedisServer;

use super::Bank;
use crate::ledger::Ledger;
use crate::open;

const ACCOUNT: &str = "/accounts/1";
const DEBITS: &str = "/accounts/1/debits";

async fn put(router: &Router, path: &str, balance_cents: i64) -> Answer {
    send_with(router, Method::PUT, path, &[], &json!({"balance_cents": balance_cents})).await
}

async fn balance(router: &Router) -> i64 {
    get_from(router, ACCOUNT).await.json()["balance_cents"]
        .as_i64()
        .unwrap()
}

#[tokio::test]
async fn an_account_is_opened_debited_and_never_overdrawn() {
    for place in ["database", "memory"] {
        for strategy in ["atomic", "none", "local-lock"] {
            let bank = Bank::new(1, &[("BALANCE_IN", place), ("STRATEGY", strategy)]).await;
            let router = &bank.instances[0];
            assert_eq!(put(router, ACCOUNT, 70).await.status, 201);
            let opened = put(router, ACCOUNT, 100).await;
            assert_eq!(
                (opened.status, opened.json()),
                (200, json!({"id": 1, "balance_cents": 100}))
            );
            let taken = post_to(router, DEBITS, &json!({"amount_cents": 60})).await;
            assert_eq!(
                (taken.status, taken.json()),
                (201, json!({"account_id": 1, "amount_cents": 60, "balance_cents": 40}))
            );
            let refused = post_to(router, DEBITS, &json!({"amount_cents": 60})).await;
            assert_problem(&refused, 409);
            assert_eq!(refused.json()["type"], "urn:lab:too-little-money");
            assert_eq!(balance(router).await, 40);
            assert_problem(
                &post_to(router, "/accounts/2/debits", &json!({"amount_cents": 1})).await,
                404,
            );
            assert_eq!(put(router, ACCOUNT, 5).await.status, 200);
            assert_eq!(balance(router).await, 5);
        }
    }
}

/// How many of six debits of all the money, spread over two instances, succeed; and what is left for each instance.
async fn paid(variables: &[(&str, &str)], strategy: &'static str) -> (usize, [i64; 2]) {
    let bank = Bank::new(2, variables).await;
    put(&bank.instances[0], ACCOUNT, 100).await;
    let answers = bank.rush(6, DEBITS, strategy, &json!({"amount_cents": 100})).await;
    assert_eq!(count(&answers, 201) + count(&answers, 409), 6, "{answers:?}");
    let left = [balance(&bank.instances[0]).await, balance(&bank.instances[1]).await];
    (count(&answers, 201), left)
}

#[tokio::test]
async fn wrong_strategies_pay_more_than_there_is() {
    assert_eq!(paid(&[("DECISION_MS", "300")], "none").await.0, 6);
    assert_eq!(paid(&[("DECISION_MS", "300")], "local-lock").await.0, 2);
}

#[tokio::test]
async fn right_strategies_pay_what_there_is() {
    let Some(redis) = RedisServer::start() else { return };
    let variables = [("DECISION_MS", "10"), ("REDIS_URL", &*redis.url())];
    for strategy in ["atomic", "redis-lock", "redis-lock-asked", "redis-lock-fenced"] {
        assert_eq!(paid(&variables, strategy).await, (1, [0, 0]), "{strategy}");
    }
}

#[tokio::test]
async fn nothing_protects_balances_that_each_instance_keeps_to_itself() {
    let Some(redis) = RedisServer::start() else { return };
    let variables = [
        ("BALANCE_IN", "memory"),
        ("DECISION_MS", "10"),
        ("REDIS_URL", &*redis.url()),
    ];
    for strategy in ["atomic", "redis-lock", "redis-lock-fenced"] {
        assert_eq!(
            paid(&variables, strategy).await.0,
            2,
            "{strategy}: once for each instance"
        );
    }
}

#[tokio::test]
async fn the_storage_refuses_a_holder_that_outlives_its_lock() {
    for (strategy, paid) in [("redis-lock", 2), ("redis-lock-fenced", 1)] {
        let Some(redis) = RedisServer::start() else { return };
        let url = redis.url();
        let bank = Bank::new(2, &[("REDIS_URL", &url), ("LOCK_TTL_MS", "50"), ("DECISION_MS", "600")]).await;
        put(&bank.instances[0], ACCOUNT, 100).await;
        let answers = bank.rush(2, DEBITS, strategy, &json!({"amount_cents": 100})).await;
        assert_eq!(count(&answers, 201), paid, "{strategy}: {answers:?}");
        for refused in answers.iter().filter(|answer| answer.status == 409) {
            assert_eq!(refused.json()["type"], "urn:lab:stale-token");
            assert!(refused.step_kinds().contains(&StepKind::Refused));
        }
    }
}

#[tokio::test]
async fn wrong_requests_get_the_right_answer_and_change_nothing() {
    let bank = Bank::new(1, &[]).await;
    let router = &bank.instances[0];
    put(router, ACCOUNT, 100).await;
    assert_refuses_bodies(router, DEBITS).await;
    for (amount, status) in [(json!(0), 422), (json!(-1), 422), (json!("1"), 422), (json!(101), 409)] {
        assert_problem(&post_to(router, DEBITS, &json!({"amount_cents": amount})).await, status);
    }
    assert_problem(
        &post_to(router, "/accounts/x/debits", &json!({"amount_cents": 1})).await,
        400,
    );
    for (path, balance, status) in [
        ("/accounts/0", 1, 400),
        ("/accounts/1000001", 1, 400),
        (ACCOUNT, -1, 422),
    ] {
        assert_problem(&put(router, path, balance).await, status);
    }
    assert_problem(&get_from(router, "/accounts/2").await, 404);
    assert_eq!(balance(router).await, 100);
}

/// Something that is done to an account.
#[derive(Debug, Clone, Copy)]
enum Act {
    Read(Option<i64>),
    Write(i64, Option<i64>),
    Take(i64),
    Put(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let token = || prop::option::of(0..6_i64);
    prop_oneof![
        token().prop_map(Act::Read),
        (0..20_i64, token()).prop_map(|(balance, token)| Act::Write(balance, token)),
        (1..8_i64).prop_map(Act::Take),
        (0..20_i64).prop_map(Act::Put),
    ]
}

async fn results(place: &str, acts: &[Act]) -> Vec<String> {
    let settings = settings(Program::Payments, &[("BALANCE_IN", place)]);
    let ledger = Ledger::from_settings(&settings, open("sqlite::memory:").await.unwrap()).unwrap();
    ledger.put(1, 10).await.unwrap();
    let mut results = Vec::new();
    for act in acts {
        results.push(match *act {
            Act::Read(token) => format!("{:?}", ledger.read(1, token).await.unwrap()),
            Act::Write(balance, token) => format!("{:?}", ledger.write(1, balance, token).await.unwrap()),
            Act::Take(amount) => format!("{:?}", ledger.take(1, amount).await.unwrap()),
            Act::Put(balance) => format!("{:?}", ledger.put(1, balance).await.unwrap()),
        });
    }
    results
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn one_instance_cannot_tell_memory_from_the_database(acts in prop::collection::vec(act(), 0..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (memory, database) = runtime.block_on(async { (results("memory", &acts).await, results("database", &acts).await) });
        prop_assert_eq!(memory, database);
    }
}
