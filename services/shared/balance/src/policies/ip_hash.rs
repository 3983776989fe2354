//! IP hash (modulo).
//!
//! The idea: the hash of the client's address, divided by the number of endpoints; the remainder says which one.
//! The same client comes to the same endpoint again, with no cookie and no table.
//! So what an endpoint keeps in memory for a client is found there.
//! Nothing is remembered, and all balancers agree without talking.
//! Any other key does as well as an address.
//!
//! Cost per pick: one multiplication.
//!
//! It fails when the number of endpoints changes: of n + 1 endpoints one leaves, and all but about 1 in n + 1 of the keys move, where
//! 1 in n + 1 would do (see consistent hashing). And it spreads keys, not load: behind one NAT a whole office is one key.
//!
//! Source: nginx `ip_hash`; D. Thaler, C. Hopps, RFC 2992 (2000), for what modulo does to flows when a path goes.

use crate::{Keys, Policy, PolicyKind, PolicyRng, Pool, Request};

/// As the registry has it.
pub(super) const KIND: PolicyKind =
    PolicyKind::new("ip_hash", "by the key's hash modulo the number of instances", || {
        Box::new(IpHash)
    })
    .keyed(Keys::Scattered);

/// The healthy endpoint at the key's place in the list. Ignores weight, load and latency; a request without a key is spread evenly.
#[derive(Debug, Default)]
pub(super) struct IpHash;

impl Policy for IpHash {
    fn pick(&mut self, pool: &Pool, request: &Request, rng: &mut PolicyRng) -> Option<usize> {
        let healthy = pool.healthy();
        if healthy.is_empty() {
            return None;
        }
        let key = request.key_or_draw(rng);
        Some(healthy[(key % healthy.len() as u64) as usize] as usize)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::Endpoint;

    #[test]
    fn a_key_stays_where_it_is_while_nobody_leaves() {
        let mut rng = PolicyRng::seed_from_u64(0);
        let mut pool: Pool = (0..7).map(Endpoint::numbered).collect();
        for key in 0..100 {
            let request = Request {
                key: Some(key),
                ..Request::default()
            };
            let first = IpHash.pick(&pool, &request, &mut rng).unwrap();
            pool.enter(first);
            assert_eq!(IpHash.pick(&pool, &request, &mut rng), Some(first));
        }
    }
}
