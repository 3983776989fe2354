//! A simulation with its numbers.

use balance::PolicyKind;
use serde::{Deserialize, Serialize};
use sim::{Cost, Information, Model, ServiceTime};

use super::resolve::Resolver;
use crate::format::{Figure, Place, Problem, SimulationKind, SimulationSection};

/// Requests of each simulation where the scenario says nothing, and repetitions of balls into bins.
const REQUESTS_DEFAULT: f64 = 200_000.0;
const REPEATS_DEFAULT: f64 = 20.0;
/// More would keep the learner waiting.
const REQUESTS_MAX: f64 = 5e7;
/// The most requests of all simulations of a name, and the most memory at once, bytes: the learner waits for them.
const STEPS_MAX: f64 = 1e9;
const BYTES_MAX: f64 = 1e9;
/// Of so many requests one is warm-up.
const WARMUP_PART: u64 = 10;

/// Simulations of some policies with some numbers of servers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimulationSpec {
    /// Name in expressions.
    pub name: String,
    /// What people read.
    pub label: String,
    /// What is simulated.
    pub kind: SimulationKind,
    /// Names of the policies.
    pub policies: Vec<String>,
    /// Numbers of servers.
    pub servers: Vec<u32>,
    /// The figure that the picture shows.
    pub shows: Figure,
    /// Requests of each simulation, or repetitions.
    pub requests: u64,
    /// Service time as `lab sim` takes it.
    pub service: String,
    /// Requests that one server works on at once.
    pub slots: u32,
    /// Offered load as a share of the capacity.
    pub load: f64,
    /// Slow servers as `lab sim` takes them.
    pub slow: Option<String>,
    /// How old information is, milliseconds.
    pub stale_ms: Option<f64>,
    /// When clients give up, milliseconds.
    pub timeout_ms: Option<f64>,
    /// Keys as `lab sim` takes them.
    pub keys: Option<String>,
}

impl SimulationSpec {
    /// The model of one policy with one number of servers; says why there is none.
    pub(crate) fn model(&self, policy: PolicyKind, servers: u32, seed: u64) -> Result<Model, String> {
        let text = |error: sim::ParseError| error.to_string();
        let base = Model::new(policy);
        let model = Model {
            servers,
            slots: self.slots,
            service: self.service.parse::<ServiceTime>().map_err(text)?,
            load: self.load,
            slow: self.slow.as_deref().map_or(Ok(base.slow), str::parse).map_err(text)?,
            information: self
                .stale_ms
                .map_or(Information::Own, |ms| Information::Board { every_s: ms / 1e3 }),
            timeout_s: self.timeout_ms.map(|ms| ms / 1e3),
            keys: self.keys.as_deref().map_or(Ok(base.keys), str::parse).map_err(text)?,
            requests: self.requests,
            warmup: self.requests / WARMUP_PART,
            seed,
            ..base
        };
        model.check().map_err(|error| error.to_string())?;
        Ok(model)
    }

    /// Its policies, which are known ones: the format was checked.
    pub(crate) fn kinds(&self) -> Vec<PolicyKind> {
        self.policies.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// The command that plays the same for longer, or with other numbers; `lab sim` has no balls and bins.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        if self.kind == SimulationKind::Bins {
            return None;
        }
        let servers: Vec<String> = self.servers.iter().map(ToString::to_string).collect();
        let mut command = format!("lab sim {} --servers {}", self.policies.join(" "), servers.join(","));
        command += &format!(" --service {} --load {}", self.service, self.load);
        if self.slots != 1 {
            command += &format!(" --slots {}", self.slots);
        }
        for (option, value) in [("slow", &self.slow), ("keys", &self.keys)] {
            command += &value
                .as_ref()
                .map(|value| format!(" --{option} {value}"))
                .unwrap_or_default();
        }
        for (option, value) in [("stale-ms", self.stale_ms), ("timeout-ms", self.timeout_ms)] {
            command += &value.map(|value| format!(" --{option} {value}")).unwrap_or_default();
        }
        Some(command)
    }
}

pub(super) fn spec(section: &SimulationSection, resolver: &Resolver) -> Result<SimulationSpec, Problem> {
    let default = match section.kind {
        SimulationKind::Queues => REQUESTS_DEFAULT,
        SimulationKind::Bins => REPEATS_DEFAULT,
    };
    let positive = |quantity: &Option<_>, what: &str| {
        let value = quantity
            .as_ref()
            .map(|quantity| resolver.number_in(quantity, 1e-3, 1e9, what));
        value.transpose()
    };
    let filled = |text: &Option<Place>| text.as_ref().map(|text| resolver.fill(text)).transpose();
    let requests = match &section.requests {
        Some(requests) => resolver.number_in(requests, 1.0, REQUESTS_MAX, "the number of requests")?,
        None => default,
    };
    let spec = SimulationSpec {
        name: section.name.to_string(),
        label: resolver.fill(&section.label)?,
        kind: section.kind,
        policies: section.policies.iter().map(ToString::to_string).collect(),
        servers: section.servers.clone(),
        shows: section.shows,
        requests: requests as u64,
        service: filled(&section.service)?.unwrap_or_else(|| "exponential:10".to_owned()),
        slots: resolver.or(section.slots.as_ref(), 1.0, 10_000.0, "the number of slots")? as u32,
        load: resolver.or(section.load.as_ref(), 0.8, 100.0, "the load")?,
        slow: filled(&section.slow)?,
        stale_ms: positive(&section.stale_ms, "the age of the information")?,
        timeout_ms: positive(&section.timeout_ms, "the timeout")?,
        keys: filled(&section.keys)?,
    };
    sound(&spec, &section.name)?;
    Ok(spec)
}

/// Refuses what could not be played.
fn sound(spec: &SimulationSpec, place: &Place) -> Result<(), Problem> {
    let wrong = |why: String| {
        Problem::at(
            place.span(),
            format!("the simulation `{}` cannot be played: {why}", spec.name),
        )
    };
    if spec.policies.is_empty() || spec.servers.is_empty() {
        return Err(wrong("it has no policy, or no number of servers".to_owned()));
    }
    let mut cost = Cost::default();
    for policy in spec.kinds() {
        for servers in &spec.servers {
            let of = spec.model(policy, *servers, 0).map_err(wrong)?.cost();
            let thrown = match spec.kind {
                SimulationKind::Queues => of.steps,
                SimulationKind::Bins => of.steps * f64::from(*servers),
            };
            cost.steps += thrown;
            cost.bytes = cost.bytes.max(of.bytes);
        }
    }
    if cost.steps > STEPS_MAX || cost.bytes > BYTES_MAX {
        let (requests, gib) = (cost.steps / 1e6, cost.bytes / (1024.0 * 1024.0 * 1024.0));
        return Err(wrong(format!(
            "it takes {requests:.0} million requests and {gib:.1} GiB; at most 1000 million and 1 GB are simulated"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_says_all_that_differs_from_the_defaults() {
        let spec = SimulationSpec {
            name: "one".into(),
            label: "one".into(),
            kind: SimulationKind::Queues,
            policies: vec!["random".into(), "peak_ewma".into()],
            servers: vec![11, 1000],
            shows: Figure::Lost,
            requests: 10,
            service: "constant:10".into(),
            slots: 1000,
            load: 0.002,
            slow: Some("1x200".into()),
            stale_ms: None,
            timeout_ms: Some(1000.0),
            keys: None,
        };
        assert_eq!(
            spec.command().as_deref(),
            Some(
                "lab sim random peak_ewma --servers 11,1000 --service constant:10 --load 0.002 --slots 1000 --slow 1x200 \
                 --timeout-ms 1000"
            )
        );
        assert_eq!(spec.model(spec.kinds()[0], 11, 1).unwrap().slow.servers, 1);
        let broken = SimulationSpec {
            slow: Some("12x2".into()),
            ..spec
        };
        assert!(broken.model(broken.kinds()[0], 11, 1).is_err());
    }
}
