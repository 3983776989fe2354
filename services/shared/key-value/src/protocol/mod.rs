//! RESP, the protocol of Redis: what clients send, and how they are answered.

mod inline;
mod number;
mod reply;
mod request;

pub(crate) use number::{float_of, integer_of, significant, text_of_float};
pub(crate) use reply::{Failure, Protocol, Reply};
pub(crate) use request::{ProtocolError, Requests, STRING_BYTES_MAX};

/// How a command is answered.
pub(crate) type Answer = Result<Reply, Failure>;
