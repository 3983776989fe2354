//! Who answered: the share of each instance, arm by arm.

use scenarios::summary::ArmSummary;
use scenarios::unit::{Unit, in_unit};

use crate::report::words;

use super::canvas::{Anchor, Canvas};
use super::scale::Scale;
use super::{Figure, STYLES, WIDTH};

const BAR: f64 = 20.0;
const HEAD: f64 = 22.0;
const LEFT: f64 = 150.0;
/// Room for the numbers at the right end of a bar.
const RIGHT: f64 = 130.0;

/// Who answered in one arm.
struct Answered<'a> {
    style: usize,
    label: &'a str,
    /// (name, answers).
    instances: Vec<(&'a str, u64)>,
    total: u64,
}

impl<'a> Answered<'a> {
    fn of(style: usize, arm: &'a ArmSummary<'_>) -> Self {
        let answers = arm
            .instances
            .iter()
            .map(|one| (one.name.as_str(), one.requests.unwrap_or(0)));
        let instances: Vec<(&str, u64)> = answers.filter(|(_, requests)| *requests > 0).collect();
        let total = instances.iter().map(|(_, requests)| requests).sum();
        Self {
            style,
            label: &arm.plan.label,
            instances,
            total,
        }
    }

    fn share(&self, requests: u64) -> f64 {
        requests as f64 / self.total as f64
    }

    fn words(&self, requests: u64) -> String {
        format!(
            "{} ({})",
            in_unit(self.share(requests), Unit::Share),
            words::count(requests)
        )
    }

    fn said(&self) -> String {
        let list = self
            .instances
            .iter()
            .map(|(name, requests)| format!("{name} {}", self.words(*requests)));
        format!("{}: {}", self.label, list.collect::<Vec<_>>().join(", "))
    }

    fn draw(&self, canvas: &mut Canvas, top: f64) {
        let x = Scale::linear(0.0, 1.0, (LEFT, WIDTH - RIGHT));
        canvas.text("strong", (2.0, top + 15.0), Anchor::Start, self.label);
        for (row, (name, requests)) in self.instances.iter().enumerate() {
            let y = top + HEAD + BAR * row as f64;
            let length = x.at(self.share(*requests)) - LEFT;
            canvas.text("tick", (LEFT - 8.0, y + 13.0), Anchor::End, name);
            canvas.rect("track", (LEFT, y + 2.0), (x.at(1.0) - LEFT, BAR - 5.0));
            canvas.rect(
                &format!("bar f{}", self.style % STYLES),
                (LEFT, y + 2.0),
                (length, BAR - 5.0),
            );
            canvas.text(
                "tick",
                (x.at(1.0) + 8.0, y + 13.0),
                Anchor::Start,
                &self.words(*requests),
            );
        }
    }
}

/// Bars for every instance that answered; none when none is known.
pub(in crate::report) fn shares(title: &str, arms: &[ArmSummary<'_>]) -> Option<Figure> {
    let answered: Vec<Answered<'_>> = arms
        .iter()
        .enumerate()
        .map(|(style, arm)| Answered::of(style, arm))
        .filter(|arm| arm.total > 0)
        .collect();
    let bars: usize = answered.iter().map(|arm| arm.instances.len()).sum();
    if bars == 0 {
        return None;
    }
    let said: Vec<String> = answered.iter().map(Answered::said).collect();
    let height = HEAD * answered.len() as f64 + BAR * bars as f64 + 8.0;
    let mut canvas = Canvas::new(height, title, &said.join("; "));
    let mut top = 0.0;
    for arm in &answered {
        arm.draw(&mut canvas, top);
        top += HEAD + BAR * arm.instances.len() as f64;
    }
    Some(Figure {
        title: title.to_owned(),
        caption: "Share of all answers of an arm, as its clients saw them, with their number; all classes and rounds."
            .to_owned(),
        legend: Vec::new(),
        svg: canvas.finish(),
    })
}
