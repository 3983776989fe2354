//! Load balancing in virtual time: the policies of the crate `balance`, the very same code that the balancer runs, over servers
//! that exist only as queues.
//!
//! A [`Model`] says what there is: servers and how long they take, arrivals, one or several balancers and what they know of the
//! load. [`run()`] plays it and gives an [`SimFigures`]; [`sweep()`] plays many, on all cores. Time is a number, so a simulated hour takes
//! seconds; memory depends on servers, balancers and what is in flight, and not on the number of requests; and the same model with
//! the same seed has the same outcome on every machine. Policies that are compared under one seed get the same requests at
//! the same times with the same work.
//!
//! What it leaves out: the network (but see [`Information::Probe`]), the balancer's own time, retries, connections, and servers
//! that get slower under load. A client that gave up does not take its request back.

mod arrivals;
mod bins;
mod clock;
mod cost;
mod hgrm;
mod model;
mod outcome;
mod parse;
mod run;
mod server;
mod service;
mod sweep;

pub use arrivals::Arrivals;
pub use bins::fullest_bin;
pub use cost::Cost;
pub use hgrm::HgrmError;
pub use model::{Failing, Information, Keys, Model, ModelError, Slow};
pub use outcome::SimFigures;
pub use parse::ParseError;
pub use run::{Event, run, run_with};
pub use service::{Empirical, ServiceTime};
pub use sweep::sweep;
