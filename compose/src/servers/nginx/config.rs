//! The configuration of an nginx that stands in for the lab's balancer.
//!
//! It is made from the very environment that the lab's balancer would get, so the same scenario runs on both. What an
//! nginx is told beside that is what keeps a comparison fair: one worker, connections to clients and instances that stay
//! open, and no access log.

use std::fmt::Write;

use contract::UpstreamEntry;

use super::method::{looks_at_weights, method};
use super::offer::{CONNECT_TIMEOUT_MS, EJECT_MS, HASH_ON, PASSIVE_FAILURES, RETRIES};
use crate::servers::Place;
use crate::wiring::{Environment, POLICY, UPSTREAMS};

/// Answers with the stamp of the configuration that is in force.
pub(crate) const READY: &str = "/_balancer/ready";
/// Every administration path of the lab's own balancer starts like this; nginx passes none of them on.
const ADMIN: &str = "/_balancer/";
/// What the stamp of a first configuration is.
const FIRST: &str = "first";
/// Longest wait for a connection where the environment says nothing, milliseconds; as the lab's balancer.
const CONNECT_MS_DEFAULT: u64 = 10_000;
/// For how long an instance is out where the environment says nothing, seconds; as the lab's balancer.
const EJECT_S_DEFAULT: u64 = 30;
/// Connections to instances that are kept open while nobody uses them.
const IDLE_CONNECTIONS: u32 = 512;

/// The configuration for what the lab's balancer would be told in `environment`. What nginx keeps while it runs lies in its
/// prefix, the folder that it is started with: names in the configuration are relative to that, so that whatever leads
/// there need not be quoted. `stamp` is what it answers at
/// [`READY`], so that whoever renewed it sees when the new one is in force.
///
/// # Errors
/// Why nginx cannot do what is asked for, as the end of a sentence.
pub(super) fn render(place: &Place<'_>, environment: &Environment, stamp: Option<&str>) -> Result<String, String> {
    let get = |name: &str| environment.get(name).map(String::as_str);
    let policy = get(POLICY).unwrap_or("round_robin");
    let method = method(policy, get(HASH_ON))?;
    let failures = number(environment, PASSIVE_FAILURES)?.unwrap_or(0);
    let connect_ms = number(environment, CONNECT_TIMEOUT_MS)?.unwrap_or(CONNECT_MS_DEFAULT);
    // It counts in whole seconds.
    let eject_s = number(environment, EJECT_MS)?.map_or(EJECT_S_DEFAULT, |ms| ms.div_ceil(1000));
    let next = match number(environment, RETRIES)?.unwrap_or(0) {
        0 => "proxy_next_upstream off;".to_owned(),
        retries => format!(
            "proxy_next_upstream error timeout; proxy_next_upstream_tries {};",
            retries + 1
        ),
    };
    let mut servers = String::new();
    for upstream in get(UPSTREAMS)
        .unwrap_or_default()
        .split(',')
        .filter(|text| !text.is_empty())
    {
        let UpstreamEntry { name, url, weight, .. } = upstream
            .parse()
            .map_err(|error| format!("{upstream:?} is not an instance: {error}"))?;
        let address = url
            .strip_prefix("http://")
            .ok_or_else(|| format!("{url:?} is not an address"))?;
        // Every method of nginx looks at weights, and of the lab's only some.
        let weight = if looks_at_weights(policy) && weight != 1 {
            format!(" weight={weight}")
        } else {
            String::new()
        };
        let _ = writeln!(
            servers,
            "        server {address}{weight} max_fails={failures} fail_timeout={eject_s}s; # {name}"
        );
    }
    if servers.is_empty() {
        // A list must not be empty; nobody is ever sent to one that is down.
        servers.push_str("        server 127.0.0.1:1 down;\n");
    }
    let user = place.user.map(|user| format!("user {user};\n")).unwrap_or_default();
    let (listen, stamp) = (place.listen, stamp.unwrap_or(FIRST));
    Ok(format!(
        r#"daemon off;
worker_processes 1;
{user}worker_rlimit_nofile 16384;
worker_shutdown_timeout 10s;
pid nginx.pid;
error_log stderr notice;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    server_tokens off;
    client_max_body_size 0;
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream instances {{
        {method}
{servers}        keepalive {IDLE_CONNECTIONS};
        keepalive_requests 1000000000;
    }}
    server {{
        listen {listen} backlog=4096;
        location = {READY} {{ default_type text/plain; return 200 "{stamp}"; }}
        location {ADMIN} {{ return 404; }}
        location / {{
            proxy_pass http://instances;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_connect_timeout {connect_ms}ms;
            proxy_read_timeout 60s;
            {next}
        }}
    }}
}}
"#
    ))
}

fn number(environment: &Environment, name: &str) -> Result<Option<u64>, String> {
    let text = environment.get(name).filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|_| format!("{name} is {text:?}, and no number")))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        pairs.collect()
    }

    fn rendered(pairs: &[(&str, &str)]) -> String {
        let place = Place {
            listen: "127.0.0.1:8080".parse().unwrap(),
            user: None,
        };
        render(&place, &environment(pairs), None).unwrap()
    }

    #[test]
    fn instances_policy_and_place_are_in_it() {
        let list = "users-1=http://127.0.0.1:1001,users-2=http://127.0.0.1:1002";
        let text = rendered(&[(UPSTREAMS, list), (POLICY, "least_connections")]);
        for part in [
            "least_conn;",
            "server 127.0.0.1:1001 max_fails=0 fail_timeout=30s; # users-1",
            "server 127.0.0.1:1002 ",
            "listen 127.0.0.1:8080 ",
            "pid nginx.pid;",
            "proxy_next_upstream off;",
            "return 200 \"first\"",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn weights_are_said_where_the_policy_looks_at_them() {
        let list = (UPSTREAMS, "a=http://b:1,c=http://d:2 weight=20");
        let with = |policy| rendered(&[list, (POLICY, policy)]);
        let weighted = with("weighted_round_robin");
        assert!(weighted.contains("server b:1 max_fails"), "{weighted}");
        assert!(weighted.contains("server d:2 weight=20 max_fails"), "{weighted}");
        assert!(with("round_robin").contains("server d:2 max_fails"));
    }

    #[test]
    fn passive_checks_and_retries_are_said_in_its_own_units() {
        let text = rendered(&[
            (PASSIVE_FAILURES, "3"),
            (EJECT_MS, "1500"),
            (RETRIES, "1"),
            (UPSTREAMS, "a=http://b:1"),
        ]);
        assert!(text.contains("server b:1 max_fails=3 fail_timeout=2s;"), "{text}");
        assert!(
            text.contains("proxy_next_upstream error timeout; proxy_next_upstream_tries 2;"),
            "{text}"
        );
    }

    #[test]
    fn an_empty_list_is_one_that_nobody_is_sent_to() {
        assert!(rendered(&[]).contains("server 127.0.0.1:1 down;"));
    }

    #[test]
    fn what_it_cannot_do_is_refused() {
        let place = Place {
            listen: "127.0.0.1:8080".parse().unwrap(),
            user: None,
        };
        let refused = |pairs| render(&place, &environment(pairs), None).unwrap_err();
        assert!(refused(&[(POLICY, "peak_ewma")]).contains("peaks"));
        assert!(refused(&[(RETRIES, "some")]).contains(RETRIES));
        assert!(refused(&[(UPSTREAMS, "users-1")]).contains("users-1"));
        assert!(refused(&[(UPSTREAMS, "a=http://b:1 weight=x;")]).contains("only weight=N"));
    }
}
