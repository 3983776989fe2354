//! Which environment variables a program lets itself be configured by, apart from its wiring.
//!
//! Whoever describes a system (a scenario, say) may set these and no others: what a program does not declare reaches it
//! by accident at best, and some variables are not for a program at all (`LD_PRELOAD` makes the loader run foreign code).

use crate::environment::*;

/// What every service of this house declares.
pub(crate) const OF_SERVICES: [&str; 18] = [
    LOG_LEVEL,
    WORKERS,
    UPSTREAM_TIMEOUT_MS,
    DEADLINE_MS,
    READY,
    WORK_WAIT_MS,
    WORK_DISTRIBUTION,
    WORK_TAIL_SHARE,
    WORK_TAIL_MS,
    WORK_TAIL_OF,
    WORK_LIMIT,
    WORK_CPU_MS,
    WORK_SEED,
    WORK_ABANDONED,
    WORK_CONTROL,
    WORK_SLOW,
    WORK_BROKEN,
    CPU_WORK,
];
/// What the balancer in front of a service declares. A service without one ignores them.
pub(crate) const OF_BALANCERS: [&str; 17] = [
    "BALANCER_CONNECT_TIMEOUT_MS",
    "BALANCER_HEAD_TIMEOUT_MS",
    "BALANCER_IDLE_TIMEOUT_MS",
    "BALANCER_STALL_TIMEOUT_MS",
    "BALANCER_PASSIVE_FAILURES",
    "BALANCER_EJECT_MS",
    "BALANCER_EJECT_MAX_PERCENT",
    "BALANCER_PANIC_PERCENT",
    "BALANCER_NOBODY_WELL",
    "BALANCER_PROBE_EVERY_MS",
    "BALANCER_PROBE_TIMEOUT_MS",
    "BALANCER_PROBE_PATH",
    "BALANCER_PROBES_IN_ROW",
    "BALANCER_SLOW_START_MS",
    "BALANCER_RETRIES",
    "BALANCER_STICKY_COOKIE",
    "BALANCER_HASH_ON",
];
/// What services that consume or publish events declare.
pub(crate) const OF_EVENTS: [&str; 11] = [
    KAFKA_SESSION_MS,
    KAFKA_STATIC_MEMBERS,
    CONSUME_COMMIT,
    CONSUME_ON_FAILURE,
    CONSUME_RETRIES,
    CONSUME_RETRY_MS,
    CONSUME_GAP_MS,
    CONSUME_HOLD_AT,
    SAGA,
    CRASH_AT,
    CRASH_TIMES,
];
/// What services that guard a balance or a stock declare.
pub(crate) const OF_GUARDS: [&str; 5] = [STRATEGY, LOCK_TTL_MS, LOCK_WAIT_MS, LOCK_RELEASE, DECISION_MS];

pub(crate) const OF_ORDERS: [&str; 4] = [ORDERS_PUBLISH, ORDERS_GAP_MS, ORDERS_REFUSAL_RATE, SAGA_TIMEOUT_MS];
pub(crate) const OF_PAYMENTS: [&str; 5] = [
    PAYMENTS_FAILURE_RATE,
    PAYMENTS_SLOW_ANSWER_RATE,
    PAYMENTS_SLOW_ANSWER_MS,
    IDEMPOTENCY,
    BALANCE_IN,
];
pub(crate) const OF_ANALYTICS: [&str; 4] = [
    CONSUME_WORK_MS,
    CONSUME_POISON_PRODUCT,
    CONSUME_EARLY_PRODUCT,
    CONSUME_EARLY_MS,
];
pub(crate) const OF_GATEWAYS: [&str; 17] = [
    JWT_SECRET,
    JWT_SECRET_BEFORE,
    JWT_SKEW_MS,
    COUNT_IN,
    TRUSTED_PROXIES,
    RATE_LIMIT,
    RATE_LIMIT_IN,
    RATE_LIMIT_ON_FAILURE,
    CALL_BULKHEAD,
    CALL_LIMIT,
    CALL_POOL,
    CALL_THROTTLE,
    CALL_RETRY,
    CALL_HEDGE,
    CALL_BREAKER,
    CALL_BREAKER_FOR,
    CALL_CONTROL,
];
pub(crate) const OF_KAFKA: [&str; 1] = [KAFKA_BROKER];
pub(crate) const OF_REDIS: [&str; 1] = [REDIS_SERVER];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Allowed, Program};

    /// Variables that tell a program where it is and whom it talks to: whoever starts it decides them.
    const WIRING: [&str; 18] = [
        "PORT",
        "HOST",
        "INSTANCE",
        "DATABASE_URL",
        "POSTGRES_URL",
        "PGDATA",
        "BALANCER_PREFIX",
        "REDIS_URL",
        "REDIS_PREFIX",
        "LINK_PORT",
        "LINK_TO",
        "LINK_SEED",
        "LINK_CONDITIONS",
        "KAFKA_BROKERS",
        "KAFKA_PREFIX",
        "KAFKA_HOME",
        "KAFKA_VERSION",
        "KAFKA_ADVERTISED_HOST",
    ];

    #[test]
    fn every_variable_of_the_contract_is_either_wiring_or_declared_by_a_program() {
        let source = include_str!("environment.rs");
        let named = source.lines().filter_map(|line| line.strip_prefix("pub const "));
        let names: Vec<&str> = named.filter_map(|line| line.split(':').next()).collect();
        assert!(names.len() > 50, "the source is read another way: {names:?}");
        for name in names {
            let mut programs = Program::ALL.into_iter();
            let is_declared = programs.any(|program| program.declared_variables().contains(&name));
            assert_ne!(is_declared, WIRING.contains(&name), "{name}");
        }
    }

    #[test]
    fn of_each_declared_variable_it_is_known_what_it_may_hold() {
        // Names, places, networks and secrets are the program's own business.
        let texts = [WORK_BROKEN, CRASH_AT, JWT_SECRET, JWT_SECRET_BEFORE, TRUSTED_PROXIES];
        for variable in Program::ALL.into_iter().flat_map(Program::declared_variables) {
            let is_text = matches!(Allowed::of(variable), Allowed::Text);
            assert_eq!(is_text, texts.contains(&variable), "{variable}");
        }
    }

    #[test]
    fn what_is_not_for_a_program_is_declared_by_none() {
        for program in Program::ALL {
            let declared = program.declared_variables();
            for foreign in [
                "LD_PRELOAD",
                "LD_LIBRARY_PATH",
                "DYLD_INSERT_LIBRARIES",
                "PATH",
                "PGDATA",
                "KAFKA_HOME",
            ] {
                assert!(!declared.contains(&foreign), "{program} declares {foreign}");
            }
            assert!(
                declared.is_sorted_by(|before, after| before < after),
                "{program}: {declared:?}"
            );
        }
    }

    #[test]
    fn the_balancer_s_variables_are_those_that_it_reads() {
        let source = include_str!("../../../balancer/src/options.rs");
        let read = source.lines().filter_map(|line| line.split_once("\"BALANCER_"));
        let mut read: Vec<String> = read
            .filter_map(|(_, rest)| Some(format!("BALANCER_{}", rest.split_once('"')?.0)))
            // It names a file of whoever starts the balancer.
            .filter(|name| name != "BALANCER_UPSTREAMS_FILE")
            .collect();
        read.sort();
        read.dedup();
        let mut declared = OF_BALANCERS.to_vec();
        declared.sort_unstable();
        assert_eq!(read, declared);
    }
}
