//! The way of a request to the data, under each strategy.

use axum::extract::FromRequestParts;
use chassis::testing::settings;
use contract::{Program, Step, StepKind, Strategy};
use http::{Request, StatusCode};
use lock::{Protection, Visit};
use redis::cmd;
use store::testing::RedisServer;

fn protection(server: &RedisServer, variables: &[(&str, &str)]) -> Protection {
    let url = server.url();
    let mut all = vec![("REDIS_URL", url.as_str())];
    all.extend(variables);
    Protection::from_settings(&settings(Program::Inventory, &all)).unwrap()
}

async fn visit(protection: &Protection, strategy: Strategy) -> Visit {
    let request = Request::builder()
        .header("x-strategy", strategy.as_str())
        .header("x-steps", "1");
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    Visit::from_request_parts(&mut parts, protection).await.unwrap()
}

fn steps(visit: Visit) -> Vec<Step> {
    let (_, answer) = visit.answer(Ok((StatusCode::OK, ()))).unwrap();
    answer.0.steps.unwrap()
}

#[tokio::test]
async fn each_strategy_gives_the_permit_that_it_promises() {
    let Some(server) = RedisServer::start() else { return };
    let protection = protection(&server, &[]);
    for (strategy, fence, expected) in [
        (Strategy::None, None, vec![]),
        (Strategy::LocalLock, None, vec![StepKind::Acquired, StepKind::Released]),
        (Strategy::RedisLock, None, vec![StepKind::Acquired, StepKind::Released]),
        (
            Strategy::RedisLockAsked,
            None,
            vec![StepKind::Acquired, StepKind::Checked, StepKind::Released],
        ),
        (
            Strategy::RedisLockFenced,
            Some(3),
            vec![StepKind::Acquired, StepKind::Released],
        ),
        (
            Strategy::RedisLockEarlyToken,
            Some(4),
            vec![StepKind::Acquired, StepKind::Released],
        ),
        (Strategy::Atomic, None, vec![]),
    ] {
        let visit = visit(&protection, strategy).await;
        let work = async |permit: lock::Permit<'_>| {
            permit.before_write().await?;
            Ok(permit.fence())
        };
        assert_eq!(visit.protect("a", work).await.unwrap(), fence, "{strategy}");
        let kinds: Vec<StepKind> = steps(visit).iter().map(|step| step.what).collect();
        assert_eq!(kinds, expected, "{strategy}");
    }
}

#[tokio::test]
async fn a_lock_that_was_lost_before_the_question_keeps_the_write_from_happening() {
    let Some(server) = RedisServer::start() else { return };
    let protection = protection(&server, &[]);
    let redis = protection.redis().unwrap().redis().clone();
    let visit = visit(&protection, Strategy::RedisLockAsked).await;
    let work = async |permit: lock::Permit<'_>| {
        redis.query::<()>(cmd("DEL").arg("lab:lock:a")).await.unwrap();
        permit.before_write().await
    };
    let failure = visit.protect("a", work).await.unwrap_err();
    assert_eq!(
        (failure.status(), failure.into_problem().kind.as_ref()),
        (StatusCode::CONFLICT, "urn:lab:lock-lost")
    );
    let steps: Vec<(StepKind, Option<i64>)> = steps(visit).iter().map(|step| (step.what, step.value)).collect();
    let expected = [
        (StepKind::Acquired, Some(1)),
        (StepKind::Checked, Some(0)),
        (StepKind::NotOwner, None),
    ];
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn work_that_fails_or_is_abandoned_gives_the_lock_back() {
    let Some(server) = RedisServer::start() else { return };
    let protection = protection(&server, &[("LOCK_TTL_MS", "600000"), ("LOCK_WAIT_MS", "20000")]);
    for strategy in [Strategy::LocalLock, Strategy::RedisLock] {
        let failing = visit(&protection, strategy).await;
        let failed = failing
            .protect("a", |_| async { Err::<(), _>(chassis::Failure::conflict("no")) })
            .await;
        assert_eq!(failed.unwrap_err().status(), StatusCode::CONFLICT);

        let (inside, entered) = tokio::sync::oneshot::channel();
        let abandoned = visit(&protection, strategy).await;
        let task = tokio::spawn(async move {
            let work = |_| async {
                inside.send(()).unwrap();
                std::future::pending().await
            };
            abandoned.protect::<(), _>("a", work).await
        });
        entered.await.unwrap();
        task.abort();

        let next = visit(&protection, strategy).await;
        next.protect("a", |_| async { Ok(()) }).await.unwrap();
    }
}

#[tokio::test]
async fn a_lock_that_stays_held_is_a_503() {
    let Some(server) = RedisServer::start() else { return };
    let protection = protection(&server, &[("LOCK_WAIT_MS", "500")]);
    for strategy in [Strategy::LocalLock, Strategy::RedisLock] {
        let (outer, inner) = (visit(&protection, strategy).await, visit(&protection, strategy).await);
        let within = outer.protect("a", |_| async { Ok(inner.protect("a", |_| async { Ok(()) }).await) });
        let failure = within.await.unwrap().unwrap_err();
        assert_eq!(failure.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(failure.into_problem().kind, "urn:lab:lock-held");
    }
}
