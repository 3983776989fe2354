//! What the plan of a recorded run may say.

use compose::topology::INSTANCES_MAX;
use compose::{LinkConditions, SystemSpec};
use contract::Validate;

use super::bound::{Checked, at_most, figure, index, maybe, ms, number, seconds, share};
use crate::format::ROUNDS_MAX;
use crate::plan::{
    ActionSpec, ArmPlan, Asked, ClientsSpec, Expected, LoadSpec, PaceSpec, ParamValue, Plan, SearchSpec,
};

/// The most arms, turns, loads and so on.
const LIST_MAX: usize = 1_000_000;
/// The most servers of a simulation.
const SERVERS_MAX: u64 = 10_000_000;

/// What later events may point to.
pub(super) struct Shape {
    /// How many turns there are.
    pub(super) turns: usize,
    /// How many choices the question has.
    pub(super) choices: usize,
    /// How many actions the arm with the most has.
    pub(super) actions: usize,
}

impl Shape {
    /// That of a plan, once it was found sound.
    pub(super) fn of(plan: &Plan) -> Result<Self, String> {
        check(plan).map_err(|why| format!("the plan: {why}"))?;
        let asked = plan.predict.as_ref().map(|predict| &predict.asked);
        Ok(Self {
            turns: plan.turns.len(),
            choices: match asked {
                Some(Asked::Choices(choices)) => choices.len(),
                _ => 0,
            },
            actions: plan.arms.iter().map(|arm| arm.actions.len()).max().unwrap_or(0),
        })
    }
}

fn check(plan: &Plan) -> Checked {
    at_most("rounds", plan.rounds.into(), ROUNDS_MAX.into())?;
    at_most("the number of turns", plan.turns.len() as u64, LIST_MAX as u64)?;
    for turn in &plan.turns {
        index("the arm of a turn", turn.arm, plan.arms.len())?;
        at_most("the round of a turn", turn.round.into(), ROUNDS_MAX.into())?;
    }
    figure("cores", plan.cores)?;
    ms("lateness_p99_ms_max", plan.lateness_p99_ms_max)?;
    share("error_share_max", plan.error_share_max)?;
    seconds("settle_s", plan.settle_s)?;
    maybe(seconds, "keep_s", plan.keep_s)?;
    for value in plan.params.values().chain(plan.overridden.values()) {
        if let ParamValue::Number(value) = value {
            number("a parameter", *value)?;
        }
    }
    if let Some(Asked::Number { min, max, .. }) = plan.predict.as_ref().map(|predict| &predict.asked) {
        number("min", *min)?;
        number("max", *max)?;
    }
    for check in &plan.checks {
        maybe(number, "at_least", check.bounds.at_least)?;
        maybe(number, "at_most", check.bounds.at_most)?;
    }
    for simulation in &plan.simulations {
        let mut servers = simulation.servers.iter();
        servers.try_for_each(|servers| at_most("servers", u64::from(*servers), SERVERS_MAX))?;
        figure("load", simulation.load)?;
        maybe(figure, "stale_ms", simulation.stale_ms)?;
        maybe(figure, "timeout_ms", simulation.timeout_ms)?;
    }
    let left_out = plan.left_out.iter().map(|out| &out.arm);
    plan.arms
        .iter()
        .chain(left_out)
        .try_for_each(|arm| of_arm(arm).map_err(|why| format!("the arm {:?}: {why}", arm.name)))
}

/// What the run was expected to take.
pub(super) fn expected(expected: &Expected) -> Checked {
    expected
        .turns_s
        .iter()
        .try_for_each(|turn_s| seconds("turns_s", *turn_s))?;
    seconds("after_s", expected.after_s)
}

fn of_arm(arm: &ArmPlan) -> Checked {
    system(&arm.system)?;
    seconds("warmup_s", arm.warmup_s)?;
    seconds("duration_s", arm.duration_s)?;
    seconds("clients_s", arm.clients_s)?;
    seconds("beside_s", arm.beside_s)?;
    maybe(seconds, "settle_s", arm.settle_s)?;
    arm.loads.iter().try_for_each(load)?;
    arm.clients.iter().try_for_each(clients)?;
    arm.searches.iter().try_for_each(search)?;
    arm.actions.iter().try_for_each(action)?;
    arm.liveness
        .iter()
        .try_for_each(|probe| seconds("every_s", probe.every_s))?;
    for window in &arm.windows {
        seconds("from_s", window.from_s)?;
        seconds("to_s", window.to_s)?;
    }
    for law in &arm.invariants {
        let mut numbers = law.numbers.iter();
        numbers.try_for_each(|(name, value)| number(name, *value))?;
    }
    Ok(())
}

fn system(system: &SystemSpec) -> Checked {
    for service in &system.services {
        at_most("instances", service.instances.into(), INSTANCES_MAX.into())?;
    }
    system.links.iter().try_for_each(|of| link(&of.conditions))
}

/// What a link does.
fn link(conditions: &LinkConditions) -> Checked {
    conditions.validate().map_err(|violations| {
        let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
        format!("a link: {}", violations.join("; "))
    })
}

fn load(load: &LoadSpec) -> Checked {
    seconds("timeout_s", load.timeout_s)?;
    maybe(ms, "slow_over_ms", load.slow_over_ms)?;
    match &load.pace {
        PaceSpec::Open { stages, .. } => stages.iter().try_for_each(|(from, to, for_s)| {
            figure("a rate", *from)?;
            figure("a rate", *to)?;
            seconds("a stage", *for_s)
        }),
        PaceSpec::Closed { think_ms, .. } => ms("think_ms", *think_ms),
        PaceSpec::At(times) => times.iter().try_for_each(|at_s| seconds("at_s", *at_s)),
    }
}

fn clients(clients: &ClientsSpec) -> Checked {
    seconds("at_s", clients.at_s)?;
    seconds("timeout_s", clients.timeout_s)
}

fn search(search: &SearchSpec) -> Checked {
    figure("from_rate_per_s", search.from_rate_per_s)?;
    figure("to_rate_per_s", search.to_rate_per_s)?;
    share("quantile", search.quantile)?;
    ms("within_ms", search.within_ms)?;
    seconds("step_s", search.step_s)
}

/// An action with its numbers.
pub(super) fn action(action: &ActionSpec) -> Checked {
    seconds("at_s", action.at_s)?;
    if let Some(instances) = action.instances {
        at_most("instances", instances.into(), INSTANCES_MAX.into())?;
    }
    maybe(figure, "cpus", action.cpus)?;
    maybe(figure, "slowness", action.slowness)?;
    let change = action.link.as_ref();
    change.map_or(Ok(()), |change| link(&change.conditions))
}
