//! The endpoints that a policy chooses from, with what is worth knowing about all of them at once.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Endpoint;

/// Endpoints in a fixed order, which of them are healthy, and how many requests they have in flight together.
///
/// The last two are kept up to date by the methods that change endpoints, so that a pick need not go through the whole list.
#[derive(Debug, Clone)]
pub struct Pool {
    endpoints: Vec<Endpoint>,
    healthy: Vec<u32>,
    in_flight: u64,
    generation: u64,
}

impl Pool {
    /// A pool of these endpoints.
    ///
    /// # Panics
    /// When there are more than 2^32 - 1 of them.
    #[must_use]
    pub fn new(endpoints: Vec<Endpoint>) -> Self {
        assert!(u32::try_from(endpoints.len()).is_ok(), "indices have 32 bits");
        let mut pool = Self {
            in_flight: endpoints.iter().map(|endpoint| u64::from(endpoint.in_flight)).sum(),
            endpoints,
            healthy: Vec::new(),
            generation: 0,
        };
        pool.membership_changed();
        pool
    }

    /// The endpoints.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Indices of the healthy ones, rising.
    #[must_use]
    pub fn healthy(&self) -> &[u32] {
        &self.healthy
    }

    /// Requests in flight on all endpoints together.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// A number that stands for identities, order, weights and health. Pools with the same number agree in all of them; a change
    /// of any gives a number that was never used before by any pool of this process.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Counts a request in at an endpoint.
    pub fn enter(&mut self, index: usize) {
        let endpoint = &mut self.endpoints[index];
        endpoint.in_flight = endpoint.in_flight.saturating_add(1);
        self.in_flight += 1;
    }

    /// Counts a request out again.
    pub fn leave(&mut self, index: usize) {
        let endpoint = &mut self.endpoints[index];
        endpoint.in_flight = endpoint.in_flight.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Changes one endpoint in any way.
    pub fn update(&mut self, index: usize, change: impl FnOnce(&mut Endpoint)) {
        let endpoint = &mut self.endpoints[index];
        let before = *endpoint;
        change(endpoint);
        let after = *endpoint;
        self.in_flight = (self.in_flight + u64::from(after.in_flight)).saturating_sub(u64::from(before.in_flight));
        if (before.id, before.weight, before.healthy) != (after.id, after.weight, after.healthy) {
            self.membership_changed();
        }
    }

    fn membership_changed(&mut self) {
        // Unique in the process and not only in this pool: a policy that is handed another pool must see that it is another.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        self.generation = NEXT.fetch_add(1, Ordering::Relaxed);
        self.healthy.clear();
        self.healthy.extend(
            (0_u32..)
                .zip(&self.endpoints)
                .filter(|(_, endpoint)| endpoint.healthy)
                .map(|(index, _)| index),
        );
    }
}

impl FromIterator<Endpoint> for Pool {
    fn from_iter<I: IntoIterator<Item = Endpoint>>(endpoints: I) -> Self {
        Self::new(endpoints.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_beside_the_list_follows_it() {
        let mut pool: Pool = (0..3).map(Endpoint::numbered).collect();
        pool.enter(0);
        pool.update(2, |endpoint| endpoint.in_flight = 5);
        pool.update(1, |endpoint| endpoint.healthy = false);
        assert_eq!((pool.in_flight(), pool.healthy()), (6, &[0, 2][..]));
        pool.leave(0);
        assert_eq!(pool.in_flight(), 5);
    }

    #[test]
    fn load_does_not_change_the_generation_and_membership_does() {
        let mut pool: Pool = (0..3).map(Endpoint::numbered).collect();
        let first = pool.generation();
        pool.enter(1);
        pool.update(1, |endpoint| endpoint.failure_share = 0.5);
        assert_eq!(pool.generation(), first);
        pool.update(1, |endpoint| endpoint.weight = 2);
        assert_ne!(pool.generation(), first);
        assert_ne!(pool.clone().generation(), Pool::new(Vec::new()).generation());
    }

    #[test]
    fn counts_do_not_wrap_below_zero() {
        let mut pool = Pool::new(vec![Endpoint::IDLE]);
        pool.leave(0);
        assert_eq!((pool.in_flight(), pool.endpoints()[0].in_flight), (0, 0));
    }
}
