//! One file a policy. Each says the idea, what a pick costs, when the policy fails, and where it comes from.
//!
//! To add one, write its file and name it twice here: among the modules, and in [`REGISTRY`].

mod bounded_loads;
mod consistent_hash;
mod ip_hash;
mod join_idle_queue;
mod least_connections;
mod least_response_time;
mod maglev;
mod peak_ewma;
mod random;
mod rendezvous;
mod round_robin;
mod two_choices;
mod weighted_least_connections;
mod weighted_round_robin;

use crate::PolicyKind;

/// Every policy there is, in the order in which lists show them. The suites of this crate run over it.
pub static REGISTRY: &[PolicyKind] = &[
    round_robin::KIND,
    least_connections::KIND,
    random::KIND,
    weighted_round_robin::KIND,
    weighted_least_connections::KIND,
    two_choices::KIND,
    join_idle_queue::KIND,
    least_response_time::KIND,
    peak_ewma::KIND,
    ip_hash::KIND,
    consistent_hash::KIND,
    bounded_loads::KIND,
    rendezvous::KIND,
    maglev::KIND,
];
