//! Ends the process when a target hangs: a thread that computes cannot be stopped in any other way.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::kept::Kept;

enum Word {
    Begins(Vec<u8>),
    Ended,
}

pub(crate) struct Watchdog {
    words: Sender<Word>,
}

impl Watchdog {
    pub(crate) fn start(kept: Kept, patience: Duration) -> Self {
        let (words, heard) = mpsc::channel();
        thread::spawn(move || {
            while let Ok(word) = heard.recv() {
                let Word::Begins(input) = word else { continue };
                if matches!(heard.recv_timeout(patience), Err(RecvTimeoutError::Timeout)) {
                    let path = kept.keep(&input);
                    eprintln!("hung for {patience:?}; the input is kept as {}", path.display());
                    std::process::abort();
                }
            }
        });
        Self { words }
    }

    pub(crate) fn begins(&self, input: &[u8]) {
        // The thread lives as long as this sender.
        let _ = self.words.send(Word::Begins(input.to_vec()));
    }

    pub(crate) fn ended(&self) {
        let _ = self.words.send(Word::Ended);
    }
}
