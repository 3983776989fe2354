//! One event a line on stdout, and nothing else.

use std::io::{Stdout, Write};

use scenarios::engine::Sink;
use scenarios::event::RunEvent;

/// Writes events to stdout.
pub struct JsonLines(Stdout);

impl Default for JsonLines {
    fn default() -> Self {
        Self(std::io::stdout())
    }
}

impl Sink for JsonLines {
    fn name(&self) -> String {
        "stdout".to_owned()
    }

    fn take(&mut self, event: &RunEvent) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.0.write_all(&line)?;
        self.0.flush()
    }
}
