//! What a server is for the services that use it.

use std::time::Duration;

use futures_util::future::BoxFuture;
use url::Url;

use super::tenant::Tenant;
use super::watched::Watched;

/// A server that services keep something in. The user may have one that runs already.
pub trait Backing: Send + Sync {
    /// The variable in which the user names one that runs already.
    fn variable(&self) -> &'static str;

    /// The address that the user wrote there, as clients of the server are told it.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence about it.
    fn address(&self, text: &str) -> Result<String, String>;

    /// What to do where it cannot be used.
    fn remedy(&self) -> &'static str;

    /// The password that clients of its official image are told; `None` where that wants none.
    fn password(&self) -> Option<&'static str> {
        None
    }

    /// Where a server of this address is asked; any of them will do.
    fn urls(&self, address: &str) -> Vec<Url> {
        Url::parse(address).into_iter().collect()
    }

    /// What a service that uses it is told, beside what the server's own variables say: where it is, by this address, and
    /// what there is the system's.
    fn told(&self, tenant: &Tenant, service: &str, door: &Url) -> Vec<(&'static str, String)>;

    /// Whether services that have data can keep them in it.
    fn stores(&self) -> bool {
        false
    }

    /// What it must hold before any service starts, in a word; `None` for one that services furnish themselves.
    fn furniture(&self) -> Option<&'static str> {
        None
    }

    /// Makes that for these services.
    fn furnish<'a>(
        &'a self,
        _tenant: &'a Tenant,
        _url: &'a Url,
        _services: &'a [String],
        _wait: Duration,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    /// Removes what these services of a system keep in a server that stays, within a bounded time.
    fn forget<'a>(
        &'a self,
        _tenant: &'a Tenant,
        _url: &'a Url,
        _services: &'a [String],
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    /// Asks it for a sign of life, in its own protocol. The reason is the end of a sentence about the server.
    fn ping<'a>(&'a self, url: &'a Url, wait: Duration) -> BoxFuture<'a, Result<(), String>>;

    /// The server at this address, which is going to be watched.
    fn watched(&self, url: Url) -> Box<dyn Watched>;
}
