//! The generator against real sockets on 127.0.0.1.

mod bookkeeping;
mod coordinated_omission;
mod results;
mod support;
