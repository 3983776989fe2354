//! The question before a run: what will happen?

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use scenarios::guess::Guess;
use scenarios::plan::{Asked, PredictSpec};
use scenarios::unit::in_unit;

use super::lesson::heading;
use crate::guess;
use crate::job::Job;
use crate::tui::panels::{put, words};
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

/// The longest answer that can be typed.
const ANSWER_MAX: usize = 12;

/// The page.
pub struct Predict {
    /// What begins once the question is answered.
    pub job: Job,
    predict: PredictSpec,
    /// About how long the run takes, seconds.
    length_s: f64,
    answer: String,
    chosen: usize,
    complaint: Option<String>,
}

impl Predict {
    /// The page for a job; none for one that asks nothing, or whose answer is known.
    pub fn of(job: &Job) -> Option<Self> {
        let predict = job.plan.predict.clone().filter(|_| job.guess.is_none())?;
        Some(Self {
            job: job.clone(),
            length_s: job.expected().whole_s(&job.plan),
            predict,
            answer: String::new(),
            chosen: 0,
            complaint: None,
        })
    }

    /// Takes a key of an answer. Gives whether it was one.
    pub fn edit(&mut self, key: KeyEvent) -> bool {
        let digit = |c: char| c.is_ascii_digit();
        match (&self.predict.asked, key.code) {
            (Asked::Number { .. }, KeyCode::Char(c)) if digit(c) || ".,%".contains(c) => {
                if self.answer.len() < ANSWER_MAX {
                    self.answer.push(c);
                }
            }
            (Asked::Number { .. }, KeyCode::Backspace) => {
                self.answer.pop();
            }
            (Asked::Choices(choices), KeyCode::Char(c)) if digit(c) => {
                let chosen = c as usize - '0' as usize;
                if (1..=choices.len()).contains(&chosen) {
                    self.chosen = chosen - 1;
                }
            }
            (Asked::Choices(choices), KeyCode::Down | KeyCode::Char('j')) => {
                self.chosen = (self.chosen + 1).min(choices.len() - 1);
            }
            (Asked::Choices(_), KeyCode::Up | KeyCode::Char('k')) => self.chosen = self.chosen.saturating_sub(1),
            _ => return false,
        }
        self.complaint = None;
        true
    }

    /// The job with the answer in it; none when the answer makes no sense, which the page then says.
    pub fn answered(&mut self) -> Option<Job> {
        let guess = match &self.predict.asked {
            Asked::Choices(_) => Ok(Guess::Choice(self.chosen)),
            Asked::Number { .. } if self.answer.is_empty() => {
                Err("type a number, or go on without a guess: Tab".to_owned())
            }
            Asked::Number { .. } => guess::parse(&self.answer, &self.predict.asked),
        };
        match guess {
            Ok(guess) => Some(Job {
                guess: Some(guess),
                ..self.job.clone()
            }),
            Err(why) => {
                self.complaint = Some(why);
                None
            }
        }
    }

    /// Draws the page.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: Theme) {
        let width = usize::from(area.width.min(100)).max(20);
        let mut lines = vec![heading("Before it runs: what do you expect?", theme), Line::default()];
        for line in text::wrapped(width, theme, &self.predict.question) {
            lines.push(line.style(Style::new().add_modifier(Modifier::BOLD)));
        }
        lines.push(Line::default());
        lines.extend(self.answer_lines(width, theme));
        if let Some(complaint) = &self.complaint {
            lines.push(Line::styled(words(complaint, theme), theme.style(Role::Bad)));
        }
        lines.push(Line::default());
        lines.push(heading("What is compared", theme));
        for arm in &self.job.plan.arms {
            lines.push(Line::raw(words(&format!("• {}", arm.label), theme)));
        }
        lines.push(Line::default());
        lines.push(heading("What to watch", theme));
        lines.extend(text::markdown(
            width,
            theme,
            self.job.scenario.lesson.section("What to watch"),
        ));
        lines.push(Line::default());
        let rounds = self.job.plan.rounds;
        let length = format!(
            "{} arms, {rounds} round{} each, about {:.0} s in all",
            self.job.plan.arms.len(),
            if rounds == 1 { "" } else { "s" },
            self.length_s
        );
        lines.push(Line::styled(length, theme.dim()));
        put(&lines, area, buf);
    }

    fn answer_lines(&self, width: usize, theme: Theme) -> Vec<Line<'static>> {
        match &self.predict.asked {
            Asked::Choices(choices) => choices
                .iter()
                .enumerate()
                .flat_map(|(index, choice)| {
                    let chosen = index == self.chosen;
                    choice_lines(index + 1, &choice.label, chosen, width, theme)
                })
                .collect(),
            Asked::Number { min, max, unit, .. } => {
                let range = format!("  {} to {}", in_unit(*min, *unit), in_unit(*max, *unit));
                vec![Line::from(vec![
                    Span::raw("your guess: "),
                    Span::styled(format!(" {}{} ", self.answer, theme.pick("▏", "_")), theme.selected()),
                    Span::styled(words(&range, theme), theme.dim()),
                ])]
            }
        }
    }
}

/// A choice after its number. What does not fit on one line goes on below the words.
fn choice_lines(number: usize, label: &str, chosen: bool, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let (mark, style) = if chosen {
        (theme.pick("▶", ">"), theme.selected())
    } else {
        (" ", Style::new())
    };
    let before = format!("{mark} {number} ");
    let room = width.saturating_sub(before.chars().count() + 1);
    let label = text::wrapped(room, theme, label).into_iter();
    label
        .enumerate()
        .map(|(line, words)| {
            let before = if line == 0 { before.as_str() } else { "    " };
            Line::styled(format!("{before}{words} "), style)
        })
        .collect()
}
