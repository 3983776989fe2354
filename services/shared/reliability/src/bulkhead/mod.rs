//! Bulkhead.
//!
//! The idea: a ship has walls inside, so that one hole does not sink it. Give each dependency its own number of places. When
//! it hangs, its places fill up and further calls to it are refused, and calls to the others find theirs free.
//!
//! It promises: no more requests are under way than its limit says. A place is given back when the work ends and not before,
//! even if the caller left: a place that is freed while its thread still works is no limit (Hystrix#1867). Who waits and
//! leaves, or waits too long, gives its place in the queue back, and a place that was just granted too (failsafe#393, #400).
//!
//! It harms when it is too small: places of one dependency stay empty while callers of another are refused. And it needs a
//! queue or a pool that runs full to be of use. A server that starts a task for each request has neither, so it does not fill
//! up, and runs out of memory or connections instead.
//!
//! Source: M. Nygard, *Release It!*, 2nd edition, 2018, chapter 5. The number of places may move
//! ([`limit`](crate::limit)), and who waits is served by a discipline ([`queue`](crate::queue)), so the same code sheds load.

mod face;
mod places;
mod settings;

#[cfg(test)]
mod tests;

pub use face::{Bulkhead, Permit, Refused};
pub use places::{Ended, Entered, Places, Turn};
pub use settings::BulkheadSettings;
