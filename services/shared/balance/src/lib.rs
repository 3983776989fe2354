//! Load-balancing policies: which of several endpoints answers the next request.
//!
//! A [`Policy`] sees a [`Pool`] of [`Endpoint`]s (identity, weight, requests in flight, recent latency and failures, health) and
//! the [`Request`] to place, and returns an index. It knows nothing of sockets, tasks or the clock, so the real balancer and a
//! simulator under virtual time run the very same code. Its only source of chance is the generator that the caller passes in, and
//! a pick allocates nothing, except that the first one after a change of membership may build a table anew.
//!
//! The policies are listed in [`REGISTRY`]; to add one, write a file in `policies/` and name it there. The suites in `tests/` run
//! over the registry, so a new policy is under test from its first day.

mod choose;
mod endpoint;
mod ewma;
mod kind;
mod policies;
mod policy;
mod pool;
mod registry;
mod signals;

pub use endpoint::Endpoint;
pub use ewma::Ewma;
pub use kind::{Keys, PolicyKind};
pub use policies::REGISTRY;
pub use policy::{Policy, PolicyRng, Request};
pub use pool::Pool;
pub use registry::UnknownPolicy;
pub use signals::{SIGNAL_DECAY, Signals};
