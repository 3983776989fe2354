//! Making events.

use contract::events::{Envelope, Payload};
use time::OffsetDateTime;

/// An event of this payload that happened now in the service `source`, under a new id of 32 hexadecimal digits.
pub fn event<P: Payload>(source: &str, payload: P) -> Envelope<P> {
    let id = format!("{:032x}", rand::random::<u128>());
    Envelope::new(id, source, OffsetDateTime::now_utc(), payload)
}
