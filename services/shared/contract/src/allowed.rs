//! What the variables that a program declares may hold, as far as it can be told without the program.

use std::fmt;

use crate::environment::*;
use crate::limits::LOCK_MS_MAX;
use crate::{OFF, Strategy};

/// What a variable may hold. Empty counts as not set, and always may be.
#[derive(Debug, Clone, Copy)]
pub enum Allowed {
    /// A whole number, from the first to the last.
    Whole(u64, u64),
    /// Any number, from the first to the last.
    Number(f64, f64),
    /// One of these words.
    Words(&'static [&'static str]),
    /// The name of a [`Strategy`].
    Strategy,
    /// A text of this form.
    Form(&'static str, fn(&str) -> bool),
    /// A text that only the program can judge.
    Text,
}

const HOUR_MS: u64 = 3_600_000;
const TEN_MINUTES_MS: u64 = 600_000;

/// Times of the balancer: nothing is never waited for.
const TIMEOUT_MS: Allowed = Allowed::Whole(1, HOUR_MS);
const PERCENT: Allowed = Allowed::Whole(0, 100);
const COUNT: Allowed = Allowed::Whole(0, 1_000);
const EVENTS_MS: Allowed = Allowed::Whole(0, TEN_MINUTES_MS);
const WORK_MS: Allowed = Allowed::Number(0.0, TEN_MINUTES_MS as f64);
const PRODUCT: Allowed = Allowed::Whole(0, i64::MAX as u64);
const SHARE: Allowed = Allowed::Number(0.0, 1.0);
const ANY_WHOLE: Allowed = Allowed::Whole(0, u64::MAX);

impl Allowed {
    /// What a declared variable may hold.
    #[must_use]
    pub fn of(variable: &str) -> Self {
        match variable {
            LOG_LEVEL => Self::Words(&["info", "error", "warn", "debug", "trace"]),
            WORKERS => Self::Whole(1, 256),
            UPSTREAM_TIMEOUT_MS | SAGA_TIMEOUT_MS => Self::Whole(1, HOUR_MS),
            DEADLINE_MS => Self::Whole(0, HOUR_MS),
            READY => Self::Words(&["deep", "shallow"]),
            WORK_WAIT_MS | WORK_CPU_MS | WORK_TAIL_MS => WORK_MS,
            WORK_DISTRIBUTION => Self::Words(&["exponential", "constant", "tail"]),
            WORK_TAIL_OF => Self::Words(&["requests", "paths"]),
            WORK_LIMIT => Self::Whole(0, 1_000_000),
            WORK_SEED => ANY_WHOLE,
            WORK_ABANDONED => Self::Words(&["cancel", "finish"]),
            WORK_CONTROL => Self::Words(&["off", "on"]),
            WORK_SLOW => Self::Form("INSTANCE=FACTOR, with commas between several", are_factors),
            CPU_WORK => Self::Words(&["inline", "offloaded"]),
            "BALANCER_CONNECT_TIMEOUT_MS"
            | "BALANCER_HEAD_TIMEOUT_MS"
            | "BALANCER_IDLE_TIMEOUT_MS"
            | "BALANCER_STALL_TIMEOUT_MS"
            | "BALANCER_PROBE_TIMEOUT_MS"
            | "BALANCER_EJECT_MS" => TIMEOUT_MS,
            "BALANCER_PROBE_EVERY_MS" | "BALANCER_SLOW_START_MS" => Self::Whole(0, HOUR_MS),
            "BALANCER_EJECT_MAX_PERCENT" | "BALANCER_PANIC_PERCENT" => PERCENT,
            "BALANCER_NOBODY_WELL" => Self::Words(&["open", "closed"]),
            "BALANCER_PASSIVE_FAILURES" | "BALANCER_RETRIES" => COUNT,
            "BALANCER_PROBES_IN_ROW" => Self::Whole(1, 1_000),
            "BALANCER_PROBE_PATH" => Self::Form("a path such as /ready", |path| path.starts_with('/')),
            "BALANCER_STICKY_COOKIE" => Self::Form("a cookie name of letters, digits, \"-\" and \"_\"", is_cookie_name),
            "BALANCER_HASH_ON" => Self::Form("address, path or header:NAME", is_hashable),
            KAFKA_SESSION_MS => Self::Whole(1_000, 1_800_000),
            KAFKA_STATIC_MEMBERS => Self::Words(&["false", "true"]),
            REDIS_SERVER => Self::Words(&["any", "built-in", "program"]),
            KAFKA_BROKER => Self::Words(&["any", "built-in", "apache"]),
            CONSUME_COMMIT => Self::Words(&["inbox", "before", "after"]),
            CONSUME_ON_FAILURE => Self::Words(&["retry", "dead", "block"]),
            CONSUME_RETRIES => Self::Whole(1, 10),
            CONSUME_RETRY_MS => Self::Whole(1, TEN_MINUTES_MS),
            CONSUME_GAP_MS | CONSUME_WORK_MS | CONSUME_EARLY_MS | ORDERS_GAP_MS => EVENTS_MS,
            CONSUME_HOLD_AT => ANY_WHOLE,
            CONSUME_POISON_PRODUCT | CONSUME_EARLY_PRODUCT => PRODUCT,
            SAGA => Self::Words(&["none", "choreography", "orchestration"]),
            CRASH_TIMES => Self::Whole(1, 100),
            STRATEGY => Self::Strategy,
            LOCK_TTL_MS | LOCK_WAIT_MS => Self::Whole(1, LOCK_MS_MAX),
            DECISION_MS | PAYMENTS_SLOW_ANSWER_MS => Self::Whole(0, LOCK_MS_MAX),
            LOCK_RELEASE => Self::Words(&["owner", "bare"]),
            ORDERS_PUBLISH => Self::Words(&["none", "http", "dual-write", "outbox"]),
            ORDERS_REFUSAL_RATE | PAYMENTS_FAILURE_RATE | PAYMENTS_SLOW_ANSWER_RATE | WORK_TAIL_SHARE => SHARE,
            IDEMPOTENCY => Self::Words(&["atomic", "check-first", "none"]),
            BALANCE_IN => Self::Words(&["database", "memory"]),
            CALL_BULKHEAD | CALL_POOL | CALL_THROTTLE | CALL_RETRY | CALL_HEDGE | CALL_BREAKER => {
                Self::Form("off, or settings such as max=10 with spaces between several", |line| {
                    line.trim() == OFF || are_settings(line)
                })
            }
            CALL_LIMIT => Self::Form(
                "off, or a policy with settings, and a queue behind a semicolon",
                |line| line.trim() == OFF || line.split(';').all(is_policy),
            ),
            RATE_LIMIT => Self::Form("a policy with settings, such as gcra limit=5 window=10s", is_policy),
            CALL_BREAKER_FOR => Self::Words(&["upstream", "instance"]),
            CALL_CONTROL => Self::Words(&["off", "on"]),
            JWT_SKEW_MS => Self::Whole(0, TEN_MINUTES_MS),
            RATE_LIMIT_ON_FAILURE => Self::Words(&["open", "closed"]),
            COUNT_IN | RATE_LIMIT_IN => Self::Words(&["memory", "redis"]),
            // Names, places, networks and secrets.
            _ => Self::Text,
        }
    }

    /// Whether a variable may hold this.
    #[must_use]
    pub fn accepts(self, value: &str) -> bool {
        value.is_empty()
            || match self {
                Self::Whole(min, max) => value.parse().is_ok_and(|number| (min..=max).contains(&number)),
                Self::Number(min, max) => value.parse().is_ok_and(|number| (min..=max).contains(&number)),
                Self::Words(words) => words.contains(&value),
                Self::Strategy => value.parse::<Strategy>().is_ok(),
                Self::Form(_, fits) => fits(value),
                Self::Text => true,
            }
    }
}

impl fmt::Display for Allowed {
    /// As it follows "must be".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(min, max) => write!(f, "a whole number from {min} to {max}"),
            Self::Number(min, max) => write!(f, "a number from {min} to {max}"),
            Self::Words(words) => write!(f, "one of {}", words.join(", ")),
            Self::Strategy => f.write_str(&Strategy::allowed()),
            Self::Form(form, _) => f.write_str(form),
            Self::Text => f.write_str("any text"),
        }
    }
}

fn are_factors(list: &str) -> bool {
    let mut parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.all(|part| {
        let factor = part.split_once('=').and_then(|(_, factor)| factor.parse::<f64>().ok());
        factor.is_some_and(|factor| factor > 0.0 && factor <= 1_000.0)
    })
}

/// Words of the form `name=value`. What they mean, the program knows.
fn are_settings(line: &str) -> bool {
    line.split_whitespace().all(|word| {
        let pair = word.split_once('=');
        pair.is_some_and(|(name, value)| !name.is_empty() && !value.is_empty())
    })
}

/// A name, and settings behind it.
fn is_policy(line: &str) -> bool {
    let line = line.trim();
    let (name, settings) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    !name.is_empty() && !name.contains('=') && are_settings(settings)
}

fn is_cookie_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.bytes().all(is_plain)
}

fn is_hashable(text: &str) -> bool {
    let is_header = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    matches!(text, "address" | "path") || text.strip_prefix("header:").is_some_and(is_header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_up_to_the_edges_and_not_beyond() {
        let cases = [
            (LOCK_TTL_MS, ["1", "600000"], ["0", "600001"]),
            (WORK_WAIT_MS, ["0", "0.5"], ["-1", "NaN"]),
            (ORDERS_REFUSAL_RATE, ["0", "1"], ["1.01", "half"]),
            (WORK_SEED, ["0", "18446744073709551615"], ["-1", "1.5"]),
            (STRATEGY, ["none", "redis-lock-fenced"], ["redis", "None"]),
            (WORK_SLOW, ["users-1=20, users-2=0.5", ""], ["users-1", "users-1=0"]),
            ("BALANCER_HASH_ON", ["path", "header:x-user"], ["header:", "header:a b"]),
            ("BALANCER_STICKY_COOKIE", ["lab-1", ""], ["a=b", "a b"]),
            (WORK_BROKEN, ["users-1", "x"], ["", ""]),
            (CALL_RETRY, ["off", "attempts=3 base=50ms"], ["on", "attempts"]),
            (CALL_LIMIT, ["off", "aimd max=9; codel length=5"], ["max=9", "aimd;"]),
            (RATE_LIMIT, ["gcra", "gcra limit=5 window=10s"], ["limit=5", "gcra 5"]),
        ];
        for (variable, taken, refused) in cases {
            let allowed = Allowed::of(variable);
            for value in taken {
                assert!(allowed.accepts(value), "{variable}={value}");
            }
            for value in refused.into_iter().filter(|value| !value.is_empty()) {
                assert!(!allowed.accepts(value), "{variable}={value} is not {allowed}");
            }
        }
    }
}
