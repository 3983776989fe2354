//! What queueing theory predicts, to stand beside what was measured.

/// The most servers of a queue that an expression may ask about: the formula counts up to them.
pub const SERVERS_MAX: u32 = 10_000;

/// The probability that a request has to wait in an M/M/c queue (Erlang's C formula).
///
/// `offered` is the load in Erlang (arrival rate × mean service time), `servers` the number of servers.
/// Computed from Erlang's B by its recursion, which neither overflows nor loses digits
/// (A. K. Erlang, 1917; recursion as in Jagerman, 1974). 1 when the load is at or above capacity.
pub fn erlang_c(offered: f64, servers: u32) -> f64 {
    let servers_f = f64::from(servers);
    if offered >= servers_f {
        return 1.0;
    }
    let mut blocking = 1.0;
    for server in 1..=servers {
        blocking = offered * blocking / (f64::from(server) + offered * blocking);
    }
    servers_f * blocking / (servers_f - offered * (1.0 - blocking))
}

/// Mean response time (wait and service) of an M/M/c queue in milliseconds; infinite at or above capacity.
///
/// Assumes Poisson arrivals, exponential service times and a queue without limit, in equilibrium.
pub fn mmc_mean_response_ms(rate_per_s: f64, service_ms: f64, servers: f64) -> f64 {
    let servers = servers.round().max(1.0);
    let offered = rate_per_s * service_ms / 1000.0;
    if offered >= servers {
        return f64::INFINITY;
    }
    service_ms + erlang_c(offered, servers as u32) * service_ms / (servers - offered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_is_the_textbook_formula() {
        // M/M/1: W = 1 / (mu - lambda); mu = 100/s, lambda = 90/s gives 100 ms.
        assert!((mmc_mean_response_ms(90.0, 10.0, 1.0) - 100.0).abs() < 1e-9);
        assert!(
            (erlang_c(0.7, 1) - 0.7).abs() < 1e-12,
            "with one server the chance to wait is the utilisation"
        );
    }

    #[test]
    fn erlang_c_agrees_with_its_definition() {
        // Direct sum for c = 3, a = 2: (a^c/c!)(c/(c-a)) / (sum_{k<c} a^k/k! + the same).
        let tail = (8.0 / 6.0) * 3.0;
        let head = 1.0 + 2.0 + 2.0;
        assert!((erlang_c(2.0, 3) - tail / (head + tail)).abs() < 1e-12);
    }

    #[test]
    fn at_capacity_the_queue_grows_without_end() {
        assert_eq!(mmc_mean_response_ms(100.0, 10.0, 1.0), f64::INFINITY);
        assert_eq!(erlang_c(4.0, 4), 1.0);
    }

    #[test]
    fn a_shared_queue_beats_separate_ones() {
        let separate = mmc_mean_response_ms(90.0, 10.0, 1.0);
        let shared = mmc_mean_response_ms(8.0 * 90.0, 10.0, 8.0);
        assert!(shared < separate / 3.0);
    }
}
