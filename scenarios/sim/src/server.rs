//! One server: so many requests at once, the others wait, first come first served.

use std::collections::VecDeque;

/// A request on a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    /// Which request.
    pub(crate) number: u64,
    /// When it came, seconds.
    pub(crate) arrived_s: f64,
    /// How long it takes once it is begun, seconds.
    pub(crate) work_s: f64,
    /// Who sent it.
    pub(crate) balancer: u32,
}

#[derive(Debug)]
pub(crate) struct Server {
    slots: usize,
    /// What is worked on, each with the time of its end.
    running: Vec<(f64, Job)>,
    waiting: VecDeque<Job>,
}

impl Server {
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots,
            running: Vec::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Requests there, worked on or waiting.
    pub(crate) fn load(&self) -> usize {
        self.running.len() + self.waiting.len()
    }

    /// Takes a request, and says whether it was begun at once.
    pub(crate) fn arrive(&mut self, now_s: f64, job: Job) -> bool {
        let begins = self.running.len() < self.slots;
        if begins {
            self.running.push((now_s + job.work_s, job));
        } else {
            self.waiting.push_back(job);
        }
        begins
    }

    /// When the next request is done.
    pub(crate) fn next_end_s(&self) -> f64 {
        self.running
            .iter()
            .map(|(end_s, _)| *end_s)
            .fold(f64::INFINITY, f64::min)
    }

    /// Ends the request that is done next, and begins one that waits. `None` when nothing is worked on.
    pub(crate) fn depart(&mut self) -> Option<Job> {
        let by_end = |(_, a): &(usize, &(f64, Job)), (_, b): &(usize, &(f64, Job))| a.0.total_cmp(&b.0);
        let (at, _) = self.running.iter().enumerate().min_by(by_end)?;
        let (end_s, job) = self.running.swap_remove(at);
        if let Some(next) = self.waiting.pop_front() {
            self.running.push((end_s + next.work_s, next));
        }
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(number: u64, work_s: f64) -> Job {
        Job {
            number,
            arrived_s: 0.0,
            work_s,
            balancer: 0,
        }
    }

    #[test]
    fn one_slot_serves_in_the_order_of_arrival() {
        let mut server = Server::new(1);
        for (number, work_s) in [(0, 3.0), (1, 1.0), (2, 1.0)] {
            server.arrive(0.0, job(number, work_s));
        }
        let mut ends = Vec::new();
        while server.load() > 0 {
            let end_s = server.next_end_s();
            ends.push((server.depart().unwrap().number, end_s));
        }
        assert_eq!(ends, [(0, 3.0), (1, 4.0), (2, 5.0)]);
        assert!(server.depart().is_none() && server.next_end_s() == f64::INFINITY);
    }

    #[test]
    fn with_two_slots_a_short_one_overtakes() {
        let mut server = Server::new(2);
        for (number, work_s) in [(0, 3.0), (1, 1.0), (2, 1.0)] {
            server.arrive(0.0, job(number, work_s));
        }
        let order: Vec<_> = std::iter::from_fn(|| server.depart().map(|job| job.number)).collect();
        assert_eq!(order, [1, 2, 0]);
    }
}
