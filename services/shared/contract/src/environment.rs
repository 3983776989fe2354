//! Names of the environment variables that configure a service.
//!
//! The variable holding the address of a service that is called is [`Program::url_variable`](crate::Program::url_variable).

/// TCP port to listen on; `0` takes any free port. Default 0.
pub const PORT: &str = "PORT";
/// IP address to listen on. Default `127.0.0.1`.
pub const HOST: &str = "HOST";
/// Name of this instance, such as `gateway-1`. Default: the service name followed by `-1`.
pub const INSTANCE: &str = "INSTANCE";
/// Least severe level that is logged: `error`, `warn`, `info`, `debug` or `trace`. Default `info`.
pub const LOG_LEVEL: &str = "LOG_LEVEL";
/// Database that the service owns: `sqlite://file.db` or `postgres://…`. Default `sqlite://<service>.db`.
pub const DATABASE_URL: &str = "DATABASE_URL";
/// The PostgreSQL that runs already and that a system is to use: `postgres://user:password@host:port`. Default: none, the
/// system gets one of its own.
pub const POSTGRES_URL: &str = "POSTGRES_URL";
/// The folder in which a PostgreSQL keeps its data. Default: `data/INSTANCE` in the folder that it is started in.
pub const PGDATA: &str = "PGDATA";
/// Number of threads that run the event loop. Default 1: one loop, on one thread.
pub const WORKERS: &str = "WORKERS";
/// Longest wait for an answer of a called service, in milliseconds. Default 10000.
pub const UPSTREAM_TIMEOUT_MS: &str = "UPSTREAM_TIMEOUT_MS";
/// How long a client waits for its answer, in milliseconds, unless the request says less in `x-deadline-left-ms`; 0 is for ever.
/// What is left of it goes along with every call that the request makes. Default 0.
pub const DEADLINE_MS: &str = "DEADLINE_MS";
/// What `/ready` asks: `deep` (everything that the service needs: its database, the called services, a Redis and a Kafka) or
/// `shallow` (only what it owns: its database). Default `deep`.
pub const READY: &str = "READY";
/// Mean of the waiting time drawn for each business request, in milliseconds. Default 0: none.
pub const WORK_WAIT_MS: &str = "WORK_WAIT_MS";
/// How the waiting time is distributed: `constant`, `exponential`, or `tail`: `WORK_TAIL_MS` for a share of
/// `WORK_TAIL_SHARE` of the requests, and exactly `WORK_WAIT_MS` for all others. Default `exponential`.
pub const WORK_DISTRIBUTION: &str = "WORK_DISTRIBUTION";
/// The share of requests in the tail, from 0 to 1. Default 0.
pub const WORK_TAIL_SHARE: &str = "WORK_TAIL_SHARE";
/// The waiting time of a request in the tail, in milliseconds. Default 0.
pub const WORK_TAIL_MS: &str = "WORK_TAIL_MS";
/// Which requests are in the tail: a share of the `requests`, drawn for each, or of the `paths`: whoever asks for one of those
/// waits, on every instance. Default `requests`.
pub const WORK_TAIL_OF: &str = "WORK_TAIL_OF";
/// How many requests may be in their waiting work at once, while further ones queue, first come, first served; 0 is no
/// limit. Default 0.
pub const WORK_LIMIT: &str = "WORK_LIMIT";
/// CPU time burnt on the event loop by each business request, in milliseconds. Default 0.
pub const WORK_CPU_MS: &str = "WORK_CPU_MS";
/// Seed of the drawn times; mixed with the instance name. Default 1.
pub const WORK_SEED: &str = "WORK_SEED";
/// What becomes of the declared work of a request whose client has left: `cancel` (it stops, and its place is free at once)
/// or `finish` (it goes on to its end and keeps its place, as in a pool of threads or a database). Default `cancel`.
pub const WORK_ABANDONED: &str = "WORK_ABANDONED";
/// Whether `PUT /work` with `{"slowness": 10}` may make the work ten times as long while the service runs: `on` or `off`.
/// Default `off`.
pub const WORK_CONTROL: &str = "WORK_CONTROL";
/// Instances whose work takes longer from the start, such as `users-1=20` (twenty times), with commas between several.
/// Default: none.
pub const WORK_SLOW: &str = "WORK_SLOW";
/// Instances that are broken: they refuse every business request at once with 503, and look healthy to `/ready`; with commas
/// between several. Default: none.
pub const WORK_BROKEN: &str = "WORK_BROKEN";
/// What all variables that are meant for the balancer in front of a service, and not for the service, begin with.
pub const BALANCER_PREFIX: &str = "BALANCER_";
/// Where the gateway burns CPU: `inline` (on the event loop) or `offloaded` (on a blocking thread). Default `inline`.
pub const CPU_WORK: &str = "CPU_WORK";
/// How often each client may ask for `/api/limited`: a policy (the handbook has a table of rate limits), requests in a window,
/// and for policies that refill bit by bit how many at once, such as `gcra limit=5 window=10s burst=5`.
/// Default `sliding_log limit=5 window=10s`.
pub const RATE_LIMIT: &str = "RATE_LIMIT";
/// Where the gateway counts for that: in the `memory` of the instance, or in `redis`, for all instances. Default `memory`.
pub const RATE_LIMIT_IN: &str = "RATE_LIMIT_IN";
/// What a rate limit does while Redis does not answer: fail `open` (everybody is admitted) or `closed` (nobody is). Default `open`.
pub const RATE_LIMIT_ON_FAILURE: &str = "RATE_LIMIT_ON_FAILURE";
/// How many calls of the gateway to each service may be under way, how many more may wait, and for how long:
/// `max=10 length=10 wait=1s`. Default `off`.
pub const CALL_BULKHEAD: &str = "CALL_BULKHEAD";
/// A limit of the gateway's calls to each service that may move, and behind a semicolon the queue for it, such as
/// `aimd max=100 timeout=100ms` or `gradient max=100; codel length=50 target=5ms interval=100ms`. The handbook has tables of limits
/// of concurrency and of queue disciplines. Default `off`.
pub const CALL_LIMIT: &str = "CALL_LIMIT";
/// As `CALL_BULKHEAD`, for the calls to all services together. Default `off`.
pub const CALL_POOL: &str = "CALL_POOL";
/// Makes the gateway send less to a service that rejects much: `k=2 window=2m`. Default `off`.
pub const CALL_THROTTLE: &str = "CALL_THROTTLE";
/// Retries of the gateway's idempotent calls, and their budget: `attempts=3 base=50ms max=1s budget=20% window=10s
/// reserve_per_s=10`. Default `off`.
pub const CALL_RETRY: &str = "CALL_RETRY";
/// Second requests of the gateway's idempotent calls to what is slow, and their budget: `after=p95 min=100 budget=5% window=10s`.
/// Default `off`.
pub const CALL_HEDGE: &str = "CALL_HEDGE";
/// Circuit breakers of the gateway's calls: `window=10s min=20 failures=50% slow_calls=100% slow_after=60s open=5s probes=3`.
/// Default `off`.
pub const CALL_BREAKER: &str = "CALL_BREAKER";
/// What has a circuit breaker: each `upstream` as a whole, or each `instance` of it, which is known by the `x-instance` of its
/// answers; a balancer in front of them is asked to avoid those that are open. Default `upstream`.
pub const CALL_BREAKER_FOR: &str = "CALL_BREAKER_FOR";
/// Whether `POST /resilience` may change the policies of calls while the gateway runs: `on` or `off`. Default `off`.
pub const CALL_CONTROL: &str = "CALL_CONTROL";
/// Share of payments that are refused with 503, from 0 to 1. Default 0.
pub const PAYMENTS_FAILURE_RATE: &str = "PAYMENTS_FAILURE_RATE";
/// Secret that signs the gateway's tokens. Default: a value for development, known to everybody; the gateway then warns at
/// its start.
pub const JWT_SECRET: &str = "JWT_SECRET";
/// The secret that signed the gateway's tokens before, and whose tokens it still believes: set it while you replace the secret, for
/// as long as tokens live. Default: none.
pub const JWT_SECRET_BEFORE: &str = "JWT_SECRET_BEFORE";
/// By how much the clocks of those who issue and those who check a token may differ, in milliseconds. Default 0.
pub const JWT_SKEW_MS: &str = "JWT_SKEW_MS";
/// Proxies in front of the gateway that it believes when they say, in `X-Forwarded-For`, whom a request came from:
/// addresses such as `10.0.0.7` and networks such as `10.0.0.0/8`, with commas between several. No client may have such an
/// address. Default: none; the client is whoever is connected.
pub const TRUSTED_PROXIES: &str = "TRUSTED_PROXIES";
/// Share of charged payments whose answer is held back, from 0 to 1. Default 0.
pub const PAYMENTS_SLOW_ANSWER_RATE: &str = "PAYMENTS_SLOW_ANSWER_RATE";
/// How long the answer of such a payment is held back, in milliseconds. Default 0.
pub const PAYMENTS_SLOW_ANSWER_MS: &str = "PAYMENTS_SLOW_ANSWER_MS";
/// How payments treat an idempotency key: `atomic` (claimed with the payment), `check-first` (looked up before, which
/// races) or `none` (ignored). Default `atomic`.
pub const IDEMPOTENCY: &str = "IDEMPOTENCY";
/// Where the balances of accounts live: `database`, or `memory` (of the instance, which others cannot see). Default
/// `database`.
pub const BALANCE_IN: &str = "BALANCE_IN";
/// Where the gateway counts: in the `memory` of the instance, or in `redis`. Default `memory`.
pub const COUNT_IN: &str = "COUNT_IN";
/// How requests are kept from undoing one another's work, unless they choose themselves: a
/// [`Strategy`](crate::Strategy). Default `atomic`.
pub const STRATEGY: &str = "STRATEGY";
/// The Redis that instances share: `redis://host:port`. Default: none.
pub const REDIS_URL: &str = "REDIS_URL";
/// What all keys in Redis begin with. Default `lab:`.
pub const REDIS_PREFIX: &str = "REDIS_PREFIX";
/// How long a lock in Redis lives unless it is given back, in milliseconds. Default 10000.
pub const LOCK_TTL_MS: &str = "LOCK_TTL_MS";
/// Longest wait for a lock, in milliseconds; then the answer is 503. Default 5000.
pub const LOCK_WAIT_MS: &str = "LOCK_WAIT_MS";
/// How a lock in Redis is given back: by its `owner` only, or `bare` (deleted whoever holds it, which is wrong).
/// Default `owner`.
pub const LOCK_RELEASE: &str = "LOCK_RELEASE";
/// Pause between deciding and writing, in milliseconds: it widens every race. A request with the header `x-decision-ms` says
/// otherwise. Default 0.
pub const DECISION_MS: &str = "DECISION_MS";
/// Port at which a link takes connections of the caller; `0` takes any free port. Default 0.
pub const LINK_PORT: &str = "LINK_PORT";
/// The callee of a link, as `host:port`.
pub const LINK_TO: &str = "LINK_TO";
/// Seed of what a link draws. Default 1.
pub const LINK_SEED: &str = "LINK_SEED";
/// What a link does to connections from its start, as JSON of [`LinkConditions`](crate::LinkConditions). Default: nothing.
pub const LINK_CONDITIONS: &str = "LINK_CONDITIONS";
/// Which server `redis` is: `any` (a program of the machine or an image where there is one, else the built-in one),
/// `built-in` or `program`. Default `any`.
pub const REDIS_SERVER: &str = "REDIS_SERVER";
/// The Kafka that services share: `host:port`, with commas between several. Default: none.
pub const KAFKA_BROKERS: &str = "KAFKA_BROKERS";
/// What the names of all topics and groups begin with. Default: nothing.
pub const KAFKA_PREFIX: &str = "KAFKA_PREFIX";
/// Which broker `kafka` is: `any` (Apache Kafka where `KAFKA_HOME` names one, else the built-in one), `built-in` or
/// `apache`. Default `any`.
pub const KAFKA_BROKER: &str = "KAFKA_BROKER";
/// The folder of an Apache Kafka: one with `libs/`, or with the jars themselves.
pub const KAFKA_HOME: &str = "KAFKA_HOME";
/// The version of that Apache Kafka, where it is known already.
pub const KAFKA_VERSION: &str = "KAFKA_VERSION";
/// The host that a broker tells its clients, where it is not the one that it listens on.
pub const KAFKA_ADVERTISED_HOST: &str = "KAFKA_ADVERTISED_HOST";
/// How long a consumer may be silent before its group takes its partitions away, in milliseconds. Default 6000.
pub const KAFKA_SESSION_MS: &str = "KAFKA_SESSION_MS";
/// When a consumer commits: `inbox` (after, and what was done is remembered with it), `before` or `after` it acts. Default
/// `inbox`.
pub const CONSUME_COMMIT: &str = "CONSUME_COMMIT";
/// What a consumer does with an event that it cannot handle: `retry` (later, from retry topics, and in the end it is a
/// dead letter), `dead` (a dead letter at once) or `block` (again and again in its place). Default `retry`.
pub const CONSUME_ON_FAILURE: &str = "CONSUME_ON_FAILURE";
/// How many retry topics there are. Default 2.
pub const CONSUME_RETRIES: &str = "CONSUME_RETRIES";
/// The first delay of a retry, in milliseconds; each further one is twice as long. Default 200.
pub const CONSUME_RETRY_MS: &str = "CONSUME_RETRY_MS";
/// Pause between acting and committing, in whichever order they come, in milliseconds: it widens the gap in which a crash
/// loses or repeats. Default 0.
pub const CONSUME_GAP_MS: &str = "CONSUME_GAP_MS";
/// The event, counted from 1 in the life of a process, between whose handling and whose commit a consumer stands still
/// until it is killed; once only, however often it is started again. Default 0: none.
pub const CONSUME_HOLD_AT: &str = "CONSUME_HOLD_AT";
/// How long the work on an event takes before it is written down, in milliseconds. Default 0.
pub const CONSUME_WORK_MS: &str = "CONSUME_WORK_MS";
/// A product whose orders analytics can never handle. Default 0: none.
pub const CONSUME_POISON_PRODUCT: &str = "CONSUME_POISON_PRODUCT";
/// A product whose orders analytics cannot handle until they are some milliseconds old. Default 0: none.
pub const CONSUME_EARLY_PRODUCT: &str = "CONSUME_EARLY_PRODUCT";
/// How old those have to be, in milliseconds. Default 300.
pub const CONSUME_EARLY_MS: &str = "CONSUME_EARLY_MS";
/// How others hear of an order: from `outbox` (written with the order, published by a relay), `dual-write` (published
/// after the order was written), `http` (analytics is called before the order is answered) or `none`. Default: `outbox`
/// where there is a Kafka, else `none`.
pub const ORDERS_PUBLISH: &str = "ORDERS_PUBLISH";
/// Pause before an order that is written is published, and in the relay also before it is taken out of the outbox, in
/// milliseconds: it widens the gap in which a crash loses or repeats. Default 0.
pub const ORDERS_GAP_MS: &str = "ORDERS_GAP_MS";
/// How an order gets from its placing to its end: `none` (one request does it all), `choreography` (each service reacts to
/// the events of the others) or `orchestration` (orders tells each service what to do, by commands). The same for all
/// services of a system. Default `none`.
pub const SAGA: &str = "SAGA";
/// How long an order may stay undecided before it is cancelled, in milliseconds. Default 60000.
pub const SAGA_TIMEOUT_MS: &str = "SAGA_TIMEOUT_MS";
/// Share of the orders that are refused at the last step, after they were paid. Default 0.
pub const ORDERS_REFUSAL_RATE: &str = "ORDERS_REFUSAL_RATE";
/// Where a process dies on purpose, each place once in the life of its database: `everywhere`, or places such as
/// `lab.order.created.v1:before-commit`, with commas between several. A place is the type of an event and one of
/// `before-commit`, `after-commit` (of what was done because of it), `before-publish` and `after-publish`. Default: nowhere.
pub const CRASH_AT: &str = "CRASH_AT";
/// How often it dies at each of them. Default 1.
pub const CRASH_TIMES: &str = "CRASH_TIMES";
/// Whether a member of a group is known by its name, so that it gets its partitions back at once when it is started again:
/// `true` or `false`. Default `false`.
pub const KAFKA_STATIC_MEMBERS: &str = "KAFKA_STATIC_MEMBERS";
