//! Whom a request came from.
//!
//! `X-Forwarded-For` is written by whoever likes to: a client may send one, and each proxy appends the address of whoever
//! is connected to it. So only what proxies of one's own appended is true, and they stand at the right end.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use chassis::{Settings, SettingsError};
use contract::environment::TRUSTED_PROXIES;
use ipnet::IpNet;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies whose word is taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads `TRUSTED_PROXIES`.
    ///
    /// # Errors
    /// When it holds something else than addresses and networks.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        let env = &settings.environment;
        let parts = env.get(TRUSTED_PROXIES).unwrap_or_default().split(',').map(str::trim);
        let networks: Option<_> = parts.filter(|part| !part.is_empty()).map(network).collect();
        networks.map(Self).ok_or_else(|| {
            let allowed = "addresses such as 10.0.0.7 and networks such as 10.0.0.0/8, with commas between several";
            env.refuse(TRUSTED_PROXIES, allowed)
        })
    }

    /// The nearest address that is not a proxy's own; `unknown` where a request has no connection.
    pub(crate) fn client(&self, request: &Request) -> String {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            return "unknown".to_owned();
        };
        let mut nearest = peer.ip().to_canonical();
        let headers = request.headers().get_all(X_FORWARDED_FOR);
        let lists = headers.iter().rev().map(|value| value.to_str().unwrap_or_default());
        for reported in lists.flat_map(|list| list.rsplit(',')) {
            if !self.0.iter().any(|network| network.contains(&nearest)) {
                break;
            }
            // What a trusted proxy wrote and nobody understands ends the way: the proxy itself counts then.
            let Some(address) = address(reported.trim()) else { break };
            nearest = address;
        }
        nearest.to_string()
    }
}

fn network(text: &str) -> Option<IpNet> {
    let address = |text: &str| {
        text.parse()
            .ok()
            .map(|address: IpAddr| IpNet::from(address.to_canonical()))
    };
    text.parse().ok().or_else(|| address(text))
}

/// An address, which some proxies write with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare.parse().ok();
    let address = address.or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use chassis::testing::settings;
    use contract::Program;

    use super::*;

    fn proxies(list: &str) -> Result<TrustedProxies, SettingsError> {
        TrustedProxies::from_settings(&settings(Program::Gateway, &[(TRUSTED_PROXIES, list)]))
    }

    fn client(trusted: &str, peer: &str, headers: &[(&str, &str)]) -> String {
        let mut request = Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        let peer = SocketAddr::new(peer.parse().unwrap(), 5_000);
        request.extensions_mut().insert(ConnectInfo(peer));
        proxies(trusted).unwrap().client(&request)
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        let none = [("x-forwarded-for", "9.9.9.9")];
        assert_eq!(client("", "192.0.2.1", &none), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.1", &none), "192.0.2.1");
        for (trusted, peer, lists, expected) in [
            ("10.0.0.1", "10.0.0.1", &["192.0.2.1"][..], "192.0.2.1"),
            ("10.0.0.1", "10.0.0.1", &["9.9.9.9, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", "10.0.0.1", &["9.9.9.9", "192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", "10.0.0.1", &["10.0.0.1, 192.0.2.1"], "192.0.2.1"),
            (
                "10.0.0.0/8, 172.16.0.5",
                "10.0.0.1",
                &["9.9.9.9, 192.0.2.1, 172.16.0.5,10.2.3.4"],
                "192.0.2.1",
            ),
            ("10.0.0.1", "10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", "10.0.0.1", &["9.9.9.9, unknown"], "10.0.0.1"),
            ("10.0.0.1", "10.0.0.1", &["9.9.9.9,"], "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", "10.0.0.1", &["192.0.2.1:4711"], "192.0.2.1"),
            ("10.0.0.1", "10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("fd00::/8", "fd00::1", &["2001:DB8:0::1"], "2001:db8::1"),
            ("10.0.0.1", "::ffff:10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
        ] {
            let headers: Vec<_> = lists.iter().map(|list| ("x-forwarded-for", *list)).collect();
            assert_eq!(client(trusted, peer, &headers), expected, "{lists:?}");
        }
        let others = [("forwarded", "for=9.9.9.9"), ("x-real-ip", "9.9.9.9")];
        assert_eq!(client("10.0.0.1", "10.0.0.1", &others), "10.0.0.1");
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for list in ["balancer", "10.0.0.0/33", "10.0.0.1;10.0.0.2", "10.0.0.1:80"] {
            let error = proxies(list).unwrap_err().to_string();
            assert!(error.contains(TRUSTED_PROXIES) && error.contains(list), "{error}");
        }
    }
}
