//! Servers that the user named, which are asked again and again whether they still are who they were.

use std::time::Duration;

use futures_util::future::BoxFuture;
use url::Url;

/// A server that is asked for a sign of life again and again.
pub trait Watched: Send {
    /// Asks once, and gives the mark by which one start of the server is told from the next; `None` where it tells none.
    ///
    /// # Errors
    /// Why there is no sign of life within `wait`, as the end of a sentence about the server.
    fn ask(&mut self, wait: Duration) -> BoxFuture<'_, Result<Option<String>, String>>;
}

/// A server that tells the mark of its start to whoever may ask for that.
pub(super) struct Marked {
    /// Where it is.
    pub(super) url: Url,
    /// Asks for the mark.
    pub(super) birth: for<'a> fn(&'a Url, Duration) -> BoxFuture<'a, Result<String, String>>,
    /// Asks whether it is there.
    pub(super) ping: for<'a> fn(&'a Url, Duration) -> BoxFuture<'a, Result<(), String>>,
}

impl Watched for Marked {
    fn ask(&mut self, wait: Duration) -> BoxFuture<'_, Result<Option<String>, String>> {
        Box::pin(async move {
            match (self.birth)(&self.url, wait).await {
                Ok(birth) => Ok(Some(birth)),
                // Whoever may not ask a server for its start may still ask whether it is there.
                Err(_) => (self.ping)(&self.url, wait).await.map(|()| None),
            }
        })
    }
}
