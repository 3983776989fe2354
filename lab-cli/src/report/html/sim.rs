//! The page of a `lab sim`: what was simulated, and what came out.

use std::cmp::Ordering;

use serde::Serialize;
use sim::SimFigures;

use super::tables::Table;
use crate::report::svg::{self, Axis, Figure, Line, Rung};
use crate::report::words;

/// The percentiles of the picture.
const PERCENTILES: [&str; 4] = ["p50", "p90", "p99", "p99.9"];
/// Pictures with more rows than this are no pictures.
const ROWS_MAX: usize = 60;
/// More sentences than this nobody reads.
const SENTENCES_MAX: usize = 3;

/// All that the page shows.
pub struct SimMaterial<'a> {
    /// The command that repeats it.
    pub command: String,
    /// What was simulated, in words: name and value.
    pub facts: Vec<(String, String)>,
    /// Headings of the table; the first is the policy's.
    pub head: Vec<String>,
    /// One row an outcome, in their order.
    pub rows: Vec<Vec<String>>,
    /// What came out.
    pub outcomes: &'a [SimFigures],
}

#[derive(Serialize)]
pub(super) struct SimPage {
    style: &'static str,
    title: String,
    facts: Vec<(String, String)>,
    best: Vec<String>,
    outcomes: Option<Table>,
    pictures: Vec<Figure>,
    command: String,
}

pub(super) fn page(material: SimMaterial<'_>, style: &'static str) -> SimPage {
    let SimMaterial {
        command,
        facts,
        head,
        rows,
        outcomes,
    } = material;
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    SimPage {
        style,
        title: title(outcomes),
        facts,
        best: best(outcomes),
        outcomes: Table::new("Outcomes; times in milliseconds", 1, &head, rows),
        pictures: pictures(outcomes),
        command,
    }
}

fn title(outcomes: &[SimFigures]) -> String {
    let policies = distinct(outcomes, |outcome| outcome.policy.clone());
    let servers = distinct(outcomes, |outcome| words::count(u64::from(outcome.servers)));
    let loads = distinct(outcomes, |outcome| words::share(outcome.load));
    let policies = match policies.as_slice() {
        [one] => one.clone(),
        some => format!("{} policies", some.len()),
    };
    format!(
        "{policies} over {} servers, at {} of what they can do",
        listed(&servers),
        listed(&loads)
    )
}

fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Different values, in the order in which they come.
fn distinct<T: PartialEq>(outcomes: &[SimFigures], of: impl Fn(&SimFigures) -> T) -> Vec<T> {
    let mut values = Vec::new();
    for value in outcomes.iter().map(of) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// Points of a sweep: the number of servers and the load.
fn points(outcomes: &[SimFigures]) -> Vec<(u32, f64)> {
    distinct(outcomes, |outcome| (outcome.servers, outcome.load))
}

/// Who did best and worst at each point, in a sentence each; in a large sweep the pictures say it better.
fn best(outcomes: &[SimFigures]) -> Vec<String> {
    let points = points(outcomes);
    if points.len() > SENTENCES_MAX {
        return Vec::new();
    }
    points
        .iter()
        .filter_map(|(servers, load)| {
            let mut here: Vec<&SimFigures> = outcomes
                .iter()
                .filter(|outcome| outcome.servers == *servers && outcome.load == *load && outcome.p99_ms.is_some())
                .collect();
            // Who loses nothing comes before who is fast.
            here.sort_by(|a, b| {
                (b.success, a.p99_ms)
                    .partial_cmp(&(a.success, b.p99_ms))
                    .unwrap_or(Ordering::Equal)
            });
            let (first, last) = (here.first()?, here.last()?);
            let (servers, load) = (words::count(u64::from(*servers)), words::share(*load));
            let said = format!(
                "{servers} servers at {load}: best {}, worst {}.",
                told(first),
                told(last)
            );
            (first.policy != last.policy).then_some(said)
        })
        .collect()
}

fn told(outcome: &SimFigures) -> String {
    let p99 = words::ms(outcome.p99_ms);
    if outcome.ok == outcome.requests {
        format!("{} (p99 {p99})", outcome.policy)
    } else {
        let success = outcome.success * 100.0;
        format!(
            "{} ({success:.2} % answered well and in time, p99 {p99})",
            outcome.policy
        )
    }
}

fn pictures(outcomes: &[SimFigures]) -> Vec<Figure> {
    let mut pictures = Vec::new();
    for load in distinct(outcomes, |outcome| outcome.load) {
        let here: Vec<&SimFigures> = outcomes.iter().filter(|outcome| outcome.load == load).collect();
        pictures.extend(percentiles(&here, load));
        pictures.extend(over_servers(&here, load));
    }
    for servers in distinct(outcomes, |outcome| outcome.servers) {
        let here: Vec<&SimFigures> = outcomes.iter().filter(|outcome| outcome.servers == servers).collect();
        pictures.extend(over_loads(&here, servers));
    }
    pictures
}

/// A row for each simulation under one load.
fn percentiles(outcomes: &[&SimFigures], load: f64) -> Option<Figure> {
    let several = outcomes.iter().any(|outcome| outcome.servers != outcomes[0].servers);
    let rung = |outcome: &&SimFigures| Rung {
        label: match several {
            true => format!("{} · {}", outcome.policy, words::count(u64::from(outcome.servers))),
            false => outcome.policy.clone(),
        },
        marks_ms: vec![outcome.p50_ms, outcome.p90_ms, outcome.p99_ms, outcome.p99_9_ms],
    };
    let rows: Vec<Rung> = outcomes.iter().take(ROWS_MAX).map(rung).collect();
    let title = format!("Percentiles at {}", words::share(load));
    let caption =
        "Each row is one simulation; the farther its marks reach to the right, the longer its slowest requests took.";
    svg::rungs((&title, caption), &PERCENTILES, &rows)
}

/// The tail, and what was lost, over the number of servers.
fn over_servers(outcomes: &[&SimFigures], load: f64) -> Vec<Figure> {
    let at = words::share(load);
    let x = |outcome: &SimFigures| f64::from(outcome.servers);
    let axis = Axis {
        label: "servers (log scale)",
        log: true,
        text: svg::number,
    };
    let tail = tail(outcomes, &format!("p99 over the number of servers, at {at}"), axis, x);
    let lost = lost(
        outcomes,
        &format!("Requests lost over the number of servers, at {at}"),
        axis,
        x,
    );
    tail.into_iter().chain(lost).collect()
}

/// The tail over the load.
fn over_loads(outcomes: &[&SimFigures], servers: u32) -> Option<Figure> {
    let axis = Axis {
        label: "offered load, as a share of what all servers can do",
        log: false,
        text: words::share,
    };
    let title = format!("p99 over the load, {} servers", words::count(u64::from(servers)));
    tail(outcomes, &title, axis, |outcome| outcome.load)
}

/// One line for each policy.
fn of_policies(outcomes: &[&SimFigures], x: fn(&SimFigures) -> f64, y: fn(&SimFigures) -> Option<f64>) -> Vec<Line> {
    let mut policies: Vec<&str> = Vec::new();
    for outcome in outcomes {
        if !policies.contains(&outcome.policy.as_str()) {
            policies.push(&outcome.policy);
        }
    }
    let line = |(style, policy): (usize, &&str)| {
        let own = outcomes.iter().filter(|outcome| outcome.policy == **policy);
        let mut points: Vec<(f64, f64)> = own.filter_map(|outcome| Some((x(outcome), y(outcome)?))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Line {
            label: (*policy).to_owned(),
            style: Some(style),
            points,
        }
    };
    policies.iter().enumerate().map(line).collect()
}

fn tail(outcomes: &[&SimFigures], title: &str, x_axis: Axis<'_>, x: fn(&SimFigures) -> f64) -> Option<Figure> {
    let lines = of_policies(outcomes, x, |outcome| outcome.p99_ms);
    let y_axis = Axis {
        label: "p99 (log scale)",
        log: true,
        text: svg::ms,
    };
    let caption = "Policies that are compared got the same requests at the same times with the same work.";
    svg::lines((title, caption), x_axis, y_axis, &lines)
}

/// Drawn where something was lost at all.
fn lost(outcomes: &[&SimFigures], title: &str, x_axis: Axis<'_>, x: fn(&SimFigures) -> f64) -> Option<Figure> {
    let lines = of_policies(outcomes, x, |outcome| Some(1.0 - outcome.success));
    let any = lines
        .iter()
        .flat_map(|line| &line.points)
        .any(|(_, share)| *share > 0.0);
    let y_axis = Axis {
        label: "requests lost",
        log: false,
        text: words::share,
    };
    let caption = "Without a good answer in time: late, failed and refused ones together.";
    any.then(|| svg::lines((title, caption), x_axis, y_axis, &lines))
        .flatten()
}

#[cfg(test)]
mod tests {
    use sim::{Model, sweep};

    use super::*;

    fn outcomes(servers: &[u32], loads: &[f64]) -> Vec<SimFigures> {
        let mut models = Vec::new();
        for load in loads {
            for servers in servers {
                for policy in ["random", "two_choices"] {
                    models.push(Model {
                        servers: *servers,
                        load: *load,
                        requests: 2_000,
                        warmup: 200,
                        timeout_s: Some(0.05),
                        ..Model::new(policy.parse().unwrap())
                    });
                }
            }
        }
        sweep(&models, 2, |_| ()).unwrap()
    }

    fn page_of(outcomes: &[SimFigures]) -> String {
        crate::report::simulation(SimMaterial {
            command: "lab sim <random>".to_owned(),
            facts: vec![("Seed".to_owned(), "1".to_owned())],
            head: vec!["policy".to_owned(), "p99".to_owned()],
            rows: vec![vec!["random".to_owned(), "1".to_owned()]],
            outcomes,
        })
        .unwrap()
    }

    #[test]
    fn a_single_point_is_told_in_words_and_drawn_once() {
        let page = page_of(&outcomes(&[10], &[0.8]));
        assert!(
            page.contains("2 policies over 10 servers, at 80 % of what they can do"),
            "{page}"
        );
        assert!(page.contains("10 servers at 80 %: best two_choices"), "{page}");
        assert_eq!(page.matches("<svg class=\"chart").count(), 1);
        assert!(page.contains("lab sim &lt;random&gt;"));
    }

    #[test]
    fn a_sweep_is_drawn_over_servers_and_over_loads_and_needs_no_network() {
        let page = page_of(&outcomes(&[10, 20], &[0.5, 0.8]));
        // By load: percentiles, tail and losses; by number of servers: the tail.
        assert_eq!(page.matches("<svg class=\"chart").count(), 2 * 3 + 2);
        assert!(
            !page.contains("best two_choices") && !page.contains("<script") && !page.contains("http"),
            "{page}"
        );
    }
}
