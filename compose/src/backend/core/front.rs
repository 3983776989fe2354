//! The balancer in front of a service, whichever program it is.

use super::admin::BalancerAdmin;
use super::nginx::NginxAdmin;
use super::platform::Platform;
use crate::error::Error;
use crate::topology::Membership;
use crate::wiring::Upstream;

/// A running balancer that can be told something.
pub(super) struct Front<'a, C: Platform> {
    pub(super) admin: Admin<'a, C>,
    pub(super) membership: Membership,
}

/// The administration of each program that balances.
pub(super) enum Admin<'a, C: Platform> {
    /// The lab's own, over its administration interface.
    Lab(BalancerAdmin<'a>),
    /// An nginx, by its configuration.
    Nginx(NginxAdmin<'a, C>),
}

impl<C: Platform> Front<'_, C> {
    /// Replaces the list of instances, unless it is one that stays as it is.
    pub(super) async fn set_upstreams(&mut self, upstreams: &[Upstream]) -> Result<(), Error> {
        match &mut self.admin {
            _ if self.membership == Membership::Static => Ok(()),
            Admin::Lab(admin) => admin.set_upstreams(upstreams).await,
            Admin::Nginx(admin) => admin.set_upstreams(upstreams).await,
        }
    }

    /// Changes the policy; one that the balancer does not know is the user's error.
    pub(super) async fn set_policy(&mut self, policy: &str) -> Result<(), Error> {
        match &mut self.admin {
            Admin::Lab(admin) => admin.set_policy(policy).await,
            Admin::Nginx(admin) => admin.set_policy(policy).await,
        }
    }

    /// Whether requests may still be under way on instances with these names, which get no new ones. Who is told nothing
    /// is asked nothing.
    pub(super) async fn is_busy(&self, leaving: &[String]) -> Result<bool, Error> {
        match &self.admin {
            _ if self.membership == Membership::Static => Ok(false),
            Admin::Lab(admin) => Ok(admin.in_flight(leaving).await? > 0),
            Admin::Nginx(admin) => Ok(admin.has_old_workers().await),
        }
    }
}
