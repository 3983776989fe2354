//! The steps of a search: rate against latency, with the objective.

use scenarios::event::{SearchStep, StepOutcome};
use scenarios::summary::{ArmSummary, Found, SearchSummary};

use crate::report::words;

use super::axes::{self, Area};
use super::canvas::{Anchor, Canvas, Path, line_class, line_swatch, ring, ring_swatch};
use super::scale::Scale;
use super::{Entry, Figure, STYLES};

/// The picture of one class that was searched for in some arms; none when no step was driven.
pub(in crate::report) fn searches(title: &str, class: &str, arms: &[ArmSummary<'_>]) -> Option<Figure> {
    let found: Vec<(usize, &str, &SearchSummary<'_>)> = arms
        .iter()
        .enumerate()
        .flat_map(|(index, arm)| {
            arm.searches
                .iter()
                .map(move |search| (index, arm.plan.label.as_str(), search))
        })
        .filter(|(_, _, search)| search.plan.class == class)
        .collect();
    let steps = || found.iter().flat_map(|(_, _, search)| steps(search));
    let objective = found.first()?.2.plan;
    let latencies = steps().filter_map(|step| step.latency_ms).chain([objective.within_ms]);
    let (low, high) = latencies.fold((f64::MAX, 0.0_f64), |(low, high), ms| (low.min(ms), high.max(ms)));
    let (slowest, fastest) = steps()
        .map(|step| step.rate_per_s)
        .fold((f64::MAX, 0.0_f64), |(low, high), rate| (low.min(rate), high.max(rate)));
    if fastest <= 0.0 {
        return None;
    }
    let area = Area::new(10.0, 260.0);
    let x = Scale::log(slowest, fastest, area.across());
    let y = Scale::log(low, high, area.upwards());
    let quantile = words::quantile(objective.quantile);
    let goal = format!("objective: {quantile} within {}", words::ms(Some(objective.within_ms)));

    let said: Vec<String> = found
        .iter()
        .map(|(_, label, search)| format!("{label}: {} within the objective", rate(&search.found)))
        .collect();
    let mut canvas = Canvas::new(area.bottom + 42.0, title, &format!("{goal}. {}", said.join("; ")));
    area.x_axis(
        &mut canvas,
        &x,
        "rate driven, requests per second (log scale)",
        axes::number,
    );
    area.y_axis(&mut canvas, &y, &format!("{quantile} latency (log scale)"), axes::ms);
    let at = y.at(objective.within_ms);
    canvas.line("goal", (area.left, at), (area.right, at));
    canvas.text("tick act halo", (area.left + 6.0, at - 5.0), Anchor::Start, &goal);
    for (style, _, search) in &found {
        draw(&mut canvas, *style, search, &area, (&x, &y));
    }
    let mut legend: Vec<Entry> = found
        .iter()
        .map(|(style, label, search)| Entry {
            swatch: line_swatch(*style),
            label: format!("{label}: {}", rate(&search.found)),
        })
        .collect();
    legend.push(Entry {
        swatch: ring_swatch("beyond", 6.0),
        label: "ringed: beyond the objective".to_owned(),
    });
    if steps().any(|step| step.outcome == StepOutcome::NoEvidence) {
        let label = "faint ring: says nothing, the generator did not keep its schedule".to_owned();
        legend.push(Entry {
            swatch: ring_swatch("ghost", 4.0),
            label,
        });
    }
    Some(Figure {
        title: title.to_owned(),
        caption: "Each point is one step at one rate. The highest rate is between the fastest step within the \
                  objective and the slowest one beyond it. Points at the upper edge had no good answer."
            .to_owned(),
        legend,
        svg: canvas.finish(),
    })
}

fn rate(found: &Found) -> String {
    if found.is_nothing() {
        "no rate found".to_owned()
    } else {
        words::highest_rate(found)
    }
}

fn steps<'a>(search: &SearchSummary<'a>) -> Vec<&'a SearchStep> {
    let mut steps: Vec<&SearchStep> = search.rounds.iter().flat_map(|(_, found)| &found.steps).collect();
    steps.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
    steps
}

fn draw(canvas: &mut Canvas, style: usize, search: &SearchSummary<'_>, area: &Area, (x, y): (&Scale, &Scale)) {
    let place = |step: &SearchStep| (x.at(step.rate_per_s), step.latency_ms.map_or(area.top, |ms| y.at(ms)));
    let steps = steps(search);
    let evidence = steps.iter().filter(|step| step.outcome != StepOutcome::NoEvidence);
    canvas.path(&line_class(style), &Path::through(evidence.map(|step| place(step))));
    if let Some(rate) = search.found.max_rate_per_s {
        let class = format!("thin s{}", style % STYLES);
        canvas.line(
            &class,
            (x.at(rate), y.at(search.plan.within_ms)),
            (x.at(rate), area.bottom),
        );
    }
    for step in steps {
        let (at_x, at_y) = place(step);
        match step.outcome {
            StepOutcome::Within => canvas.marker(style, (at_x, at_y)),
            StepOutcome::Beyond => {
                canvas.marker(style, (at_x, at_y));
                canvas.path("beyond", &ring((at_x, at_y), 8.0));
            }
            StepOutcome::NoEvidence => canvas.path("ghost", &ring((at_x, at_y), 4.0)),
        }
    }
}
