//! Child processes: started by one thread, waited for by one thread each.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus};
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use tokio::sync::watch;

use super::admission;
use super::segments::Segments;
use crate::backend::core::{Exit, OnExit};
use crate::stamp::ProcessStamp;

/// Stack of a thread that only waits.
const WAITER_STACK_BYTES: usize = 128 * 1024;

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        Self {
            code: status.code(),
            signal: status.signal(),
        }
    }
}

/// Starts processes, all from one thread that lives as long as this value.
///
/// A child asks the kernel to be killed when its parent dies, and the kernel takes "parent" to be the thread that
/// started it (prctl(2), `PR_SET_PDEATHSIG`). Threads of an async runtime come and go; this one does not.
pub(super) struct Spawner {
    requests: mpsc::Sender<(Command, mpsc::SyncSender<io::Result<Child>>)>,
}

impl Spawner {
    pub(super) fn new() -> io::Result<Self> {
        let (requests, incoming) = mpsc::channel::<(Command, mpsc::SyncSender<io::Result<Child>>)>();
        thread::Builder::new().name("spawner".into()).spawn(move || {
            for (mut command, reply) in incoming {
                // The asker blocks until it has the answer, so this cannot fail.
                let _ = reply.send(command.spawn());
            }
        })?;
        Ok(Self { requests })
    }

    /// Starts a process; blocks for the millisecond or less that this takes, so that no child can get lost between
    /// its start and the moment somebody knows about it.
    pub(super) fn spawn(&self, command: Command, on_exit: OnExit) -> io::Result<Arc<OwnChild>> {
        let gone = || io::Error::other("the thread that starts processes has ended");
        let (reply, answer) = mpsc::sync_channel(1);
        self.requests.send((command, reply)).map_err(|_| gone())?;
        OwnChild::watch(answer.recv().map_err(|_| gone())??, on_exit)
    }
}

/// A child of this process.
pub(super) struct OwnChild {
    pub(super) stamp: ProcessStamp,
    exit: watch::Sender<Option<Exit>>,
    expected: AtomicBool,
    /// Where it waits to be written down, until it was.
    waits_at: Mutex<Option<ChildStdin>>,
    /// Whether the process was reaped, after which its id may belong to another. Held while a signal is sent.
    reaped: Mutex<bool>,
}

impl OwnChild {
    fn watch(mut child: Child, on_exit: OnExit) -> io::Result<Arc<Self>> {
        let pid = child.id();
        let stamp = ProcessStamp::of(pid).unwrap_or(ProcessStamp {
            pid,
            started: String::new(),
        });
        let own = Arc::new(Self {
            stamp,
            exit: watch::Sender::new(None),
            expected: AtomicBool::new(false),
            waits_at: Mutex::new(child.stdin.take()),
            reaped: Mutex::new(false),
        });
        let waiter = Arc::clone(&own);
        let thread = thread::Builder::new()
            .name(format!("wait-{pid}"))
            .stack_size(WAITER_STACK_BYTES);
        let spawned = thread.spawn(move || waiter.wait(&mut child, on_exit));
        if let Err(error) = spawned {
            // The child went with the closure; nobody would wait for it, so it must not stay.
            let _ = own.signal(Signal::KILL);
            return Err(error);
        }
        Ok(own)
    }

    fn wait(&self, child: &mut Child, on_exit: OnExit) {
        // First see the end without reaping, then reap under the lock: between the two the id stays taken.
        if let Some(pid) = self.stamp.id() {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
            // What it had started is over with it: nobody is left who could end that.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let exit = {
            let mut reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
            *reaped = true;
            child.wait().map(Exit::from).unwrap_or_default()
        };
        // Told first, so that whoever sees the end can rely on its having been told.
        on_exit(exit, self.expected.load(Ordering::Acquire));
        self.exit.send_replace(Some(exit));
    }

    /// Sends a signal, and to all that the process has started where it is one that nobody can refuse; nothing happens
    /// when the process has ended.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        match self.stamp.id() {
            Some(pid) if !*reaped => {
                let followers = Followers::of(&self.stamp, signal);
                kill_process(pid, signal)?;
                followers.signal();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Lets it go on, if it waits until it is written down.
    pub(super) fn recorded(&self) {
        let input = self.waits_at.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(input) = input {
            admission::admit(input);
        }
    }

    /// Notes that the end of this process is wanted.
    pub(super) fn expect_exit(&self) {
        self.expected.store(true, Ordering::Release);
    }

    pub(super) fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    pub(super) async fn exited(&self) {
        // The sender is in `self`, so waiting cannot fail.
        let _ = self.exit.subscribe().wait_for(Option::is_some).await;
    }
}

/// Those who go with a process where it is stopped, continued or killed: the group that it leads, if it was started with
/// one, and what it and those have started in groups of their own, as a PostgreSQL does.
pub(super) struct Followers {
    leader: Option<Pid>,
    descendants: Vec<ProcessStamp>,
    signal: Signal,
    /// What they share, where they are to be killed.
    segments: Segments,
}

impl Followers {
    /// To be looked for before the process gets this signal: of one that was killed, no children can be found.
    pub(super) fn of(leader: &ProcessStamp, signal: Signal) -> Self {
        let descendants = leader.descendants();
        let segments = match signal {
            Signal::KILL => Segments::of(&[slice::from_ref(leader), &descendants].concat()),
            _ => Segments::none(),
        };
        Self {
            leader: leader.id(),
            descendants,
            signal,
            segments,
        }
    }

    /// Sends it to them, if it is one of those that nobody can refuse.
    pub(super) fn signal(self) {
        if ![Signal::STOP, Signal::CONT, Signal::KILL].contains(&self.signal) {
            return;
        }
        if let Some(leader) = self.leader {
            let _ = kill_process_group(leader, self.signal);
        }
        for follower in self.descendants.iter().filter(|follower| follower.is_alive()) {
            if let Some(pid) = follower.id() {
                let _ = kill_process(pid, self.signal);
            }
        }
        self.segments.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_exit_is_noticed_with_its_status_and_reaped() {
        let spawner = Spawner::new().unwrap();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let mut command = Command::new("sh");
        command.args(["-c", "exit 7"]);
        let on_exit: OnExit = Box::new(move |exit, expected| sender.send((exit, expected)).unwrap());
        let child = spawner.spawn(command, on_exit).unwrap();
        child.exited().await;
        let exit = Exit {
            code: Some(7),
            signal: None,
        };
        assert_eq!((child.exit(), receiver.await.unwrap()), (Some(exit), (exit, false)));
        assert!(child.stamp.look().is_none(), "a zombie stayed");
        child
            .signal(Signal::KILL)
            .expect("signalling what has ended does nothing");
    }

    #[tokio::test]
    async fn what_a_child_has_started_ends_with_it() {
        use std::os::unix::process::CommandExt;
        let spawner = Spawner::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "sleep 60 & echo $! > grandchild.new; mv grandchild.new grandchild; wait",
        ]);
        command.current_dir(folder.path()).process_group(0);
        let child = spawner.spawn(command, Box::new(|_, _| ())).unwrap();
        let grandchild = loop {
            if let Ok(pid) = std::fs::read_to_string(folder.path().join("grandchild")) {
                break ProcessStamp::of(pid.trim().parse().unwrap()).unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        // From outside, as a person would: the child itself cannot take anybody along.
        kill_process(child.stamp.id().unwrap(), Signal::KILL).unwrap();
        child.exited().await;
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while grandchild.is_alive() {
            assert!(tokio::time::Instant::now() < deadline, "it lives on");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_stopped_child_can_be_killed() {
        let spawner = Spawner::new().unwrap();
        let mut command = Command::new("sleep");
        command.arg("60");
        let child = spawner.spawn(command, Box::new(|_, _| ())).unwrap();
        child.signal(Signal::STOP).unwrap();
        child.expect_exit();
        child.signal(Signal::KILL).unwrap();
        child.exited().await;
        assert_eq!(child.exit().unwrap().signal, Some(Signal::KILL.as_raw()));
    }
}
