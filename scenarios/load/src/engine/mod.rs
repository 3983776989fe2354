//! The generator's event loop: one thread, one event queue, no locks on the way of a request.

mod connection;
mod dispatch;
mod exchange;
mod stream;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};

use crate::alarm::{Alarm, thread_cpu_s};
use crate::mailbox::Writer;
use crate::plan::{LoadPlan, StartError};
use crate::recorder::Recorder;
use crate::totals::Totals;
use connection::{Connections, Due, Timers};
use stream::{Source, StreamState};

/// Shortest wait that is slept through, ns: about what falling asleep and waking up take.
const SLEEP_MIN_NS: u64 = 30_000;
/// Longest wait for answers after a stop was asked for, ns: whoever stops a run waits for its end.
const STOP_DRAIN_MAX_NS: u64 = 500_000_000;
/// A wake-up that is later than this, ns, is a standstill of the generator. Less is what a busy machine does to anybody, and
/// shows in the lateness of the requests.
const STANDSTILL_NS: u64 = 250_000_000;
const WAKER: Token = Token(usize::MAX);
const ALARM: Token = Token(usize::MAX - 1);
const EVENTS_MAX: usize = 256;
/// Events handled between two looks at the schedule, so that a burst of answers does not make sends late.
const EVENTS_BETWEEN_SENDS: usize = 8;
/// Sends in a row before answers are looked at, so that catching up does not make answers look late.
const SENDS_IN_A_ROW_MAX: usize = 64;
/// Bytes read at once; one buffer serves all connections.
const READ_LEN: usize = 64 * 1_024;

/// How others reach a running generator.
pub(crate) struct Control {
    stop: AtomicBool,
    abort: AtomicBool,
    /// Rates asked for and not yet taken up: class and requests per second.
    rates: Mutex<Vec<(String, f64)>>,
    rates_changed: AtomicBool,
    waker: Waker,
}

impl Control {
    /// Ends the sending.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
    }

    /// Ends the sending and the waiting for answers.
    pub(crate) fn abort(&self) {
        self.abort.store(true, Ordering::Release);
        self.stop();
    }

    /// Changes the rate of the open loops of a class.
    pub(crate) fn set_rate(&self, class: &str, rate_per_s: f64) {
        self.rates().push((class.to_owned(), rate_per_s));
        self.rates_changed.store(true, Ordering::Release);
        self.wake();
    }

    fn rates(&self) -> MutexGuard<'_, Vec<(String, f64)>> {
        self.rates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // Failing to wake delays the stop to the next event; the loop wakes for every sample anyway.
        let _ = self.waker.wake();
    }
}

/// A generator, ready to run in a thread.
pub(crate) struct Engine {
    poll: Poll,
    alarm: Alarm,
    control: Arc<Control>,
    epoch: Instant,
    streams: Vec<StreamState>,
    connections: Connections,
    timers: Timers,
    recorder: Recorder,
    totals: Totals,
    samples: Writer,
    sample_every_ns: u64,
    next_sample_ns: u64,
    /// When it wanted to be woken.
    wake_ns: u64,
    drain_max_ns: u64,
    /// When the last stream ended, that is when the drain began.
    ended_ns: Option<u64>,
    buffer: Vec<u8>,
}

impl Engine {
    pub(crate) fn new(plan: LoadPlan, epoch: Instant, samples: Writer) -> Result<Self, StartError> {
        for (what, span) in [("sample_every", plan.sample_every), ("slice", plan.slice)] {
            if span.is_zero() {
                return Err(StartError::Timing { what });
            }
        }
        let mut classes: Vec<String> = Vec::new();
        let mut streams = Vec::with_capacity(plan.streams.len());
        for stream in plan.streams {
            let class = classes
                .iter()
                .position(|known| *known == stream.class)
                .unwrap_or_else(|| {
                    classes.push(stream.class.clone());
                    classes.len() - 1
                });
            streams.push(StreamState::new(stream, class)?);
        }
        let system = |what| move |source| StartError::System { what, source };
        let poll = Poll::new().map_err(system("an event queue"))?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(system("a waker"))?;
        let sample_every_ns = u64::try_from(plan.sample_every.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self {
            alarm: Alarm::new(poll.registry(), ALARM).map_err(system("a timer"))?,
            poll,
            control: Arc::new(Control {
                stop: AtomicBool::new(false),
                abort: AtomicBool::new(false),
                rates: Mutex::default(),
                rates_changed: AtomicBool::new(false),
                waker,
            }),
            epoch,
            streams,
            connections: Connections::default(),
            timers: Timers::default(),
            recorder: Recorder::new(&plan.windows, plan.slice, &classes),
            totals: Totals::default(),
            samples,
            sample_every_ns,
            next_sample_ns: sample_every_ns,
            wake_ns: 0,
            drain_max_ns: u64::try_from(plan.drain_max.as_nanos()).unwrap_or(u64::MAX),
            ended_ns: None,
            buffer: vec![0; READ_LEN],
        })
    }

    pub(crate) fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// When the operating system takes the event queue or the timer away, which it does not.
    pub(crate) fn run(mut self) -> io::Result<Totals> {
        std::thread::sleep(self.epoch.saturating_duration_since(Instant::now()));
        self.recorder.start(thread_cpu_s());
        let mut events = Events::with_capacity(EVENTS_MAX);
        self.seat_users();
        loop {
            let now_ns = self.now_ns();
            if now_ns.saturating_sub(self.wake_ns) >= STANDSTILL_NS {
                self.recorder.stood_still(self.wake_ns, now_ns);
            }
            self.change_rates(now_ns);
            self.handle_stop(now_ns);
            self.send_due(now_ns);
            self.handle_timers(now_ns);
            self.give_sample_if_due();
            if self.finished(now_ns) {
                break;
            }
            let timeout = self.time_to_wait()?;
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            }
            for (at, event) in events.iter().enumerate() {
                match event.token() {
                    WAKER => {}
                    ALARM => self.alarm.fired(),
                    Token(slot) => {
                        self.handle_event(slot, event.is_read_closed() || event.is_error());
                    }
                }
                if at % EVENTS_BETWEEN_SENDS == EVENTS_BETWEEN_SENDS - 1 {
                    self.send_due(self.now_ns());
                }
            }
        }
        self.give_up_open_requests();
        self.give_sample();
        Ok(self.totals)
    }

    /// How long the event queue may wait. For a moment this close, going to sleep and being woken would cost more
    /// processor time than looking again, and would come too late.
    fn time_to_wait(&mut self) -> io::Result<Option<Duration>> {
        let (wake_ns, now_ns) = (self.next_wake_ns(), self.now_ns());
        self.wake_ns = wake_ns.max(now_ns);
        if wake_ns.saturating_sub(now_ns) < SLEEP_MIN_NS {
            return Ok(Some(Duration::ZERO));
        }
        self.alarm.wake_at(wake_ns, now_ns)
    }

    /// Nanoseconds since the start of the plan, zero before it.
    fn now_ns(&self) -> u64 {
        ns_since(self.epoch)
    }

    fn seat_users(&mut self) {
        for (at, stream) in self.streams.iter().enumerate() {
            if let Source::Users(users) = &stream.source {
                for _ in 0..users.count {
                    self.timers.user(at, stream.start_ns);
                }
            }
        }
    }

    /// Sends what the schedules ask for up to now.
    fn send_due(&mut self, now_ns: u64) {
        for at in 0..self.streams.len() {
            let mut now_ns = now_ns;
            for _ in 0..SENDS_IN_A_ROW_MAX {
                let stream = &mut self.streams[at];
                let Some(intended_ns) = stream.next_ns.filter(|&next_ns| next_ns <= now_ns) else {
                    break;
                };
                stream.advance();
                self.submit(at, intended_ns, now_ns);
                now_ns = self.now_ns();
            }
        }
    }

    fn handle_timers(&mut self, now_ns: u64) {
        while let Some((at_ns, due)) = self.timers.pop(now_ns) {
            match due {
                Due::Timeout(slot) => self.handle_timeout(slot, now_ns),
                Due::User(stream) => self.send_for_user(stream, at_ns),
            }
        }
        for stream in &mut self.streams {
            if let Source::Users(users) = &stream.source
                && (users.left == 0 || users.end_ns <= now_ns)
            {
                stream.source = Source::Ended;
            }
        }
    }

    /// A user of a closed loop wants its next request at `intended_ns`.
    fn send_for_user(&mut self, at: usize, intended_ns: u64) {
        let Source::Users(users) = &mut self.streams[at].source else {
            return;
        };
        if users.left == 0 || intended_ns >= users.end_ns {
            return;
        }
        users.left -= 1;
        let now_ns = self.now_ns();
        self.submit(at, intended_ns, now_ns);
    }

    fn change_rates(&mut self, now_ns: u64) {
        // A look at a flag is all that this costs a plan whose rates stay as they are.
        if !self.control.rates_changed.load(Ordering::Relaxed) {
            return;
        }
        self.control.rates_changed.store(false, Ordering::Release);
        let changes = std::mem::take(&mut *self.control.rates());
        for (class, rate_per_s) in changes {
            for stream in self.streams.iter_mut().filter(|stream| stream.class_name == class) {
                stream.change_rate(rate_per_s, now_ns);
            }
        }
    }

    fn handle_stop(&mut self, now_ns: u64) {
        if self.control.stop.load(Ordering::Acquire) {
            self.drain_max_ns = self.drain_max_ns.min(STOP_DRAIN_MAX_NS);
            for stream in &mut self.streams {
                let given_up = stream.end();
                self.recorder.dequeued(stream.class, given_up);
            }
        }
        if self.ended_ns.is_none() && self.streams.iter().all(StreamState::ended) {
            self.ended_ns = Some(now_ns);
        }
    }

    fn finished(&self, now_ns: u64) -> bool {
        let Some(ended_ns) = self.ended_ns else {
            return false;
        };
        self.control.abort.load(Ordering::Acquire)
            || now_ns >= ended_ns.saturating_add(self.drain_max_ns)
            || self
                .streams
                .iter()
                .all(|stream| stream.in_flight == 0 && stream.waiting.is_empty())
    }

    fn next_wake_ns(&self) -> u64 {
        let mut wake_ns = self.next_sample_ns;
        if let Some(at_ns) = self.timers.next_ns() {
            wake_ns = wake_ns.min(at_ns);
        }
        for stream in &self.streams {
            if let Some(next_ns) = stream.next_ns {
                wake_ns = wake_ns.min(next_ns);
            }
            if let Source::Users(users) = &stream.source {
                wake_ns = wake_ns.min(if users.left == 0 { 0 } else { users.end_ns });
            }
        }
        match self.ended_ns {
            Some(ended_ns) => wake_ns.min(ended_ns.saturating_add(self.drain_max_ns)),
            // Ended since the last look: look again at once.
            None if self.streams.iter().all(StreamState::ended) => 0,
            None => wake_ns,
        }
    }

    fn give_sample_if_due(&mut self) {
        let now_ns = self.now_ns();
        if now_ns >= self.next_sample_ns {
            self.give_sample();
            // Times that were missed are skipped: the sample that is late covers them.
            let passed = now_ns / self.sample_every_ns;
            self.next_sample_ns = (passed + 1).saturating_mul(self.sample_every_ns);
        }
    }

    fn give_sample(&mut self) {
        let sample = self.recorder.sample(self.now_ns(), thread_cpu_s());
        self.totals.add(&sample);
        self.samples.put(sample);
    }
}

fn ns_since(epoch: Instant) -> u64 {
    // 64 bits of nanoseconds last 584 years.
    Instant::now().saturating_duration_since(epoch).as_nanos() as u64
}
