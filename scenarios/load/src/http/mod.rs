//! As much of an HTTP/1.1 client (RFC 9112) as a load generator needs, without any input or output of its own.
//!
//! A general client costs more CPU a request than the servers under test; here a request is serialised once for a whole
//! stream and an answer is read where it lies, keeping only what is counted.

mod chunked;
mod error;
mod request;
mod response;

pub(crate) use error::ReadError;
pub(crate) use request::Wire;
pub(crate) use response::Reader;
