//! The page on top, and the line at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::App;
use crate::tui::help;
use crate::tui::keys::Place;
use crate::tui::pages::live::Kind;
use crate::tui::pages::{Page, lesson};
use crate::tui::panels::{put, words};
use crate::tui::text;
use crate::tui::theme::Role;

/// The smallest screen that has room for the pages.
pub const SMALLEST: (u16, u16) = (72, 20);

/// Text does not begin at the very edge.
fn with_margin(area: Rect) -> Rect {
    Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width - 2,
        height: area.height - 1,
    }
}

impl App {
    /// Draws the page on top.
    pub fn draw(&mut self, area: Rect, buf: &mut Buffer) {
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            let needs = format!(
                "The laboratory needs {} columns and {} rows; this screen has {} and {}. q leaves.",
                SMALLEST.0, SMALLEST.1, area.width, area.height
            );
            put(&text::wrapped(usize::from(area.width), self.theme, &needs), area, buf);
            return;
        }
        let [body, foot] = Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(area);
        let place = self.place();
        let theme = self.theme;
        match self.pages.last_mut() {
            Some(Page::Home(home)) => home.draw(body, buf, theme),
            Some(Page::Predict(predict)) => predict.draw(with_margin(body), buf, theme),
            Some(Page::Live(live)) => live.draw(body, buf, theme),
            Some(Page::Verdict(verdict)) => verdict.paper.draw(with_margin(body), buf, theme),
            Some(Page::Paper(paper)) => {
                let [head, body] =
                    Layout::vertical([Constraint::Length(2), Constraint::Min(1)]).areas(with_margin(body));
                put(&[lesson::heading(&words(&paper.title, theme), theme)], head, buf);
                paper.draw(body, buf, theme);
            }
            None => {}
        }
        let line = match (&self.notice, self.asking()) {
            (_, true) => Line::styled(
                "Stop this run? What was measured is kept.  y yes   n no",
                theme.style(Role::Warn),
            ),
            (Some(notice), _) => Line::styled(words(notice, theme), theme.style(Role::Warn)),
            (None, _) => help::hints(place, usize::from(foot.width), theme),
        };
        put(&[line], foot, buf);
    }

    /// The page on top.
    #[cfg(test)]
    pub fn top(&self) -> Option<&Page> {
        self.pages.last()
    }

    pub(super) fn place(&self) -> Place {
        match self.pages.last() {
            Some(Page::Home(_)) => Place::Home,
            Some(Page::Predict(_)) => Place::Predict,
            Some(Page::Live(live)) => live.place(),
            Some(Page::Verdict(_)) => Place::Verdict,
            Some(Page::Paper(_)) | None => Place::Paper,
        }
    }

    pub(super) fn asking(&self) -> bool {
        matches!(self.pages.last(), Some(Page::Live(live)) if matches!(live.kind, Kind::Run { asking: true, .. }))
    }
}
