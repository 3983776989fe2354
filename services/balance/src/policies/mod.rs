//! One file a policy. Each says the idea, what a pick costs, when the policy fails, and where it comes from.

mod least_connections;
mod random;
mod round_robin;

pub use least_connections::LeastConnections;
pub use random::Random;
pub use round_robin::RoundRobin;
