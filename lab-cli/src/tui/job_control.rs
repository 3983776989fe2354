//! The shell's job control: Ctrl-Z gives the terminal back before the process stops, `fg` takes it again.

use std::sync::mpsc::SyncSender;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::session::Message;

/// Tells the screen of SIGTSTP, and of SIGCONT whoever stopped the process.
///
/// # Errors
/// When the system does not take the handlers.
pub fn listen(screen: SyncSender<Message>) -> std::io::Result<JoinHandle<()>> {
    let listen = |wanted: Signal| signal(SignalKind::from_raw(wanted.as_raw()));
    let (mut stop, mut go_on) = (listen(Signal::TSTP)?, listen(Signal::CONT)?);
    Ok(tokio::spawn(async move {
        loop {
            let message = tokio::select! {
                _ = stop.recv() => Message::Suspend,
                _ = go_on.recv() => Message::Continue,
            };
            if screen.send(message).is_err() {
                return;
            }
        }
    }))
}
