//! Throughput and errors over time, one arm.

use scenarios::event::SLICES_PER_S;
use scenarios::state::RoundState;

use crate::report::words;

use super::axes::{self, Area};
use super::canvas::{Canvas, Path, bare_swatch, box_swatch, line_class};
use super::marks::Marks;
use super::scale::Scale;
use super::{Entry, Figure};

/// Steps in a picture, at most: more would be noise.
const STEPS_MAX: f64 = 60.0;

/// What became of the requests of one step of time.
#[derive(Clone, Copy, Default)]
struct Step {
    ok: u64,
    failed: u64,
}

/// The picture of an arm: good answers of each class and all failed requests, per second; none without requests.
pub(in crate::report) fn rates(
    title: &str,
    classes: &[(usize, String)],
    rounds: &[RoundState],
    marks: &Marks,
    end_s: f64,
) -> Option<Figure> {
    let slices = || {
        rounds
            .iter()
            .flat_map(|round| &round.classes)
            .flat_map(|(name, class)| class.slices.iter().map(move |slice| (name, slice)))
    };
    let last = slices().map(|(_, ((index, _), _))| *index + 1).max()?;
    let end_s = end_s.max(f64::from(last) / f64::from(SLICES_PER_S));
    let per_step = ((end_s * f64::from(SLICES_PER_S) / STEPS_MAX).ceil() as u32).max(2);
    let step_s = f64::from(per_step) / f64::from(SLICES_PER_S);
    let number = (last.div_ceil(per_step)) as usize;
    let of = |wanted: Option<&str>| {
        let mut steps = vec![Step::default(); number];
        for (_, ((index, _), slice)) in slices().filter(|(name, _)| wanted.is_none_or(|wanted| *name == wanted)) {
            let step = &mut steps[(index / per_step) as usize];
            step.ok += slice.ok;
            step.failed += slice.errors.values().sum::<u64>();
        }
        steps
    };
    let per_s = |count: u64| count as f64 / step_s / rounds.len() as f64;
    let all = of(None);
    let by_class: Vec<(usize, &str, Vec<Step>)> = classes
        .iter()
        .map(|(style, name)| (*style, name.as_str(), of(Some(name))))
        .collect();
    let highest = by_class.iter().flat_map(|(_, _, steps)| steps).map(|step| step.ok);
    let highest = highest.chain(all.iter().map(|step| step.failed)).max().unwrap_or(0);

    let top = marks.height() + 4.0;
    let area = Area::new(top, top + 130.0);
    let x = Scale::linear(0.0, end_s, area.across());
    let y = Scale::linear(0.0, (per_s(highest) * 1.08).max(1.0), area.upwards());
    let failed: u64 = all.iter().map(|step| step.failed).sum();
    let said = by_class.iter().map(|(_, name, steps)| {
        format!(
            "{name}: {} good answers",
            words::count(steps.iter().map(|step| step.ok).sum())
        )
    });
    let said = said.collect::<Vec<_>>().join(", ");
    let said = format!("{said}, {} failed requests.{}", words::count(failed), marks.said());
    let mut canvas = Canvas::new(area.bottom + 42.0, title, &said);
    marks.draw_windows(&mut canvas, &area, &x, area.top);
    area.x_axis(
        &mut canvas,
        &x,
        "intended start of the request, seconds of load",
        axes::seconds,
    );
    area.y_axis(&mut canvas, &y, "requests per second", axes::number);
    let step_x = |step: usize| (x.at(step as f64 * step_s), x.at((step + 1) as f64 * step_s));
    let mut errors = Path::default();
    for (index, step) in all.iter().enumerate().filter(|(_, step)| step.failed > 0) {
        let ((from, to), y_at) = (step_x(index), y.at(per_s(step.failed)));
        errors.rect((from, y_at), (to - from, area.bottom - y_at));
    }
    canvas.path("failed", &errors);
    for (style, _, steps) in &by_class {
        let points = steps.iter().enumerate().flat_map(|(index, step)| {
            let ((from, to), y_at) = (step_x(index), y.at(per_s(step.ok)));
            [(from, y_at), (to, y_at)]
        });
        canvas.path(&line_class(*style), &Path::through(points));
    }
    marks.draw_actions(&mut canvas, &area, &x, area.top);
    let lines = by_class.iter().map(|(style, name, _)| Entry {
        swatch: bare_swatch(&line_class(*style)),
        label: format!("{name}: good answers per second"),
    });
    let errors = Entry {
        swatch: box_swatch("failed"),
        label: "failed requests per second".to_owned(),
    };
    Some(Figure {
        title: title.to_owned(),
        caption: format!(
            "Mean of the rounds in steps of {}; an answer counts at the time at which its request was meant to start.",
            axes::ms(step_s * 1000.0)
        ),
        legend: lines
            .chain((failed > 0).then_some(errors))
            .chain(marks.legend())
            .collect(),
        svg: canvas.finish(),
    })
}
