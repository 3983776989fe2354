//! Where an instance is, for one that is known by a name.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// For how long what a name means is believed.
const FRESH: Duration = Duration::from_secs(1);

/// `host:port`, and what the host's name means.
///
/// A lookup blocks a thread, for seconds where the name is that of an instance that is gone, and cannot be called off. So there is one
/// at a time, for whoever needs it; meanwhile the last known addresses serve, and also when the name means nothing any more.
#[derive(Debug)]
pub struct Address {
    text: String,
    /// The address itself, where the text is one.
    literal: Option<SocketAddr>,
    known: Mutex<Known>,
    answered: Notify,
}

#[derive(Debug, Default)]
struct Known {
    addresses: Vec<SocketAddr>,
    /// When the last lookup ended, and why it found nothing.
    asked: Option<(Instant, Option<String>)>,
    is_asking: bool,
}

impl Address {
    /// The place `text` (`host:port`).
    pub fn new(text: &str) -> Arc<Self> {
        Arc::new(Self {
            text: text.into(),
            literal: text.parse().ok(),
            known: Mutex::default(),
            answered: Notify::new(),
        })
    }

    /// What may be connected to; at least one.
    ///
    /// # Errors
    /// When the name means nothing and never did.
    pub async fn resolve(self: &Arc<Self>) -> io::Result<Vec<SocketAddr>> {
        if let Some(literal) = self.literal {
            return Ok(vec![literal]);
        }
        loop {
            // Made before the look, so that an answer in between is not missed.
            let answered = self.answered.notified();
            if let Some(known) = self.look() {
                return known;
            }
            answered.await;
        }
    }

    /// What is known, or nothing while the first lookup runs. Begins one where none runs and the last is old.
    fn look(self: &Arc<Self>) -> Option<io::Result<Vec<SocketAddr>>> {
        let mut known = self.known();
        let is_fresh = known.asked.as_ref().is_some_and(|(when, _)| when.elapsed() < FRESH);
        if !is_fresh && !known.is_asking {
            known.is_asking = true;
            tokio::spawn(Arc::clone(self).ask());
        }
        if !known.addresses.is_empty() {
            return Some(Ok(known.addresses.clone()));
        }
        match &known.asked {
            Some((_, Some(error))) if is_fresh => Some(Err(io::Error::other(error.clone()))),
            _ => None,
        }
    }

    async fn ask(self: Arc<Self>) {
        let found = tokio::net::lookup_host(self.text.as_str()).await;
        let found = found.map(Vec::from_iter).map_err(|error| error.to_string());
        let mut known = self.known();
        known.is_asking = false;
        let failed = match found {
            Ok(addresses) if !addresses.is_empty() => {
                known.addresses = addresses;
                None
            }
            Ok(_) => Some(format!("{} has no address", self.text)),
            Err(error) => Some(error),
        };
        known.asked = Some((Instant::now(), failed));
        drop(known);
        self.answered.notify_waiters();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_what_it_says() {
        let address = Address::new("127.0.0.1:80");
        assert_eq!(address.resolve().await.unwrap(), ["127.0.0.1:80".parse().unwrap()]);
        assert!(!address.known().is_asking && address.known().asked.is_none());
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once_for_all_who_ask() {
        let address = Address::new("localhost:80");
        let (one, other) = tokio::join!(address.resolve(), address.resolve());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert!(
            one.iter().all(|found| found.ip().is_loopback()) && !one.is_empty(),
            "{one:?}"
        );
        assert_eq!(one, other);
        let (asked, _) = address.known().asked.clone().unwrap();
        address.resolve().await.unwrap();
        assert_eq!(
            address.known().asked.clone().unwrap().0,
            asked,
            "fresh: not asked again"
        );
    }

    #[tokio::test]
    async fn a_name_that_means_nothing_any_more_means_what_it_meant() {
        let address = Address::new("nobody.invalid:80");
        let error = address.resolve().await.unwrap_err();
        assert!(!error.to_string().is_empty());
        address.known().addresses = vec!["127.0.0.1:80".parse().unwrap()];
        assert_eq!(address.resolve().await.unwrap().len(), 1);
    }
}
