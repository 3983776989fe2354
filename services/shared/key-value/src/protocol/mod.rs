//! RESP, the protocol of Redis: what clients send, and how they are answered.

mod inline;
mod number;
mod reply;
mod request;
mod room;

pub(crate) use number::{float_of, integer_of, significant, text_of_float};
pub(crate) use reply::{Failure, Protocol, Reply};
pub(crate) use request::{ProtocolError, Requests, STRING_BYTES_MAX};
pub(crate) use room::{Room, all, all_pairs};

/// How a command is answered.
pub(crate) type Answer = Result<Reply, Failure>;
