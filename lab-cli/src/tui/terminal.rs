//! The terminal while it is drawn on, and giving it back, whatever happens.

use std::fs::File;
use std::io::{self, Read, Seek, Stdout, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use crossterm::execute;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use rustix::process::{Signal, getpid, kill_process};

/// The most of what was written to stderr meanwhile that is shown afterwards, bytes.
const SAID_MAX: u64 = 64 * 1024;

/// Whether the terminal is ours, for whoever has to give it back: the end of the screen or the panic hook.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Where stderr leads while the screen is drawn, and where it led before.
static STDERR: Mutex<Option<Aside>> = Mutex::new(None);

/// What is written to stderr goes aside, for a line from anywhere would tear the screen.
struct Aside {
    before: OwnedFd,
    file: File,
}

/// The screen. Dropping it gives the terminal back.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal: raw mode, the alternate screen, stderr aside.
    ///
    /// # Errors
    /// When there is no terminal to take.
    pub fn take() -> io::Result<Self> {
        give_back_on_panic();
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let taken = || -> io::Result<_> {
            set_stderr_aside()?;
            execute!(io::stdout(), EnterAlternateScreen)?;
            let mut terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
            terminal.hide_cursor()?;
            Ok(terminal)
        };
        match taken() {
            Ok(terminal) => Ok(Self { terminal, mouse: false }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Whether it may be drawn on now.
    pub fn is_ours(&self) -> bool {
        TAKEN.load(Ordering::SeqCst)
    }

    /// Gives the terminal back and stops this process, until somebody lets it go on; then [`Screen::resume`] follows.
    ///
    /// # Errors
    /// When the process cannot be stopped.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        Ok(kill_process(getpid(), Signal::STOP)?)
    }

    /// Takes the terminal again after a stop. Whoever stopped the process may have left it in any state.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn resume(&mut self) -> io::Result<()> {
        // As it was before it was ours, so that it is set anew and not taken for set.
        disable_raw_mode()?;
        enable_raw_mode()?;
        if !TAKEN.swap(true, Ordering::SeqCst) {
            set_stderr_aside()?;
        }
        execute!(io::stdout(), EnterAlternateScreen, Clear(ClearType::All))?;
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        // A new one knows nothing of what was drawn. To clear the old one would ask where the cursor is, and the thread of
        // the keys would take the answer.
        self.terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        self.terminal.hide_cursor()
    }

    /// What is drawn on.
    pub fn terminal(&mut self) -> &mut Terminal<CrosstermBackend<Stdout>> {
        &mut self.terminal
    }

    /// Turns the mouse on or off. It is off at first, so that text can be selected as everywhere.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn toggle_mouse(&mut self) -> io::Result<bool> {
        self.mouse = !self.mouse;
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        } else {
            execute!(io::stdout(), DisableMouseCapture)?;
        }
        Ok(self.mouse)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, once: the second call does nothing. What was written to stderr meanwhile follows.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // There is nobody left to tell should one of these fail, and the next is worth trying all the same.
    let _ = execute!(
        io::stdout(),
        DisableMouseCapture,
        LeaveAlternateScreen,
        crossterm::cursor::Show
    );
    let _ = disable_raw_mode();
    let aside = STDERR.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(aside) = aside {
        let _ = rustix::stdio::dup2_stderr(&aside.before);
        let _ = repeat(aside.file);
    }
}

/// A panic is told on a terminal that can be read.
fn give_back_on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            give_back();
            report(panic);
        }));
    });
}

fn set_stderr_aside() -> io::Result<()> {
    let stderr = io::stderr();
    let before = stderr.as_fd().try_clone_to_owned()?;
    let path = std::env::temp_dir().join(format!("lab-{}.stderr", std::process::id()));
    let file = File::options().read(true).append(true).create_new(true).open(&path)?;
    // It lives for as long as it is open, and not a moment longer.
    std::fs::remove_file(&path)?;
    rustix::stdio::dup2_stderr(&file)?;
    *STDERR.lock().unwrap_or_else(PoisonError::into_inner) = Some(Aside { before, file });
    Ok(())
}

fn repeat(mut file: File) -> io::Result<()> {
    file.rewind()?;
    let mut said = Vec::new();
    file.take(SAID_MAX).read_to_end(&mut said)?;
    io::stderr().write_all(&said)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::num::NonZero;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::Screen;

    /// Run by the test below, on a terminal of its own.
    #[test]
    #[ignore = "it panics on purpose, and needs a terminal"]
    fn a_screen_that_panics() {
        let mut screen = Screen::take().unwrap();
        screen
            .terminal()
            .draw(|frame| {
                frame
                    .buffer_mut()
                    .set_string(0, 0, "the laboratory", ratatui::style::Style::new());
            })
            .unwrap();
        errln!("written beside the screen");
        panic!("on purpose");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_told() {
        let size = PtySize {
            rows: 30,
            cols: 100,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system().openpty(size).unwrap();
        // Line by line, as a shell wants it; the screen takes keys one by one.
        let by_lines = || format!("{:?}", pty.master.get_termios().unwrap().local_flags).contains("ICANON");
        assert!(by_lines(), "a new terminal takes lines");
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args([
            "--ignored",
            "--exact",
            "--nocapture",
            "tui::terminal::tests::a_screen_that_panics",
        ]);
        command.env("TERM", "xterm-256color");
        command.env("RUST_BACKTRACE", "0");
        let mut child = pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let output = std::thread::spawn(move || {
            let mut output = Vec::new();
            // The end of a terminal is told as an error on Linux; what came before it counts.
            let _ = reader.read_to_end(&mut output);
            output
        });
        assert!(!child.wait().unwrap().success());
        assert!(by_lines(), "it does so again");
        drop((pty.slave, pty.master));
        let output = output.join().unwrap();
        let mut screen = vt100::Parser::new(NonZero::new(30).unwrap(), NonZero::new(100).unwrap(), 200);
        screen.process(&output);
        let text = screen.screen().contents();
        assert!(
            !screen.screen().alternate_screen() && !screen.screen().hide_cursor(),
            "{text}"
        );
        assert!(
            text.contains("on purpose") && text.contains("written beside the screen"),
            "{text}"
        );
        assert!(!text.contains("the laboratory"), "{text}");
    }
}
