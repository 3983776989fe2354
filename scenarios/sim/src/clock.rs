//! Which server is done next.

/// A winner tree over one time for each server: the earliest is at its root, and a change costs one comparison for each level.
///
/// A heap of all requests under way would hold as many entries as there are requests; of each server only the next one matters.
/// Source: D. Knuth, The Art of Computer Programming 3, section 5.4.1.
pub(crate) struct Clock {
    times: Vec<f64>,
    /// `winners[1]` is the root, the children of `n` are `2n` and `2n + 1`, and leaves are not stored.
    winners: Vec<u32>,
    leaves: usize,
}

impl Clock {
    /// Nobody is done, ever.
    pub(crate) fn new(servers: usize) -> Self {
        let leaves = servers.next_power_of_two().max(2);
        let mut clock = Self {
            times: vec![f64::INFINITY; leaves],
            winners: vec![0; leaves],
            leaves,
        };
        for node in (1..leaves).rev() {
            clock.winners[node] = clock.winner(node);
        }
        clock
    }

    /// When the next server is done, and which.
    pub(crate) fn next(&self) -> (f64, usize) {
        let server = self.winners[1] as usize;
        (self.times[server], server)
    }

    /// Sets when a server is done next.
    pub(crate) fn set(&mut self, server: usize, time: f64) {
        self.times[server] = time;
        let mut node = (self.leaves + server) / 2;
        while node > 0 {
            let winner = self.winner(node);
            // Where somebody else won before and wins now, nothing changes further up.
            if winner == self.winners[node] && winner as usize != server {
                break;
            }
            self.winners[node] = winner;
            node /= 2;
        }
    }

    fn winner(&self, node: usize) -> u32 {
        let (left, right) = (self.contender(2 * node), self.contender(2 * node + 1));
        // At equal times the lower number: the order is the same on every machine.
        if self.times[right as usize] < self.times[left as usize] {
            right
        } else {
            left
        }
    }

    fn contender(&self, node: usize) -> u32 {
        if node >= self.leaves {
            (node - self.leaves) as u32
        } else {
            self.winners[node]
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_root_is_the_earliest_after_every_change(
            servers in 1..20_usize,
            changes in proptest::collection::vec((0..20_usize, 0..50_u32), 1..100),
        ) {
            let mut clock = Clock::new(servers);
            let mut times = vec![f64::INFINITY; servers];
            for (server, time) in changes {
                let (server, time) = (server % servers, f64::from(time));
                times[server] = time;
                clock.set(server, time);
                let earliest = times.iter().copied().fold(f64::INFINITY, f64::min);
                let expected = times.iter().position(|time| *time == earliest).unwrap();
                prop_assert_eq!(clock.next(), (earliest, expected));
            }
        }
    }
}
