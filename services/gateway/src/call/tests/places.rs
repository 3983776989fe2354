//! Who finds a place for a call, and who does not.

use chassis::Failure;

use super::*;

#[tokio::test]
async fn a_full_bulkhead_refuses_and_a_call_that_is_dropped_frees_its_place() {
    let users = caller(
        &service(|n| (n > 0).then_some(200)).await,
        &[("CALL_BULKHEAD", "max=1 length=0")],
    );
    let mut first = Box::pin(users.get("/"));
    assert!(futures_util::poll!(&mut first).is_pending());
    let refused = users.get("/").await;
    assert!(
        matches!(rejection(&refused), Some(Rejection::Bulkhead(_))),
        "{refused:?}"
    );
    assert_eq!(
        Failure::from(refused.unwrap_err()).into_problem().kind,
        contract::kind::BULKHEAD_FULL
    );
    drop(first);
    assert_at_rest(&users.report());
    // Whether the dropped one was received is open; it is not waited for.
    let again = tokio::time::timeout(Duration::from_millis(100), users.get("/")).await;
    assert!(again.is_err() || status(&again.unwrap()) == 200);
    let report = users.report();
    assert_at_rest(&report);
    assert_eq!(reasons(&report.rejections), [("bulkhead", 1)]);
}

#[tokio::test]
async fn one_pool_lets_a_hanging_service_starve_another_and_bulkheads_do_not() {
    for (variable, starves) in [("CALL_POOL", true), ("CALL_BULKHEAD", false)] {
        let pools = Arc::new(Pools::new());
        let lines = [(variable, "max=2 length=0")];
        let hanging = caller_in(&pools, &service(|_| None).await, &lines);
        let healthy = caller_in(&pools, &service(|_| Some(200)).await, &lines);
        let mut hung: Vec<_> = (0..2).map(|_| Box::pin(hanging.get("/"))).collect();
        for call in &mut hung {
            assert!(futures_util::poll!(call).is_pending());
        }
        let bystander = healthy.get("/").await;
        assert_eq!(rejection(&bystander).is_some(), starves, "{variable}: {bystander:?}");
        drop(hung);
        assert_eq!(status(&healthy.get("/").await), 200);
    }
}

#[tokio::test]
async fn a_limit_that_may_move_cuts_itself_for_what_overloads() {
    let overloaded = service(|n| Some(if n < 10 { 503 } else { 200 })).await;
    let users = caller(
        &overloaded,
        &[("CALL_LIMIT", "aimd min=1 max=40 start=20 keep=50%; codel length=5")],
    );
    for _ in 0..10 {
        users.get("/").await.unwrap();
    }
    let limit = users.report().limit.unwrap();
    assert!(limit.limit < 10, "{limit:?}");
    assert_at_rest(&users.report());
}

#[tokio::test]
async fn who_waits_for_a_place_may_leave() {
    let users = caller(&service(|_| None).await, &[("CALL_BULKHEAD", "max=1 length=1 wait=1m")]);
    let mut holder = Box::pin(users.get("/"));
    assert!(futures_util::poll!(&mut holder).is_pending());
    let mut waiter = Box::pin(users.get("/"));
    assert!(futures_util::poll!(&mut waiter).is_pending());
    assert_eq!(users.report().bulkhead.unwrap().waiting, 1);
    drop(waiter);
    assert_eq!(users.report().bulkhead.unwrap().waiting, 0);
    // It does not wait past its deadline either.
    let late = Due::after(Duration::from_millis(5)).scope(users.get("/")).await;
    assert_eq!(rejection(&late), Some(Rejection::Deadline));
    drop(holder);
    assert_at_rest(&users.report());
}
