//! When what is sent over a link arrives: pure, with the time passed in and all chance from a seed.

use std::time::Duration;

use contract::LinkConditions;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// What one segment of a TCP connection carries on an Ethernet: 1500 bytes without the headers of IP and TCP, and
/// without the time stamps that Linux adds.
pub const SEGMENT_BYTES: usize = 1_448;
/// What Linux waits at least, beyond a round trip, before it sends a segment again (`TCP_RTO_MIN` in `include/net/tcp.h`).
const RETRANSMIT_AFTER: Duration = Duration::from_millis(200);
/// More losses of one segment in a row than this count as this many. Each doubles the wait (RFC 6298, section 5.5).
const LOSSES_MAX: u32 = 6;

/// Which way of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From who made the connection.
    Up,
    /// To who made it.
    Down,
}

impl Direction {
    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// One way of one connection over a link.
///
/// The n-th piece that is sent always meets the same draws, which follow from the seed, the number of the connection and
/// the direction. Which bytes are in that piece is the sender's matter: requests and answers that fit into a segment
/// are a piece each, a long stream is cut where it happens to be read.
#[derive(Debug)]
pub struct Line {
    draws: Pcg64Mcg,
    /// When the last piece was through the narrow part of the link.
    free_at: Duration,
    /// When the last piece arrives. None overtakes another: the receiver's kernel would hold it back.
    last: Duration,
}

/// How a piece arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When, on the clock that the sending was told on.
    pub at: Duration,
    /// How often it was lost before.
    pub losses: u32,
}

impl Line {
    /// The line of a connection, which are counted from 0.
    #[must_use]
    pub fn new(seed: u64, connection: u64, direction: Direction) -> Self {
        // Far apart for neighbours.
        let way = connection.wrapping_mul(2).wrapping_add(direction as u64);
        let mixed = seed ^ way.wrapping_add(1).wrapping_mul(hash::GOLDEN);
        Self {
            draws: Pcg64Mcg::seed_from_u64(mixed),
            free_at: Duration::ZERO,
            last: Duration::ZERO,
        }
    }

    /// Sends a piece of this many bytes, at most [`SEGMENT_BYTES`] where it can be lost.
    ///
    /// A lost piece arrives as late as a kernel would make it that hears nothing of it: a round trip and
    /// 200 ms later, twice that for the second loss, and so on. (With more under way, a kernel hears of a loss sooner and
    /// repeats at once; that is not modelled.)
    pub fn send(&mut self, now: Duration, bytes: usize, conditions: &LinkConditions) -> Arrival {
        // Always both, so that the draws of later pieces do not depend on the conditions.
        let (late, lost) = (self.draws.random::<f64>(), self.draws.random::<f64>());
        let narrow = conditions.kib_per_s.map_or(Duration::ZERO, |kib| {
            Duration::from_secs_f64(bytes as f64 / (kib * 1024.0))
        });
        self.free_at = self.free_at.max(now) + narrow;
        let losses = losses(lost, conditions.loss);
        let at = self.free_at + ms(conditions.latency_ms + conditions.jitter_ms * late) + waits(losses, conditions);
        self.last = self.last.max(at);
        Arrival { at: self.last, losses }
    }
}

/// What the first round trip of a new connection takes: a handshake that a proxy answers before it reaches the callee.
#[must_use]
pub fn handshake(conditions: &LinkConditions) -> Duration {
    ms(2.0 * conditions.latency_ms)
}

/// How often in a row a segment is lost, from an even draw: the inverse of the geometric distribution.
fn losses(draw: f64, share: f64) -> u32 {
    if share <= 0.0 {
        return 0;
    }
    // A draw of 0 gives infinity, which the cast and the bound make the most there is.
    ((draw.ln() / share.ln()).floor() as u32).min(LOSSES_MAX)
}

/// All the time-outs until a segment that was lost so often gets through.
fn waits(losses: u32, conditions: &LinkConditions) -> Duration {
    let first = ms(2.0 * conditions.latency_ms + conditions.jitter_ms) + RETRANSMIT_AFTER;
    first * ((1 << losses) - 1)
}

fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1000.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_conditions() -> impl Strategy<Value = LinkConditions> {
        (
            0.0..500.0_f64,
            0.0..200.0_f64,
            0.0..LinkConditions::LOSS_MAX,
            proptest::option::of(1.0..10_000.0_f64),
        )
            .prop_map(|(latency_ms, jitter_ms, loss, kib_per_s)| LinkConditions {
                latency_ms,
                jitter_ms,
                loss,
                kib_per_s,
                ..LinkConditions::default()
            })
    }

    /// Sends pieces that are (milliseconds after the one before, bytes).
    fn arrivals(mut line: Line, pieces: &[(u64, usize)], conditions: &LinkConditions) -> Vec<(Duration, Arrival)> {
        let mut now = Duration::ZERO;
        pieces
            .iter()
            .map(|(after_ms, bytes)| {
                now += Duration::from_millis(*after_ms);
                (now, line.send(now, *bytes, conditions))
            })
            .collect()
    }

    fn any_pieces() -> impl Strategy<Value = Vec<(u64, usize)>> {
        proptest::collection::vec((0..20_u64, 1..=SEGMENT_BYTES), 1..200)
    }

    proptest! {
        #[test]
        fn the_same_seed_gives_the_same_arrivals(seed: u64, pieces in any_pieces(), conditions in any_conditions()) {
            let once = arrivals(Line::new(seed, 3, Direction::Up), &pieces, &conditions);
            prop_assert_eq!(once, arrivals(Line::new(seed, 3, Direction::Up), &pieces, &conditions));
        }

        #[test]
        fn nothing_overtakes_and_nothing_is_early(seed: u64, pieces in any_pieces(), conditions in any_conditions()) {
            let latency = ms(conditions.latency_ms);
            let mut before = Duration::ZERO;
            for (sent, arrival) in arrivals(Line::new(seed, 0, Direction::Down), &pieces, &conditions) {
                prop_assert!(arrival.at >= sent + latency && arrival.at >= before);
                before = arrival.at;
            }
        }

        #[test]
        fn no_more_goes_through_than_the_link_is_wide(seed: u64, pieces in any_pieces(), kib in 1.0..1_000.0_f64) {
            let conditions = LinkConditions { kib_per_s: Some(kib), ..LinkConditions::default() };
            let all = arrivals(Line::new(seed, 0, Direction::Up), &pieces, &conditions);
            let bytes: usize = pieces.iter().map(|(_, bytes)| bytes).sum();
            let took = all.last().unwrap().1.at - all[0].0;
            // A nanosecond a piece is lost to rounding.
            prop_assert!(took.as_secs_f64() + 1e-6 >= bytes as f64 / (kib * 1024.0));
        }

        #[test]
        fn a_plain_link_delays_nothing(seed: u64, pieces in any_pieces()) {
            let all = arrivals(Line::new(seed, 0, Direction::Up), &pieces, &LinkConditions::default());
            prop_assert!(all.iter().all(|(sent, arrival)| arrival.at == *sent && arrival.losses == 0));
        }
    }

    #[test]
    fn other_seeds_connections_and_directions_draw_otherwise() {
        let conditions = LinkConditions {
            jitter_ms: 100.0,
            ..LinkConditions::default()
        };
        let pieces = [(0, 1); 4];
        let of = |seed, connection, direction| arrivals(Line::new(seed, connection, direction), &pieces, &conditions);
        let first = of(1, 0, Direction::Up);
        for other in [
            of(2, 0, Direction::Up),
            of(1, 1, Direction::Up),
            of(1, 0, Direction::Down),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn as_many_are_lost_as_was_asked_for_and_each_loss_doubles_the_wait() {
        let conditions = LinkConditions {
            latency_ms: 10.0,
            loss: 0.25,
            ..LinkConditions::default()
        };
        let mut line = Line::new(7, 0, Direction::Up);
        let mut seen = [0_u32; LOSSES_MAX as usize + 1];
        for piece in 0..10_000 {
            // So far apart that no piece waits for the one before.
            let now = Duration::from_secs(piece * 100);
            let arrival = line.send(now, 1, &conditions);
            seen[arrival.losses as usize] += 1;
            let waits = 220 * ((1 << arrival.losses) - 1);
            assert_eq!(arrival.at - now, Duration::from_millis(10 + waits));
        }
        let share = |count: u32| f64::from(count) / 10_000.0;
        // Four standard deviations of a binomial share around what is expected.
        assert!((share(seen[0]) - 0.75).abs() < 4.0 * (0.75_f64 * 0.25 / 1e4).sqrt());
        assert!((share(seen[1]) - 0.1875).abs() < 4.0 * (0.1875_f64 * 0.8125 / 1e4).sqrt());
    }

    #[test]
    fn a_handshake_takes_a_round_trip() {
        let conditions = LinkConditions {
            latency_ms: 25.0,
            jitter_ms: 5.0,
            ..LinkConditions::default()
        };
        assert_eq!(handshake(&conditions), Duration::from_millis(50));
    }
}
