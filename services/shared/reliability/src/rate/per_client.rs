//! A limit for each client.

use std::collections::HashMap;
use std::time::Duration;

use super::limit::{Decision, RateLimit};
use super::settings::RateLimitSettings;

/// Gives each client a limit of its own, and bounds how many it remembers, as a key is what a client claims to be.
#[derive(Debug)]
pub struct PerClient {
    settings: RateLimitSettings,
    clients_max: usize,
    clients: HashMap<String, Box<dyn RateLimit>>,
}

impl PerClient {
    /// Remembers at most `clients_max` clients whose past still matters. While there are that many, it refuses new ones.
    #[must_use]
    pub fn new(settings: RateLimitSettings, clients_max: usize) -> Self {
        Self {
            settings,
            clients_max,
            clients: HashMap::new(),
        }
    }

    /// A request of `client` comes at `now`, which must not run backwards. To a client for whom there is no room, the wait
    /// of a window is a guess.
    pub fn admit(&mut self, client: &str, now: Duration) -> Decision {
        if let Some(limit) = self.clients.get_mut(client) {
            return limit.admit(now);
        }
        if self.clients.len() >= self.clients_max {
            self.clients.retain(|_, limit| !limit.is_fresh(now));
        }
        if self.clients.len() >= self.clients_max {
            return Decision::Refused {
                retry_after: self.settings.quota.window,
            };
        }
        let limit = self
            .clients
            .entry(client.to_owned())
            .or_insert_with(|| self.settings.build());
        limit.admit(now)
    }

    /// Clients that it remembers.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::policies::REGISTRY;
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    #[test]
    fn clients_do_not_share_a_limit_and_their_number_is_bounded() {
        for kind in REGISTRY {
            let settings = format!("{} limit=1 window=10s", kind.name()).parse().unwrap();
            let mut limits = PerClient::new(settings, 2);
            assert!(limits.admit("a", Duration::ZERO).is_admitted());
            assert!(limits.admit("b", Duration::ZERO).is_admitted());
            assert!(!limits.admit("a", Duration::ZERO).is_admitted());
            assert_eq!(
                limits.admit("c", Duration::ZERO),
                Decision::Refused { retry_after: WINDOW }
            );
            assert!(
                limits.admit("c", 2 * WINDOW).is_admitted(),
                "{kind:?}: idle clients are forgotten"
            );
            assert_eq!(limits.clients(), 1);
        }
    }
}
