//! Colours and characters: what the terminal can show, and what stands for what.
//!
//! The colours are those of Okabe and Ito, which people with any common colour blindness tell apart, as the nearest of the
//! 256 or 16 colours that the terminal has. Nothing is said by colour alone.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use scenarios::event::InstanceState;
use scenarios::verdict::Verdict;

use crate::report::words;
use crate::text;

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// None: bold, dim and reversed only.
    None,
    /// The sixteen of every terminal.
    Sixteen,
    /// The 256 of nearly every terminal.
    Many,
}

/// What the screen is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Colours.
    pub depth: Depth,
    /// Nothing beyond ASCII.
    pub ascii: bool,
}

/// What a colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It holds, it is healthy.
    Good,
    /// It does not hold, it is dead.
    Bad,
    /// Undecided, busy, paused.
    Warn,
    /// What is looked at now: the arm under way, the selection.
    Now,
    /// What it is compared with.
    Before,
}

/// Bars of one eighth to eight eighths.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const EIGHTHS_ASCII: [&str; 9] = [" ", ".", ".", ":", ":", "|", "|", "#", "#"];
/// Shades from nothing to much.
const SHADES: [&str; 6] = [" ", "·", "░", "▒", "▓", "█"];
const SHADES_ASCII: [&str; 6] = [" ", ".", ":", "+", "*", "#"];
/// Colours of the shades, dark to bright on a dark background and readable on a light one.
const HEAT: [u8; 6] = [0, 24, 31, 37, 178, 208];

const ASCII_BORDER: border::Set<'_> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Theme {
    /// What this terminal can show, from its environment.
    pub fn of_terminal() -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let many = variable("TERM").contains("256color") || !variable("COLORTERM").is_empty();
        Self {
            depth: match (console::colors_enabled(), many) {
                (false, _) => Depth::None,
                (true, false) => Depth::Sixteen,
                (true, true) => Depth::Many,
            },
            ascii: text::ascii(),
        }
    }

    /// The style of a role.
    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        match self.depth {
            Depth::None => match role {
                Role::Bad | Role::Now => plain.add_modifier(Modifier::BOLD),
                Role::Before => plain.add_modifier(Modifier::DIM),
                Role::Good | Role::Warn => plain,
            },
            Depth::Sixteen => plain.fg(match role {
                Role::Good => Color::Green,
                Role::Bad => Color::Red,
                Role::Warn => Color::Yellow,
                Role::Now => Color::Cyan,
                Role::Before => Color::DarkGray,
            }),
            Depth::Many => plain.fg(Color::Indexed(match role {
                Role::Good => 36,
                Role::Bad => 166,
                Role::Warn => 178,
                Role::Now => 74,
                Role::Before => 244,
            })),
        }
    }

    /// The style of words that matter less.
    pub fn dim(self) -> Style {
        match self.depth {
            Depth::Many => Style::new().fg(Color::Indexed(244)),
            Depth::Sixteen => Style::new().fg(Color::DarkGray),
            Depth::None => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// The style of the line that is selected.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A verdict as a word on its colour.
    pub fn badge(self, verdict: Verdict) -> Style {
        self.style(self.role_of(verdict))
            .add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    /// The role that a verdict has.
    pub fn role_of(self, verdict: Verdict) -> Role {
        match verdict {
            Verdict::Pass => Role::Good,
            Verdict::Fail => Role::Bad,
            Verdict::Inconclusive => Role::Warn,
        }
    }

    /// The mark of a verdict; a dash for none.
    pub fn mark(self, verdict: Option<Verdict>) -> &'static str {
        match (verdict, self.ascii) {
            (Some(Verdict::Pass), true) => "+",
            (Some(Verdict::Fail), true) => "x",
            (Some(verdict), _) => words::mark(verdict),
            (None, false) => "·",
            (None, true) => "-",
        }
    }

    /// A bar of so many eighths.
    pub fn eighths(self, eighths: usize) -> &'static str {
        let bars = if self.ascii { &EIGHTHS_ASCII } else { &EIGHTHS };
        bars[eighths.min(8)]
    }

    /// What stands behind a bar: the distribution that it is compared with.
    pub fn ghost(self) -> &'static str {
        if self.ascii { "," } else { "░" }
    }

    /// A shade for a share of the most, 0 to 1. Whatever is above nothing can be seen.
    pub fn shade(self, share: f64) -> (&'static str, Style) {
        let level = if share <= 0.0 {
            0
        } else {
            1 + (share.min(1.0).sqrt() * 4.999) as usize
        };
        let shade = if self.ascii { SHADES_ASCII } else { SHADES }[level];
        let style = match self.depth {
            Depth::Many => Style::new().fg(Color::Indexed(HEAT[level])),
            Depth::Sixteen => Style::new().fg([
                Color::Reset,
                Color::Blue,
                Color::Blue,
                Color::Cyan,
                Color::Yellow,
                Color::LightRed,
            ][level]),
            Depth::None => Style::new(),
        };
        (shade, style)
    }

    /// The sign and the style of an instance.
    pub fn instance(self, state: InstanceState, busy: bool) -> (&'static str, Style) {
        let (sign, ascii, role) = match (state, busy) {
            (InstanceState::Ready, false) => ("●", "o", Role::Good),
            (InstanceState::Ready, true) => ("◉", "@", Role::Warn),
            (InstanceState::Starting, _) => ("◌", ".", Role::Warn),
            (InstanceState::Paused, _) => ("‖", "=", Role::Warn),
            (InstanceState::Dead, _) => ("✗", "x", Role::Bad),
            (InstanceState::Stopped, _) => ("○", "-", Role::Before),
        };
        (if self.ascii { ascii } else { sign }, self.style(role))
    }

    /// The lines around a panel.
    pub fn border(self) -> border::Set<'static> {
        if self.ascii { ASCII_BORDER } else { border::PLAIN }
    }

    /// One of two texts: the second holds nothing beyond ASCII.
    pub fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { unicode }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::to_ascii;

    #[test]
    fn whatever_is_above_nothing_has_a_shade_and_more_is_never_lighter() {
        let theme = Theme {
            depth: Depth::Many,
            ascii: false,
        };
        assert_eq!(theme.shade(0.0).0, " ");
        assert_ne!(theme.shade(1e-9).0, " ");
        assert_eq!(theme.shade(1.0).0, "█");
        let level = |share| SHADES.iter().position(|shade| *shade == theme.shade(share).0);
        let levels: Vec<_> = (0..=100).map(|percent| level(f64::from(percent) / 100.0)).collect();
        assert!(levels.is_sorted(), "{levels:?}");
    }

    #[test]
    fn an_ascii_theme_draws_nothing_else() {
        let theme = Theme {
            depth: Depth::None,
            ascii: true,
        };
        let mut drawn = vec![theme.ghost().to_owned(), to_ascii("1 – 2 · µs → “x” ✓ é")];
        drawn.extend((0..=8).map(|eighths| theme.eighths(eighths).to_owned()));
        drawn.extend((0..=10).map(|tenth| theme.shade(f64::from(tenth) / 10.0).0.to_owned()));
        drawn.extend([Some(Verdict::Pass), Some(Verdict::Fail), None].map(|verdict| theme.mark(verdict).to_owned()));
        assert!(drawn.iter().all(|text| text.is_ascii()), "{drawn:?}");
    }
}
