//! Files in the desktop's browser.

use std::path::Path;
use std::process::{Command, Stdio};

/// Opens a file with whatever the desktop opens it with. Gives whether there is such a program.
pub fn open(path: &Path) -> bool {
    ["xdg-open", "open"].iter().any(|program| {
        Command::new(program)
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}
