//! Requests to every service, mutated: nothing panics, nothing is answered with a failure of the service, and what is not
//! as documented changes nothing.

use attack::Attack;
use axum::Router;
use axum::body::Body;
use chassis::testing::{Answer, answer, settings, spawn};
use contract::Program;
use http::{Request, Uri};
use serde_json::Value;
use sqlx::AnyPool;

/// A service under attack.
struct Target {
    router: Router,
    /// Its database, and what of it changes when something is done.
    state: Option<(AnyPool, &'static str)>,
}

/// The members of a body: name, JSON type, and whether it has to be there.
type Members = &'static [(&'static str, Type, bool)];

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Whole,
    Text,
}

const PAYMENT: Members = &[
    ("order_id", Type::Whole, true),
    ("amount_cents", Type::Whole, true),
    ("idempotency_key", Type::Text, false),
];
const ORDER: Members = &[
    ("user_id", Type::Whole, true),
    ("product_id", Type::Whole, true),
    ("quantity", Type::Whole, true),
];
const LOGIN: Members = &[("username", Type::Text, true), ("password", Type::Text, true)];

/// What the reference documents of bodies, by method and the end of the path.
const BODIES: [(&str, &str, Members); 13] = [
    (
        "POST",
        "/users",
        &[("name", Type::Text, true), ("email", Type::Text, true)],
    ),
    ("POST", "/payments", PAYMENT),
    ("POST", "/api/pay", PAYMENT),
    ("POST", "/api/pay-with-retry", PAYMENT),
    ("POST", "/debits", &[("amount_cents", Type::Whole, true)]),
    ("PUT", "/accounts/", &[("balance_cents", Type::Whole, true)]),
    ("POST", "/orders", ORDER),
    ("POST", "/reservations", &[("quantity", Type::Whole, true)]),
    (
        "PUT",
        "/products/",
        &[
            ("name", Type::Text, true),
            ("price_cents", Type::Whole, true),
            ("stock", Type::Whole, true),
        ],
    ),
    ("POST", "/bookings", &[("customer", Type::Text, true)]),
    (
        "POST",
        "/trials",
        &[("rounds", Type::Whole, true), ("contenders", Type::Whole, false)],
    ),
    ("POST", "/events", &[("kind", Type::Text, true)]),
    ("POST", "/api/login", LOGIN),
];

/// An input is the method, a blank, the path, a new line, and the body.
const INPUTS: [&str; 26] = [
    "GET /users/1\n",
    "GET /users?limit=5\n",
    "POST /users\n{\"name\":\"A\",\"email\":\"a@b\"}",
    "GET /payments/1\n",
    "GET /payments?order_id=1&limit=3\n",
    "POST /payments\n{\"order_id\":1,\"amount_cents\":100}",
    "POST /payments\n{\"order_id\":1,\"amount_cents\":100,\"idempotency_key\":\"k\"}",
    "POST /payments\n[1,100]",
    "GET /accounts/1\n",
    "PUT /accounts/1\n{\"balance_cents\":100000}",
    "POST /accounts/1/debits\n{\"amount_cents\":1}",
    "GET /orders/1\n",
    "POST /orders\n{\"user_id\":1,\"product_id\":1,\"quantity\":1}",
    "GET /products/1\n",
    "PUT /products/7\n{\"name\":\"A\",\"price_cents\":1,\"stock\":9}",
    "POST /products/1/reservations\n{\"quantity\":1}",
    "DELETE /reservations/1\n",
    "POST /seats/14C/bookings\n{\"customer\":\"A\"}",
    "GET /seats/14C/bookings\n",
    "POST /events\n{\"kind\":\"order.created\"}",
    "GET /stories/1\n",
    "POST /api/pay\n{\"order_id\":1,\"amount_cents\":100}",
    "POST /api/pay-with-retry\n{\"order_id\":1,\"amount_cents\":100}",
    "POST /api/login\n{\"username\":\"admin\",\"password\":\"admin\"}",
    "GET /api/users/1\n",
    "POST /api/orders\n{\"user_id\":1,\"product_id\":1,\"quantity\":1}",
];

const WORDS: [&str; 26] = [
    "null",
    "true",
    "[",
    "]",
    "{",
    "}",
    "\"",
    ":",
    ",",
    "1.5",
    "-0",
    "1e3",
    "%31",
    "%2F",
    "%00",
    "\\u0000",
    "\\ud800",
    "+",
    "01",
    "9223372036854775808",
    "\"order_id\":2,",
    "\"amount_cents\":1,",
    "?",
    "../",
    "\u{feff}",
    "é",
];

/// All services, those that call others wired to them.
async fn targets() -> Vec<Target> {
    let memory = "sqlite::memory:";
    let users = users::open(memory).await.unwrap();
    let payments = payments::open(memory).await.unwrap();
    let inventory = inventory::open(memory).await.unwrap();
    let orders = orders::open(memory).await.unwrap();
    let analytics = analytics::open(memory).await.unwrap();
    let pool = |database: &AnyPool| database.clone();
    let pools = [&users, &payments, &inventory, &orders, &analytics].map(|database| pool(database));
    let [users_pool, payments_pool, inventory_pool, orders_pool, analytics_pool] = pools;
    let plain = |service| settings(service, &[]);
    let users = users::app(&plain(Program::Users), users);
    let payments = payments::app(&plain(Program::Payments), payments).unwrap();
    let inventory = inventory::app(&plain(Program::Inventory), inventory).unwrap();
    let analytics = analytics::app(&plain(Program::Analytics), analytics);
    let users_url = spawn(users.clone()).await;
    let inventory_url = spawn(inventory.clone()).await;
    let called = [
        ("USERS_URL", users_url.as_str()),
        ("INVENTORY_URL", inventory_url.as_str()),
    ];
    let orders = orders::app(&settings(Program::Orders, &called), orders);
    let (orders_url, payments_url, analytics_url) = (
        spawn(orders.clone()).await,
        spawn(payments.clone()).await,
        spawn(analytics.clone()).await,
    );
    let called = [
        called[0],
        called[1],
        ("ORDERS_URL", orders_url.as_str()),
        ("PAYMENTS_URL", payments_url.as_str()),
        ("ANALYTICS_URL", analytics_url.as_str()),
    ];
    let gateway = gateway::app(&settings(Program::Gateway, &called)).unwrap();
    let of_users = "SELECT COUNT(*), COALESCE(SUM(id), 0) FROM users";
    let of_payments = "SELECT COUNT(*) + (SELECT COUNT(*) FROM accounts) + (SELECT COUNT(*) FROM idempotency_keys), \
                       COALESCE(SUM(amount_cents), 0) + (SELECT COALESCE(SUM(balance_cents), 0) FROM accounts) FROM payments";
    let of_inventory = "SELECT COUNT(*) + (SELECT COUNT(*) FROM bookings), \
                        COALESCE(SUM(stock), 0) + (SELECT COALESCE(SUM(quantity), 0) FROM reservations) * 1000003 FROM products";
    let of_orders = "SELECT COUNT(*), COALESCE(SUM(quantity), 0) FROM orders";
    let of_analytics = "SELECT COUNT(*), COALESCE(SUM(occurrences), 0) FROM event_counts";
    vec![
        Target {
            router: users,
            state: Some((users_pool, of_users)),
        },
        Target {
            router: payments,
            state: Some((payments_pool.clone(), of_payments)),
        },
        Target {
            router: inventory,
            state: Some((inventory_pool, of_inventory)),
        },
        Target {
            router: orders,
            state: Some((orders_pool, of_orders)),
        },
        Target {
            router: analytics,
            state: Some((analytics_pool, of_analytics)),
        },
        Target {
            router: gateway,
            state: Some((payments_pool, of_payments)),
        },
    ]
}

impl Target {
    async fn digest(&self) -> Option<(i64, i64)> {
        let (pool, query) = self.state.as_ref()?;
        let row = sqlx::query_as(*query).fetch_all(pool).await.unwrap();
        row.into_iter().next()
    }

    async fn attack(&self, method: &str, uri: &Uri, body: &[u8]) {
        let before = self.digest().await;
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("content-type", "application/json");
        let Ok(request) = request.body(Body::from(body.to_vec())) else {
            return;
        };
        let answer = answer(&self.router, request).await;
        let told = || format!("{method} {uri} {}: {answer:?}", String::from_utf8_lossy(body));
        assert!(answer.status < 500, "{}", told());
        if answer.status >= 400 {
            assert_eq!(self.digest().await, before, "{}", told());
            assert!(
                answer.headers["content-type"]
                    .to_str()
                    .unwrap()
                    .contains("problem+json"),
                "{}",
                told()
            );
        } else {
            assert!(is_documented(method, uri.path(), body), "{}", told());
        }
        answers_in_order(&answer);
    }
}

/// An answer is empty, JSON, or the text of metrics.
fn answers_in_order(answer: &Answer) {
    let kind = answer.headers.get("content-type").map(|kind| kind.to_str().unwrap());
    match kind {
        Some(kind) if kind.contains("json") => drop(answer.json()),
        Some(kind) => assert!(kind.starts_with("text/plain"), "{answer:?}"),
        None => assert!(answer.body.is_empty(), "{answer:?}"),
    }
}

/// Whether a request that was done is one that the reference documents.
fn is_documented(method: &str, path: &str, body: &[u8]) -> bool {
    has_plain_key(path)
        && BODIES
            .iter()
            .filter(|(of, end, _)| *of == method && fits(path, end))
            .all(|(_, _, members)| holds(body, members))
}

fn fits(path: &str, end: &str) -> bool {
    if end.ends_with('/') {
        path.starts_with(end)
    } else {
        path == end || (path.ends_with(end) && path.matches('/').count() > 1)
    }
}

/// The key in a path is written as the service writes it.
fn has_plain_key(path: &str) -> bool {
    let parts: Vec<&str> = path.trim_start_matches("/api").split('/').collect();
    let has_key = matches!(
        parts.get(1),
        Some(&("users" | "payments" | "accounts" | "orders" | "products" | "reservations" | "stories"))
    );
    let Some(key) = parts
        .get(2)
        .filter(|key| has_key && !matches!(**key, "summary" | "suspect"))
    else {
        return true;
    };
    // `%31` is `1` (RFC 3986, 6.2.2.2).
    let decoded = key.replace("%3", "");
    decoded.parse::<i64>().is_ok_and(|number| number.to_string() == decoded)
}

fn holds(body: &[u8], members: Members) -> bool {
    let Ok(Value::Object(found)) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    let text = String::from_utf8_lossy(body);
    let known = found.iter().all(|(name, value)| {
        let member = members.iter().find(|(known, _, _)| known == name);
        member.is_some_and(|(_, kind, is_required)| match kind {
            _ if value.is_null() => !is_required,
            Type::Whole => value.is_i64(),
            Type::Text => value.is_string(),
        })
    });
    let once = found.keys().all(|name| times(&text, name) <= 1);
    known
        && once
        && members
            .iter()
            .all(|(name, _, is_required)| !is_required || found.contains_key(*name))
}

/// How often a text stands before a colon, as a name does.
fn times(text: &str, name: &str) -> usize {
    let quoted = format!("\"{name}\"");
    let ends = text.match_indices(&quoted).map(|(at, _)| &text[at + quoted.len()..]);
    ends.filter(|rest| rest.trim_start().starts_with(':')).count()
}

#[test]
fn mutated_requests_do_no_harm_to_any_service() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let targets = runtime.block_on(targets());
    let mut attack = Attack::new("services", env!("CARGO_MANIFEST_DIR"));
    for input in INPUTS {
        attack = attack.input(input);
    }
    for word in WORDS {
        attack = attack.word(word);
    }
    attack.run(4_000, |input| {
        let split = input.iter().position(|byte| *byte == b'\n');
        let (line, body) = input.split_at(split.unwrap_or(input.len()));
        let body = body.strip_prefix(b"\n").unwrap_or(body);
        let Some((method, path)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' ')) else {
            return;
        };
        // Other methods are refused by the router alone; a path that is not one never gets here.
        let is_path = path.starts_with('/');
        let (true, Ok(uri)) = (
            is_path && matches!(method, "GET" | "POST" | "PUT" | "DELETE"),
            path.parse::<Uri>(),
        ) else {
            return;
        };
        for target in &targets {
            runtime.block_on(target.attack(method, &uri, body));
        }
    });
}
