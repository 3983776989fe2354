//! `GET /pending`: what a service has still to do by itself, for whoever looks at it from outside.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chassis::{Failure, Json};
use contract::Pending;

/// Whoever knows of things that a service has still to do by itself.
pub trait HasPending: Clone + Send + Sync + 'static {
    /// What is still to do, and how much this instance has done of it.
    ///
    /// # Errors
    /// When the brokers do not answer, or the database fails.
    fn pending(&self) -> impl Future<Output = Result<Pending, Failure>> + Send;
}

/// Where there is nobody, nothing is to do.
impl<P: HasPending> HasPending for Option<P> {
    async fn pending(&self) -> Result<Pending, Failure> {
        match self {
            Some(some) => some.pending().await,
            None => Ok(Pending::default()),
        }
    }
}

/// The route, which costs nothing but itself.
pub fn pending_route<P: HasPending>(of: P) -> Router {
    Router::new().route("/pending", get(show::<P>)).with_state(of)
}

async fn show<P: HasPending>(State(of): State<P>) -> Result<Json<Pending>, Failure> {
    of.pending().await.map(Json)
}
