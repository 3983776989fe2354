//! What a server can do in front of a service.

use std::collections::BTreeMap;

/// A server that can stand in front of a service, as the lab's own balancer does.
pub trait Balancing: Send + Sync {
    /// Why it cannot do that with this policy and this environment of the service behind it, as the end of a sentence that
    /// begins with its name and "cannot do it:". `None` when it can.
    fn lacking(&self, policy: &str, env: &BTreeMap<String, String>) -> Option<String>;
}
