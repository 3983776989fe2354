use super::*;
use crate::TailOf;

fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::new(Program::Orders, variables.iter().copied().collect())
}

#[test]
fn an_empty_environment_gives_the_defaults() {
    let settings = read(&[("PORT", "")]).unwrap();
    assert_eq!(
        (settings.port, settings.workers, settings.instance.as_str()),
        (0, 1, "orders-1")
    );
    assert_eq!(settings.host.to_string(), "127.0.0.1");
    assert_eq!(settings.database_url.expose(), "sqlite://orders.db");
    assert_eq!((settings.work.wait, settings.work.limit), (Duration::ZERO, None));
    assert_eq!(settings.work.distribution, Distribution::Exponential);
    assert!(settings.upstreams.is_empty());
}

#[test]
fn values_are_read() {
    let settings = read(&[
        ("PORT", "8080"),
        ("WORK_WAIT_MS", "2.5"),
        ("WORK_LIMIT", "4"),
        ("WORK_DISTRIBUTION", "constant"),
        ("USERS_URL", "http://127.0.0.1:9/"),
        ("CPU_WORK", "offloaded"),
    ])
    .unwrap();
    assert_eq!((settings.port, settings.work.limit), (8080, Some(4)));
    assert_eq!(settings.work.wait, Duration::from_micros(2_500));
    assert_eq!(settings.work.distribution, Distribution::Constant);
    assert_eq!(settings.upstreams[&Program::Users], "127.0.0.1:9");
    assert_eq!(settings.cpu_work, CpuWork::Offloaded);
}

#[test]
fn a_tail_has_a_share_and_a_length() {
    let tail = [
        ("WORK_DISTRIBUTION", "tail"),
        ("WORK_TAIL_SHARE", "0.02"),
        ("WORK_TAIL_MS", "500"),
    ];
    for (of, expected) in [
        ("", TailOf::Requests),
        ("requests", TailOf::Requests),
        ("paths", TailOf::Paths),
    ] {
        let expected = Distribution::Tail {
            share: 0.02,
            long: Duration::from_millis(500),
            of: expected,
        };
        let variables: Vec<_> = tail.into_iter().chain([("WORK_TAIL_OF", of)]).collect();
        assert_eq!(read(&variables).unwrap().work.distribution, expected, "{of}");
    }
}

#[test]
fn instances_draw_differently_and_each_the_same_again() {
    let seed = |instance| read(&[("INSTANCE", instance)]).unwrap().work.seed;
    assert_ne!(seed("orders-1"), seed("orders-2"));
    assert_eq!(seed("orders-1"), seed("orders-1"));
}

#[test]
fn a_redis_is_no_called_service_and_is_missed_only_where_it_is_needed() {
    let gateway =
        |variables: &[(&str, &str)]| Settings::new(Program::Gateway, variables.iter().copied().collect()).unwrap();
    let with = gateway(&[("REDIS_URL", "redis://127.0.0.1:9")]);
    assert!(with.upstreams.is_empty());
    assert_eq!(with.required_redis("it counts").unwrap().prefix, "lab:");
    let error = gateway(&[]).required_redis("it counts").unwrap_err().to_string();
    assert!(
        error.contains("REDIS_URL") && error.contains("because it counts"),
        "{error}"
    );
}

#[test]
fn what_is_wrong_is_named_with_what_is_allowed() {
    for (variable, value, allowed) in [
        ("PORT", "65536", "0 (any free one) to 65535"),
        ("PORT", "http", "a port"),
        ("HOST", "localhost", "an IP address"),
        ("WORKERS", "0", "from 1 to 256"),
        ("LOG_LEVEL", "loud", "info, error, warn"),
        ("WORK_WAIT_MS", "-1", "from 0 to"),
        ("WORK_WAIT_MS", "NaN", "from 0 to"),
        ("WORK_LIMIT", "1.5", "a number of requests"),
        ("WORK_DISTRIBUTION", "normal", "exponential, constant, tail"),
        ("WORK_TAIL_SHARE", "2", "between 0 and 1"),
        ("WORK_CONTROL", "yes", "off, on"),
        ("CPU_WORK", "gpu", "inline, offloaded"),
        ("UPSTREAM_TIMEOUT_MS", "0", "from 1 to"),
        ("UPSTREAM_TIMEOUT_MS", "soon", "from 1 to"),
        ("USERS_URL", "127.0.0.1:80", "http://127.0.0.1:8080"),
        ("USERS_URL", "https://127.0.0.1:80", "http://127.0.0.1:8080"),
        ("USERS_URL", "http://127.0.0.1:80/api", "without a path"),
        ("USERS_URL", "http://u:s3cret@h:80", "http://***@h:80\", but must be"),
        ("USERS_URL", "http://u:s3cret@h:bad", "http://***@h:bad"),
        ("USERS_URL", "http://h:80/?password=s3cret", "http://h:80/?password=***"),
        ("KAFKA_BROKERS", "u:s3cret@h:9092", "***@h:9092"),
    ] {
        let error = read(&[(variable, value)]).expect_err(variable).to_string();
        assert!(error.contains(variable) && error.contains(allowed), "{error}");
        assert_eq!(error.contains(value), !value.contains("s3cret"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn variables_are_read_as_they_are_declared() {
    let variables = [
        names::LOG_LEVEL,
        names::WORKERS,
        names::UPSTREAM_TIMEOUT_MS,
        names::DEADLINE_MS,
        names::READY,
        names::WORK_WAIT_MS,
        names::WORK_DISTRIBUTION,
        names::WORK_TAIL_SHARE,
        names::WORK_TAIL_MS,
        names::WORK_TAIL_OF,
        names::WORK_LIMIT,
        names::WORK_CPU_MS,
        names::WORK_SEED,
        names::WORK_ABANDONED,
        names::WORK_CONTROL,
        names::WORK_SLOW,
        names::CPU_WORK,
        names::KAFKA_SESSION_MS,
        names::KAFKA_STATIC_MEMBERS,
    ];
    crate::testing::assert_read_as_declared(&variables, |variable, value| read(&[(variable, value)]).is_ok());
}

#[test]
fn settings_are_printed_without_their_secrets() {
    let settings = read(&[
        ("DATABASE_URL", "postgres://u:s3cret@h/orders"),
        ("REDIS_URL", "redis://:s3cret@h"),
        ("POSTGRES_URL", "postgres://u:s3cret@h"),
        ("JWT_SECRET", "s3cret"),
        ("PGPASSWORD", "s3cret"),
    ]);
    let printed = format!("{:?}", settings.unwrap());
    assert!(
        !printed.contains("s3cret") && printed.contains("postgres://***@h/orders"),
        "{printed}"
    );
}
