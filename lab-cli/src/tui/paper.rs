//! Text that is longer than the screen: laid out for its width, and scrolled.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::keys::Action;
use super::panels::put;
use super::theme::Theme;

/// Makes the lines for a width.
type Layout = Box<dyn Fn(usize, Theme) -> Vec<Line<'static>> + Send>;

/// The widest that text is laid out; longer lines are hard to read.
const WIDTH_MAX: u16 = 110;

/// A text and how far it is scrolled.
pub struct Paper {
    /// What stands above it.
    pub title: String,
    layout: Layout,
    laid_out: Option<(usize, Vec<Line<'static>>)>,
    offset: usize,
    height: usize,
}

impl Paper {
    /// A text that is made anew whenever the width changes.
    pub fn new(title: impl Into<String>, layout: impl Fn(usize, Theme) -> Vec<Line<'static>> + Send + 'static) -> Self {
        Self {
            title: title.into(),
            layout: Box::new(layout),
            laid_out: None,
            offset: 0,
            height: 1,
        }
    }

    /// Scrolls. Gives whether the action was one of scrolling.
    pub fn scroll(&mut self, action: Action) -> bool {
        let page = self.height.saturating_sub(2).max(1);
        self.offset = match action {
            Action::Up => self.offset.saturating_sub(1),
            Action::Down => self.offset + 1,
            Action::PageUp => self.offset.saturating_sub(page),
            Action::PageDown => self.offset + page,
            Action::Top => 0,
            Action::Bottom => usize::MAX,
            _ => return false,
        };
        true
    }

    /// Draws as much as fits, and at the right how far one has read.
    pub fn draw(&mut self, area: Rect, buf: &mut Buffer, theme: Theme) {
        let width = usize::from(area.width.min(WIDTH_MAX)).saturating_sub(2).max(20);
        if self.laid_out.as_ref().is_none_or(|(laid_out, _)| *laid_out != width) {
            self.laid_out = Some((width, (self.layout)(width, theme)));
        }
        let Some((_, lines)) = &self.laid_out else { return };
        self.height = usize::from(area.height);
        let last = lines.len().saturating_sub(self.height);
        self.offset = self.offset.min(last);
        put(&lines[self.offset..], area, buf);
        if last > 0 {
            bar(self.offset, lines.len(), area, buf, theme);
        }
    }
}

/// A bar at the right edge: which part of the text is seen.
fn bar(offset: usize, total: usize, area: Rect, buf: &mut Buffer, theme: Theme) {
    let height = usize::from(area.height);
    let length = (height * height / total).max(1);
    let from = offset * (height - length) / total.saturating_sub(height).max(1);
    for row in 0..height {
        let seen = (from..from + length).contains(&row);
        let (sign, style) = if seen {
            (theme.pick("┃", "#"), Style::new())
        } else {
            (theme.pick("│", "|"), theme.dim())
        };
        buf[(area.right() - 1, area.y + row as u16)]
            .set_symbol(sign)
            .set_style(style);
    }
}
