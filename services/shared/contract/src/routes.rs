//! The routes of the services: who answers what. The handbook's table is made from them, and a test holds them against
//! the routers of the services.

use crate::Program;

/// One path of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Who answers.
    pub of: Program,
    /// The methods that are answered, in the order of the alphabet; each other one gets 405.
    pub methods: &'static [&'static str],
    /// The path, with its parameters in braces: `/users/{id}`.
    pub path: &'static str,
    /// What it does.
    pub does: &'static str,
    /// When the service has it; always, where this is empty.
    pub only: &'static str,
}

/// What every service of the shop answers, whatever it does else.
pub const OF_EVERY_SERVICE: [&str; 3] = ["/health", "/ready", "/metrics"];

const PENDING: &str = "what goes on without a request: `open` and `done`";
const WITH_SAGA: &str = "with `SAGA`";
const WITH_KAFKA: &str = "in a system with a Kafka";

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const GET_POST: &[&str] = &["GET", "POST"];
const GET_PUT: &[&str] = &["GET", "PUT"];

use Program::{Analytics, Gateway, Inventory, Link, Orders, Payments, Users, Whoami};

/// All routes, service by service.
#[rustfmt::skip]
pub const ROUTES: [Route; 49] = [
    route(Users, GET_POST, "/users", "the users; a new user"),
    route(Users, GET, "/users/{id}", "one user"),

    route(Orders, GET_POST, "/orders", "the orders; a new order, for which `users` is asked for the user and `inventory` sets the pieces aside. With `SAGA` the answer is 202, and the order is led to its end through Kafka"),
    route(Orders, GET, "/orders/{id}", "one order and its status at this moment"),
    route(Orders, GET, "/orders/{id}/history", "each step of an order").only(WITH_SAGA),
    route(Orders, GET, "/orders/summary", "how many there are, and how many events wait in the outbox"),
    route(Orders, GET, "/pending", PENDING),

    route(Payments, GET_POST, "/payments", "the payments, of one order with `?order_id=`; a new payment. One idempotency key takes money once"),
    route(Payments, GET, "/payments/{id}", "one payment"),
    route(Payments, GET, "/payments/summary", "what was taken and given back in all").only(WITH_SAGA),
    route(Payments, GET_PUT, "/accounts/{id}", "an account; sets it to `{balance_cents}`"),
    route(Payments, POST, "/accounts/{id}/debits", "takes `{amount_cents}` from it: 409 when there is too little"),
    route(Payments, GET, "/pending", PENDING),

    route(Inventory, GET, "/products", "the products"),
    route(Inventory, GET_PUT, "/products/{id}", "one product; sets it to `{name, stock}`"),
    route(Inventory, POST, "/products/{id}/reservations", "sets pieces of it aside: 409 when there are too few"),
    route(Inventory, &["DELETE"], "/reservations/{id}", "puts them back"),
    route(Inventory, GET_POST, "/seats/{seat}/bookings", "who has the seat; books it for `{customer}`: 409 when it is taken"),
    route(Inventory, POST, "/locks/{key}/trials", "what a lock in Redis costs, with `{rounds, contenders}`: 404 where there is none"),
    route(Inventory, GET, "/products/summary", "what is in stock and what is set aside in all").only(WITH_SAGA),
    route(Inventory, GET, "/pending", PENDING),

    route(Analytics, POST, "/events", "counts an event"),
    route(Analytics, GET, "/summary", "how often each kind of event happened"),
    route(Analytics, GET, "/effects", "what the events of orders did, and how often").only(WITH_KAFKA),
    route(Analytics, &["DELETE", "GET", "POST"], "/figures", "revenue by seconds, with a digest; forgets it; makes it again from the log").only(WITH_KAFKA),
    route(Analytics, GET, "/dead-letters", "the events that nobody could handle").only(WITH_KAFKA),
    route(Analytics, GET, "/stories/{order_id}", "what happened to an order across services").only(WITH_KAFKA),
    route(Analytics, GET, "/stories/suspect", "the first order that something is wrong with").only(WITH_KAFKA),
    route(Analytics, GET, "/pending", PENDING),

    route(Gateway, GET, "/api/users", "handed on to `users`"),
    route(Gateway, GET, "/api/users/{id}", "handed on to `users`"),
    route(Gateway, GET_POST, "/api/orders", "handed on to `orders`"),
    route(Gateway, GET, "/api/orders/{id}", "handed on to `orders`"),
    route(Gateway, GET, "/api/products", "handed on to `inventory`"),
    route(Gateway, GET, "/api/products/{id}", "handed on to `inventory`"),
    route(Gateway, GET, "/api/dashboard", "users, orders, products and analytics, asked in parallel; each part says whether it came and how long it took"),
    route(Gateway, POST, "/api/pay", "pays once"),
    route(Gateway, POST, "/api/pay-with-retry", "pays with up to four tries under one idempotency key"),
    route(Gateway, POST, "/api/login", "gives a token to `admin`/`admin` or `customer`/`customer`"),
    route(Gateway, GET, "/api/secure", "lets only the administrator in"),
    route(Gateway, GET, "/api/limited", "five requests in ten seconds for each client, counted by each instance for itself, unless `RATE_LIMIT` and `RATE_LIMIT_IN` say otherwise. `TRUSTED_PROXIES` decides who the client is"),
    route(Gateway, GET, "/api/blocking", "burns `?ms=` of processor time, 1,000 unless stated"),
    route(Gateway, GET, "/api/cpu-bound", "burns `?ms=` of processor time, 100 unless stated"),
    route(Gateway, GET, "/api/non-blocking", "answers at once"),
    route(Gateway, GET_POST, "/api/count", "reads and increments a counter, in the memory of the instance or in Redis"),
    route(Gateway, GET, "/api/metrics", "the same as `/metrics`"),
    route(Gateway, GET_POST, "/resilience", "the policies of the calls to each service, and what they did; changes them, with `CALL_CONTROL=on`"),

    route(Whoami, GET, "/whoami", "which instance answers, and the headers that reached it; secrets are left out"),

    route(Link, GET_PUT, "/conditions", "what the link does to connections; changes it"),
];

const fn route(of: Program, methods: &'static [&'static str], path: &'static str, does: &'static str) -> Route {
    let only = "";
    Route {
        of,
        methods,
        path,
        does,
        only,
    }
}

impl Route {
    const fn only(self, only: &'static str) -> Self {
        Self { only, ..self }
    }
}
