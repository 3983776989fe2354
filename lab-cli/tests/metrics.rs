//! The metrics of every program, as Prometheus reads them, and what they count.

mod common;

use common::http::{get, post_with, receive, send};
use common::service::Service;
use common::{promtool, until};
use tempfile::tempdir;

const JSON: (&str, &str) = ("content-type", "application/json");

#[track_caller]
fn assert_clean(whose: &str, text: &str) {
    assert_eq!(promtool::complaints(text), "", "{whose}:\n{text}");
}

fn metrics(service: &Service) -> String {
    get(service.port, "/metrics").body
}

/// The value of a series; 0 where it is not there yet.
fn value(text: &str, series: &str) -> f64 {
    let values = text.lines().filter_map(|line| line.rsplit_once(' '));
    let found = values.into_iter().find(|(name, _)| *name == series);
    found.map_or(0.0, |(_, value)| value.parse().unwrap())
}

#[test]
fn promtool_notices_what_is_wrong() {
    if promtool::is_installed() {
        let text = "# TYPE requests counter\nrequests 1\n";
        let said = promtool::complaints(text);
        assert!(said.contains("_total") && said.contains("no help text"), "{said}");
    }
}

#[test]
fn promtool_has_nothing_to_say_about_any_service() {
    if !promtool::is_installed() {
        return;
    }
    let folder = tempdir().unwrap();
    let kafka = Service::start("kafka", folder.path(), &[("KAFKA_BROKER", "built-in")]);
    let brokers = format!("127.0.0.1:{}", kafka.port);
    let with_kafka = [
        ("KAFKA_BROKERS", brokers.as_str()),
        ("WORK_WAIT_MS", "1"),
        ("STRATEGY", "local-lock"),
    ];
    let users = Service::start("users", folder.path(), &[("WORK_CPU_MS", "1")]);
    let analytics = Service::start("analytics", folder.path(), &with_kafka);
    let inventory = Service::start("inventory", folder.path(), &with_kafka);
    let payments = Service::start("payments", folder.path(), &with_kafka);
    let (users_url, inventory_url) = (users.url(), inventory.url());
    let mut of_orders = with_kafka.to_vec();
    of_orders.extend([("USERS_URL", users_url.as_str()), ("INVENTORY_URL", &inventory_url)]);
    let orders = Service::start("orders", folder.path(), &of_orders);
    let orders_url = orders.url();
    let gateway = Service::start("gateway", folder.path(), &[("ORDERS_URL", &orders_url)]);

    let order = r#"{"user_id": 1, "product_id": 1, "quantity": 1}"#;
    let answer = post_with(gateway.port, "/api/orders", &[JSON], order);
    assert_eq!(answer.status, 201, "{answer:?}");
    until(
        "the order's event was published and handled, and the lag was told",
        || {
            let text = metrics(&analytics);
            text.contains("messaging_handled_total{")
                && text.contains("messaging_lag{")
                && text.contains("messaging_partitions{")
                && metrics(&orders).contains("messaging_outbox_published_total ")
        },
    );
    assert!(metrics(&inventory).contains("lock_acquisitions_total{"));
    let whoami = Service::start("whoami", folder.path(), &[]);
    assert_eq!(get(whoami.port, "/whoami").status, 200);
    let all = [
        ("whoami", &whoami),
        ("users", &users),
        ("orders", &orders),
        ("payments", &payments),
        ("inventory", &inventory),
        ("analytics", &analytics),
        ("gateway", &gateway),
    ];
    for (name, service) in all {
        assert_clean(name, &metrics(service));
    }
    assert_clean("gateway", &get(gateway.port, "/api/metrics").body);
}

#[test]
fn promtool_has_nothing_to_say_about_the_balancer_and_the_link() {
    if !promtool::is_installed() {
        return;
    }
    let folder = tempdir().unwrap();
    let users = Service::start("users", folder.path(), &[]);
    let upstreams = format!("users-1={}", users.url());
    let balancer = Service::start("balancer", folder.path(), &[("UPSTREAMS", &upstreams)]);
    assert_eq!(get(balancer.port, "/users/1").status, 200);
    let text = get(balancer.port, "/_balancer/metrics").body;
    assert!(text.contains("balancer_requests_total{"), "{text}");
    assert_clean("balancer", &text);

    let to = format!("127.0.0.1:{}", users.port);
    let conditions = r#"{"loss": 0.5, "latency_ms": 1}"#;
    let link = Service::start(
        "link",
        folder.path(),
        &[("LINK_TO", &to), ("LINK_CONDITIONS", conditions)],
    );
    let passing = link.log().into_iter().find(|line| line["message"] == "passing");
    let port = u16::try_from(passing.unwrap()["port"].as_u64().unwrap()).unwrap();
    until("the link has lost and reset something", || {
        let text = metrics(&link);
        if text.contains("link_lost_total{") {
            // Whoever is there when it begins to reset is broken off.
            let reset = send(link.port, "PUT", "/conditions", &[JSON], r#"{"passage": "reset"}"#).unwrap();
            receive(reset);
            drop(send(port, "GET", "/users/1", &[], ""));
        } else {
            assert_eq!(get(port, "/users/1").status, 200);
        }
        text.contains("link_resets_total ")
    });
    assert_clean("link", &metrics(&link));
}

/// A service whose requests take so long, one at a time.
fn busy(folder: &std::path::Path, wait_ms: &str, abandoned: &str) -> Service {
    let environment = [
        ("WORK_WAIT_MS", wait_ms),
        ("WORK_DISTRIBUTION", "constant"),
        ("WORK_LIMIT", "1"),
        ("WORK_CONTROL", "on"),
        ("WORK_ABANDONED", abandoned),
    ];
    Service::start("users", folder, &environment)
}

const GIVEN_UP: &str = r#"http_requests_total{method="GET",route="/users",status="499"}"#;
const WASTED: &str = r#"work_seconds_total{result="wasted"}"#;
const USEFUL: &str = r#"work_seconds_total{result="useful"}"#;

/// Has three clients ask and leave, and waits until the service has noticed. From then on work takes a hundredth of the
/// time. Gives the metrics after one more client got its answer.
#[track_caller]
fn after_three_left(service: &Service) -> String {
    let ask = || send(service.port, "GET", "/users", &[], "").unwrap();
    let clients = [ask(), ask(), ask()];
    until("all are being answered", || service.in_flight() >= 3.0);
    drop(clients);
    until("all are counted", || value(&metrics(service), GIVEN_UP) == 3.0);
    assert_eq!(service.in_flight(), 0.0);
    let faster = r#"{"slowness": 0.01}"#;
    let changed = receive(send(service.port, "PUT", "/work", &[JSON], faster).unwrap());
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(get(service.port, "/users").status, 200);
    metrics(service)
}

#[test]
fn work_that_is_cancelled_stops_with_its_client() {
    let folder = tempdir().unwrap();
    let service = busy(folder.path(), "60000", "cancel");
    let text = after_three_left(&service);
    let wasted_s = value(&text, WASTED);
    assert!(wasted_s > 0.0 && wasted_s < 60.0, "{text}");
    assert!(value(&text, USEFUL) > 0.0, "{text}");
}

#[test]
fn work_that_is_finished_outlives_its_client_and_is_wasted() {
    let folder = tempdir().unwrap();
    let service = busy(folder.path(), "4000", "finish");
    let text = after_three_left(&service);
    // Nobody overtakes: when the last was answered, all before it had ended.
    assert_eq!(value(&text, "work_started_total"), 4.0, "{text}");
    assert!(value(&text, WASTED) >= 4.0 && value(&text, USEFUL) > 0.0, "{text}");
}
