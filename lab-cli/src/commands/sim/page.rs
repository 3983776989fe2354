//! The outcome of a sweep as a page.

use sim::{Model, SimFigures};

use crate::arguments::Sim;
use crate::failure::Failure;
use crate::report::{self, SimMaterial};

/// The page; the first of `cells` are the headings.
///
/// # Errors
/// When it cannot be laid out.
pub fn render(
    arguments: &Sim,
    models: &[Model],
    outcomes: &[SimFigures],
    cells: &[Vec<String>],
) -> Result<String, Failure> {
    let (head, rows) = cells
        .split_first()
        .map_or((Vec::new(), &[][..]), |(head, rows)| (head.clone(), rows));
    let material = SimMaterial {
        command: command(std::env::args().skip(1)),
        facts: facts(arguments, models),
        head,
        rows: rows.to_vec(),
        outcomes,
    };
    report::simulation(material).map_err(|error| Failure::unexpected(error.to_string()))
}

/// What was simulated, without what is as it always is.
fn facts(arguments: &Sim, models: &[Model]) -> Vec<(String, String)> {
    let mean_ms = models.first().map_or(0.0, |model| model.service.mean_s() * 1e3);
    let ms = |ms: f64| format!("{ms} ms");
    let facts = [
        (
            "Service time",
            Some(format!("{} (mean {mean_ms:.2} ms)", arguments.service)),
        ),
        ("Arrivals", Some(arguments.arrivals.clone())),
        (
            "Requests at once on a server",
            (arguments.slots != 1).then(|| arguments.slots.to_string()),
        ),
        ("Slow servers", arguments.slow.clone()),
        ("Broken servers", arguments.failing.clone()),
        (
            "Weights",
            arguments.weighs.then(|| "tell how slow the slow ones are".to_owned()),
        ),
        (
            "Balancers",
            (arguments.balancers != 1)
                .then(|| format!("{}, each of which counts its own requests", arguments.balancers)),
        ),
        ("Age of the load that balancers read", arguments.stale_ms.map(ms)),
        ("Round trip of a probe at each pick", arguments.probe_ms.map(ms)),
        ("Clients give up after", arguments.timeout_ms.map(ms)),
        (
            "Keys",
            models
                .iter()
                .any(|model| model.policy.is_keyed())
                .then(|| arguments.keys.clone()),
        ),
        (
            "Requests of each simulation",
            models.first().map(|model| model.requests.to_string()),
        ),
        ("Seed", Some(arguments.seed.to_string())),
    ];
    let told = facts
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    told.collect()
}

/// The command without where its outcome goes, for a shell.
fn command(arguments: impl Iterator<Item = String>) -> String {
    let mut words = vec!["lab".to_owned()];
    let mut is_value = false;
    for argument in arguments {
        if std::mem::take(&mut is_value) || argument == "--open" {
            continue;
        }
        is_value = ["-o", "--output", "--format"].contains(&argument.as_str());
        let joined = ["--output=", "--format="]
            .iter()
            .any(|option| argument.starts_with(option));
        if !is_value && !joined {
            words.push(quoted(argument));
        }
    }
    words.join(" ")
}

fn quoted(word: String) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_.,:/=".contains(char);
    if !word.is_empty() && word.chars().all(is_plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_says_what_is_simulated_and_not_where_it_goes() {
        let words = [
            "sim",
            "random",
            "--servers",
            "10,20",
            "-o",
            "my page.html",
            "--format=html",
            "--open",
            "--slow",
            "1x 2",
        ];
        assert_eq!(
            command(words.iter().map(ToString::to_string)),
            "lab sim random --servers 10,20 --slow '1x 2'"
        );
    }
}
