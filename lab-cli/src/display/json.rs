//! One event a line on stdout, and nothing else.

use scenarios::engine::Sink;
use scenarios::event::RunEvent;

use crate::{output, text};

/// Writes events to stdout. How stdout fares is told at the end, so nothing fails here.
pub struct JsonLines;

impl Sink for JsonLines {
    fn name(&self) -> String {
        "stdout".to_owned()
    }

    fn take(&mut self, event: &RunEvent) -> std::io::Result<()> {
        let mut line = text::json(&serde_json::to_string(event)?).into_owned();
        line.push('\n');
        output::data(line.as_bytes());
        Ok(())
    }
}
