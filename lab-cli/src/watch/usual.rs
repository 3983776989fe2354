//! What exporters usually call things: histograms of requests and their units, labels of status and of paths.
//!
//! Nothing here is guessed unsaid: `lab watch` tells what it chose, `lab watch --help` shows these tables, and
//! `--metric`, `--unit` and `--status-label` choose what is in none of them.

use clap::ValueEnum;

/// The unit of a histogram's bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Unit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

impl Unit {
    /// Microseconds in it.
    pub fn microseconds(self) -> f64 {
        match self {
            Self::S => 1e6,
            Self::Ms => 1e3,
            Self::Us => 1.0,
            Self::Ns => 1e-3,
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S => "seconds",
            Self::Ms => "milliseconds",
            Self::Us => "microseconds",
            Self::Ns => "nanoseconds",
        }
    }
}

/// Histograms of request durations by their usual names; the first that is there is taken. A name that does not say its
/// unit has it here.
pub const HISTOGRAMS: [(&str, Unit, &str); 18] = [
    ("http_request_duration_seconds", Unit::S, "this lab, client libraries"),
    ("http_server_request_duration_seconds", Unit::S, "OpenTelemetry"),
    (
        "http_server_request_duration",
        Unit::S,
        "OpenTelemetry without units in names",
    ),
    (
        "http_server_requests_seconds",
        Unit::S,
        "Spring Boot, Micrometer, Quarkus",
    ),
    (
        "http_server_duration_milliseconds",
        Unit::Ms,
        "OpenTelemetry before 1.23",
    ),
    (
        "http_server_duration",
        Unit::Ms,
        "OpenTelemetry before 1.23 without units in names",
    ),
    ("http_request_duration_milliseconds", Unit::Ms, "client libraries"),
    ("http_request_duration_ms", Unit::Ms, "client libraries"),
    ("http_request_duration_microseconds", Unit::Us, "client libraries"),
    ("prometheus_http_request_duration_seconds", Unit::S, "Prometheus"),
    (
        "nginx_ingress_controller_request_duration_seconds",
        Unit::S,
        "ingress-nginx",
    ),
    ("traefik_service_request_duration_seconds", Unit::S, "Traefik"),
    ("caddy_http_request_duration_seconds", Unit::S, "Caddy"),
    ("istio_request_duration_milliseconds", Unit::Ms, "Istio"),
    ("envoy_http_downstream_rq_time", Unit::Ms, "Envoy"),
    ("flask_http_request_duration_seconds", Unit::S, "Flask"),
    ("request_duration_seconds", Unit::S, "Weaveworks, Cortex, Loki"),
    ("grpc_server_handling_seconds", Unit::S, "gRPC"),
];

/// Ends of names that say the unit.
const UNITS: [(&str, Unit); 9] = [
    ("seconds", Unit::S),
    ("milliseconds", Unit::Ms),
    ("microseconds", Unit::Us),
    ("nanoseconds", Unit::Ns),
    ("millis", Unit::Ms),
    ("micros", Unit::Us),
    ("ms", Unit::Ms),
    ("us", Unit::Us),
    ("ns", Unit::Ns),
];

/// Labels that hold the status of an answer; the first that a histogram has is taken.
pub const STATUS_LABELS: [&str; 12] = [
    "status",
    "code",
    "status_code",
    "http_status_code",
    "http_response_status_code",
    "http_status",
    "response_code",
    "response_status",
    "envoy_response_code_class",
    "rpc_grpc_status_code",
    "grpc_code",
    "grpc_status",
];

/// Labels that hold the path of a request.
const ROUTE_LABELS: [&str; 8] = [
    "route",
    "http_route",
    "path",
    "handler",
    "uri",
    "http_target",
    "url_path",
    "endpoint",
];

/// Paths that are asked by whoever watches, not by users.
const WATCHED: [&str; 11] = [
    "/metrics",
    "/health",
    "/healthz",
    "/ready",
    "/readyz",
    "/livez",
    "/-/healthy",
    "/-/ready",
    "/actuator/prometheus",
    "/actuator/health",
    "none",
];

/// The unit of a histogram: as its exposition declares it, as its name ends, or as the table has it.
pub fn unit(metric: &str, declared: Option<&str>) -> Option<Unit> {
    let named = |word: &str| UNITS.iter().find(|(name, _)| *name == word).map(|(_, unit)| *unit);
    let listed = || {
        HISTOGRAMS
            .iter()
            .find(|(name, ..)| *name == metric)
            .map(|(_, unit, _)| *unit)
    };
    declared
        .and_then(named)
        .or_else(|| named(metric.rsplit(['_', '.', ':']).next()?))
        .or_else(listed)
}

/// Whether requests with these labels are those of whoever watches; `own` is the path that this lab asks.
pub fn is_watching<'a>(label: impl Fn(&str) -> Option<&'a str>, own: &str) -> bool {
    let route = ROUTE_LABELS.iter().find_map(|name| label(name));
    route.is_some_and(|route| WATCHED.contains(&route) || route == own)
}

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Answered as it was asked.
    Answered,
    /// Refused or failed.
    Failed,
    /// None of the words that are known here.
    Unknown,
}

/// What a status means: of HTTP (`404`, `5xx`), of gRPC (`OK`, `Unavailable`), or a plain word.
pub fn meaning(status: &str) -> Meaning {
    let first = status.bytes().next();
    if status.len() == 3
        && status
            .bytes()
            .skip(1)
            .all(|b| b.is_ascii_digit() || matches!(b, b'x' | b'X'))
    {
        return match first {
            Some(b'1'..=b'3') => Meaning::Answered,
            Some(b'4' | b'5') => Meaning::Failed,
            _ => Meaning::Unknown,
        };
    }
    let word = status.to_ascii_lowercase().replace(['_', '-', ' '], "");
    match word.as_str() {
        // Nothing is said, or that all went well; 0 is gRPC's OK, 2 to 3 are classes of HTTP.
        "" | "ok" | "success" | "successful" | "0" | "2" | "3" | "informational" | "redirection" => Meaning::Answered,
        "4" | "5" | "error" | "failure" | "failed" | "fail" | "timeout" | "clienterror" | "servererror" => {
            Meaning::Failed
        }
        "canceled" | "cancelled" | "unknown" | "invalidargument" | "deadlineexceeded" | "notfound"
        | "alreadyexists" | "permissiondenied" | "resourceexhausted" | "failedprecondition" | "aborted"
        | "outofrange" | "unimplemented" | "internal" | "unavailable" | "dataloss" | "unauthenticated" => {
            Meaning::Failed
        }
        _ => Meaning::Unknown,
    }
}

/// The tables in words, for the help of `lab watch`.
pub fn tables() -> String {
    let mut text = "Histograms that are known by name, the first that is there is taken:\n".to_owned();
    for (name, unit, whose) in HISTOGRAMS {
        text.push_str(&format!("  {name:<50} {:<13} {whose}\n", unit.as_str()));
    }
    text.push_str("Labels of status, the first that the histogram has is taken:\n");
    for labels in STATUS_LABELS.chunks(4) {
        text.push_str(&format!("  {}\n", labels.join("  ")));
    }
    text.push_str(
        "Names that end in _seconds, _milliseconds, _ms, _us and the like say their unit; --unit says it of others.\n\
         4xx, 5xx and gRPC's codes other than OK are failures. Answers to /metrics, /health and the like do not count.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_declared_named_or_listed_and_never_guessed() {
        assert_eq!(unit("request_latency_ms", None), Some(Unit::Ms));
        assert_eq!(unit("http_server_duration", None), Some(Unit::Ms));
        assert_eq!(unit("queue.wait.seconds", None), Some(Unit::S));
        assert_eq!(unit("latency", Some("milliseconds")), Some(Unit::Ms));
        assert_eq!(unit("latency", None), None);
        assert_eq!(unit("programs", None), None, "it only ends in the letters");
        for (name, listed, _) in HISTOGRAMS {
            assert_eq!(
                unit(name, None),
                Some(listed),
                "{name} says another unit than the table"
            );
        }
    }

    #[test]
    fn a_status_is_a_number_a_class_or_a_word() {
        for answered in ["200", "304", "2xx", "OK", "success", "SUCCESS", "0", ""] {
            assert_eq!(meaning(answered), Meaning::Answered, "{answered}");
        }
        for failed in [
            "404",
            "503",
            "5xx",
            "4XX",
            "Unavailable",
            "DEADLINE_EXCEEDED",
            "error",
            "5",
        ] {
            assert_eq!(meaning(failed), Meaning::Failed, "{failed}");
        }
        for unknown in ["active", "4711", "5a", "999"] {
            assert_eq!(meaning(unknown), Meaning::Unknown, "{unknown}");
        }
    }

    #[test]
    fn the_help_names_everything_that_is_known() {
        let tables = tables();
        let names = HISTOGRAMS.iter().map(|(name, ..)| *name).chain(STATUS_LABELS);
        names.for_each(|name| assert!(tables.contains(name), "{name}"));
    }
}
