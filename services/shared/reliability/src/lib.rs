//! What keeps a service usable when another one is not: retries with backoff and jitter, and limits on how often a
//! client may ask.

mod retry;
mod window;

pub use retry::{Attempted, Backoff, retry};
pub use window::SlidingWindow;
