//! The program on a pseudo-terminal, with a model of the screen that a person would look at.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use super::{LAB, Lab, PATIENCE};

/// Lines that are kept above the screen.
const SCROLLBACK: usize = 500;
/// How long the reader may take to hand on what a program has written that stands still.
const QUIET: std::time::Duration = std::time::Duration::from_millis(200);

/// The program at work.
pub struct Tty {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Everything that was written, with its marks.
    pub raw: Vec<u8>,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn cells(number: u16) -> NonZero<u16> {
    NonZero::new(number).expect("a terminal has rows and columns")
}

impl Tty {
    /// Starts it on a terminal of this size.
    pub fn start(lab: &Lab, (columns, rows): (u16, u16), environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let pty = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(LAB);
        command.args(arguments);
        command.cwd(lab.folder());
        command.env("LAB_STATE", lab.state());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for decided_by_the_test in [
            "NO_COLOR",
            "LC_ALL",
            "LC_CTYPE",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            "COLORTERM",
        ] {
            command.env_remove(decided_by_the_test);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end of a terminal is told as an error on Linux.
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            writer: pty.master.take_writer().unwrap(),
            master: pty.master,
            child,
            output,
            screen: vt100::Parser::new(cells(rows), cells(columns), SCROLLBACK),
            raw: Vec::new(),
        }
    }

    /// Types.
    pub fn write(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.master.resize(size(columns, rows)).unwrap();
        self.screen.screen_mut().set_size(cells(rows), cells(columns));
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.process_id().unwrap().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Whether the terminal takes lines, as a shell wants it, and not keys one by one.
    pub fn takes_lines(&self) -> bool {
        format!("{:?}", self.master.get_termios().unwrap().local_flags).contains("ICANON")
    }

    /// Whether the program has the screen: the alternate one, without a cursor.
    pub fn is_drawn_on(&self) -> bool {
        self.screen.screen().alternate_screen() && self.screen.screen().hide_cursor()
    }

    /// The letter of the process's state, as `ps` shows it.
    #[cfg(target_os = "linux")]
    pub fn state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.process_id().unwrap())).unwrap();
        stat.rsplit(')')
            .next()
            .and_then(|rest| rest.trim_start().chars().next())
            .unwrap()
    }

    /// What is on the screen, each line without what is blank at its end.
    pub fn text(&self) -> String {
        let contents = self.screen.screen().contents();
        contents.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// Waits until the screen satisfies a condition.
    #[track_caller]
    pub fn until(&mut self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if condition(&text) {
                return text;
            }
            let left = PATIENCE.saturating_sub(begun.elapsed());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("in vain waited until {what}; the screen:\n{text}"),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before {what}; the screen:\n{text}"),
            }
        }
    }

    /// Waits until the program has the screen.
    #[track_caller]
    pub fn until_drawn_on(&mut self, what: &str) {
        while !self.is_drawn_on() {
            let bytes = self.output.recv_timeout(PATIENCE);
            self.take(&bytes.unwrap_or_else(|_| panic!("in vain waited until {what}")));
        }
    }

    /// Takes everything that was written so far, of a program that stands still.
    pub fn shown_so_far(&mut self) {
        while let Ok(bytes) = self.output.recv_timeout(QUIET) {
            self.take(&bytes);
        }
    }

    /// Forgets the picture, so that only what is drawn anew is seen.
    pub fn forget(&mut self) {
        self.shown_so_far();
        self.screen.process(b"\x1b[2J");
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    pub fn shows(&mut self, wanted: &str) -> String {
        self.until(&format!("it shows {wanted:?}"), |text| text.contains(wanted))
    }

    /// Waits for its end; gives the exit code and what the terminal then shows, and whether it was given back.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.take(&bytes);
        }
        let status = self.child.wait().unwrap();
        let takes_lines = self.takes_lines();
        let screen = self.screen.screen();
        Ended {
            code: status.exit_code(),
            text: screen.contents(),
            given_back: !screen.alternate_screen() && !screen.hide_cursor(),
            takes_lines,
            raw: self.raw,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.raw.extend_from_slice(bytes);
    }
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    pub code: u32,
    pub text: String,
    /// Whether the terminal is as it was: no other screen, and a cursor.
    pub given_back: bool,
    /// Whether it takes lines again, and not keys one by one.
    pub takes_lines: bool,
    pub raw: Vec<u8>,
}
