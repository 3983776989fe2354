//! One file a policy. Each says the idea, what a pick costs, when the policy fails, and where it comes from.

mod bounded_loads;
mod consistent_hash;
mod ip_hash;
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

pub use bounded_loads::BoundedLoads;
pub use consistent_hash::ConsistentHash;
pub use ip_hash::IpHash;
pub use least_connections::LeastConnections;
pub use least_response_time::LeastResponseTime;
pub use maglev::Maglev;
pub use peak_ewma::PeakEwma;
pub use random::Random;
pub use rendezvous::Rendezvous;
pub use round_robin::RoundRobin;
pub use two_choices::TwoChoices;
pub use weighted_least_connections::WeightedLeastConnections;
pub use weighted_round_robin::WeightedRoundRobin;
