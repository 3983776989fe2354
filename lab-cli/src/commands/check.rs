//! `lab check`: is a scenario sound?

use scenarios::engine::missing_capability;
use scenarios::format::json_schema;
use scenarios::lint;
use scenarios::plan::{Expected, Options, Plan};
use scenarios::scenario::Scenario;

use crate::arguments::Check;
use crate::failure::{Exit, Failure};
use crate::{backends, catalogue, machine, needs, output};

/// Checks a scenario folder, or prints the schema of scenario files.
///
/// # Errors
/// Everything that is wrong, with line and column; and when there is no such backend.
pub fn run(arguments: &Check) -> Result<Exit, Failure> {
    if arguments.schema {
        output::data(json_schema().as_bytes());
        return Ok(Exit::Pass);
    }
    let Some(folder) = &arguments.folder else {
        return Err(Failure::usage("give the folder of a scenario"));
    };
    let backend = backends::backend(&arguments.backend)?;
    let scenario = catalogue::from_folder(folder)?;
    lint::check(&scenario).map_err(|error| catalogue::in_its_place(&error))?;
    outln!("{}: sound", scenario.name());
    let mut lacks: Vec<String> = needs::met(&scenario, backend.as_ref())
        .err()
        .map(|failure| failure.words())
        .into_iter()
        .collect();
    for (label, quick) in [("default run", false), ("--quick run", true)] {
        let plan = plan(&scenario, quick)?;
        let missing = missing_capability(&plan, backend.as_ref()).map(|error| error.to_string());
        lacks.extend(missing.filter(|_| !quick));
        outln!(
            "  {label}: {} arms, {} rounds, {} checks, about {:.0} s",
            plan.arms.len(),
            plan.rounds,
            plan.checks.len(),
            Expected::of(&plan, None).whole_s(&plan)
        );
    }
    // A scenario is sound wherever it is checked; that it cannot run here is no mistake of it.
    for lack in lacks {
        outln!("  note: lab run would refuse it here: {lack}");
    }
    Ok(Exit::Pass)
}

fn plan(scenario: &Scenario, quick: bool) -> Result<Plan, Failure> {
    let options = Options {
        quick,
        cores: machine::cores(),
        ..Options::default()
    };
    Plan::make(scenario, &options).map_err(|error| Failure::usage(error.to_string()))
}
