//! A screen as a picture: the very cells that a terminal would show, as SVG.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use tokio::runtime::Handle;

use super::app::App;
use super::session::Message;
use super::theme::{Depth, Theme};
use crate::failure::Failure;
use crate::job::RunOutcome;
use crate::recording::Recording;

/// A cell, pixels.
const CELL: (f64, f64) = (8.4, 16.3);
/// Colours of the page.
const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d6d8dc";

/// The screen of a recorded run at a moment (seconds since its start; none: its end), or the home screen, as SVG.
///
/// # Errors
/// When the state folder cannot be read.
pub fn picture(
    recording: Option<Recording>,
    at_s: Option<f64>,
    size: (u16, u16),
    state_folder: PathBuf,
) -> Result<String, Failure> {
    drawn(recording, at_s, size, state_folder).map(|buffer| svg(&buffer))
}

/// The same as cells.
///
/// # Errors
/// As [`picture`].
pub fn drawn(
    recording: Option<Recording>,
    at_s: Option<f64>,
    size: (u16, u16),
    state_folder: PathBuf,
) -> Result<Buffer, Failure> {
    let theme = Theme {
        depth: Depth::Many,
        ascii: false,
    };
    console::set_colors_enabled(true);
    let (sender, _messages) = sync_channel(1);
    let mut app = App::new(state_folder, Handle::current(), sender, theme);
    match recording {
        None => app.at_home()?,
        Some(recording) => show(&mut app, &recording, at_s),
    }
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    app.draw(area, &mut buffer);
    Ok(buffer)
}

/// Brings the laboratory to a moment of a recording.
pub fn show(app: &mut App, recording: &Recording, at_s: Option<f64>) {
    app.with_a_replay_by_hand();
    for event in &recording.events {
        if at_s.is_some_and(|at_s| event.elapsed_ms as f64 > at_s * 1000.0) {
            return;
        }
        app.take(Message::Run(Box::new(event.clone())));
    }
    if at_s.is_none() {
        app.take(Message::Ended(Box::new(Ok(RunOutcome::recorded(recording)))));
    }
}

/// The cells of a screen as SVG. Every character has its own place, so that no font can shift the columns.
pub fn svg(buffer: &Buffer) -> String {
    let area = buffer.area;
    let (width, height) = (f64::from(area.width) * CELL.0, f64::from(area.height) * CELL.1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" font-family=\"DejaVu Sans Mono, Menlo, \
         Consolas, monospace\" font-size=\"14\" xml:space=\"preserve\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" \
         fill=\"{BACKGROUND}\"/>\n<g transform=\"translate(10 8)\" fill=\"{FOREGROUND}\">\n",
        width + 20.0,
        height + 16.0
    );
    for y in 0..area.height {
        row(buffer, y, &mut out);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// One row: neighbours of one look are one element.
fn row(buffer: &Buffer, y: u16, out: &mut String) {
    let mut x = 0;
    while x < buffer.area.width {
        let first = &buffer[(x, y)];
        let alike = |cell: &Cell| cell.fg == first.fg && cell.bg == first.bg && cell.modifier == first.modifier;
        let end = (x..buffer.area.width)
            .find(|at| !alike(&buffer[(*at, y)]))
            .unwrap_or(buffer.area.width);
        run(buffer, (x, end), y, out);
        x = end;
    }
}

fn run(buffer: &Buffer, (from, to): (u16, u16), y: u16, out: &mut String) {
    let look = &buffer[(from, y)];
    let reversed = look.modifier.contains(Modifier::REVERSED);
    let (left, top) = (f64::from(from) * CELL.0, f64::from(y) * CELL.1);
    let color = css(look.fg).unwrap_or_else(|| FOREGROUND.to_owned());
    if reversed {
        let width = f64::from(to - from) * CELL.0;
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{color}\"/>",
            CELL.1
        );
    }
    let (mut places, mut text) = (String::new(), String::new());
    for x in from..to {
        let symbol = buffer[(x, y)].symbol();
        if symbol.trim().is_empty() {
            continue;
        }
        let _ = write!(places, "{:.1} ", f64::from(x) * CELL.0);
        for c in symbol.chars() {
            match c {
                '<' => text.push_str("&lt;"),
                '>' => text.push_str("&gt;"),
                '&' => text.push_str("&amp;"),
                c => text.push(c),
            }
        }
    }
    if text.is_empty() {
        return;
    }
    let fill = if reversed { BACKGROUND.to_owned() } else { color };
    let bold = if look.modifier.contains(Modifier::BOLD) {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let (base, places) = (top + 12.9, places.trim_end());
    let _ = writeln!(
        out,
        "<text y=\"{base:.1}\" fill=\"{fill}\"{bold} x=\"{places}\">{text}</text>"
    );
}

/// A colour of the 256 as hexadecimal; none for the terminal's own.
fn css(color: Color) -> Option<String> {
    let (r, g, b) = match color {
        Color::Indexed(index @ 16..=231) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        Color::Indexed(index @ 232..=255) => {
            let gray = 8 + (index - 232) * 10;
            (gray, gray, gray)
        }
        Color::Red => (205, 80, 70),
        Color::Green => (90, 170, 110),
        Color::Yellow => (200, 160, 60),
        Color::Cyan => (80, 170, 190),
        Color::DarkGray => (128, 128, 128),
        _ => return None,
    };
    Some(format!("#{r:02x}{g:02x}{b:02x}"))
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn every_visible_character_has_its_own_place() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        buffer.set_string(0, 0, "a<b", Style::new());
        let look = Style::new().fg(Color::Indexed(16)).add_modifier(Modifier::REVERSED);
        buffer.set_string(4, 0, "z", look);
        let svg = svg(&buffer);
        assert!(svg.contains("x=\"0.0 8.4 16.8\">a&lt;b</text>"), "{svg}");
        assert!(svg.contains("<rect x=\"33.6\"") && svg.contains("#000000"), "{svg}");
    }
}
