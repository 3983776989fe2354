//! A whole scenario file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::action::{Action, WindowSection};
use super::check::Check;
use super::clients::Clients;
use super::invariant::InvariantSection;
use super::load::{Load, SearchSection};
use super::need::Need;
use super::number;
use super::predict::Predict;
use super::probe::{Probe, StorySection};
use super::quantity::Place;
use super::run::{ChoiceParam, Param, RunSection};
use super::simulation::SimulationSection;
use super::system::{Arm, Planted, SystemSection};

/// The version of the scenario format that this build reads.
pub const FORMAT_VERSION: u32 = 1;

/// A whole `scenario.toml`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Version of this format; 1.
    pub schema: u32,
    /// The scenario's name, equal to its folder's: lower-case letters, digits and hyphens.
    pub name: Place,
    /// Phase of the curriculum, 0 to 7; 8 for what is beyond it.
    #[serde(deserialize_with = "number::phase")]
    pub phase: u8,
    /// A short title.
    pub title: String,
    /// The one question that the scenario answers.
    pub question: String,
    /// What the scenario needs beside the lab itself.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Parameters that `--set KEY=VALUE` may override, by name.
    #[serde(default)]
    pub params: BTreeMap<String, Param>,
    /// Parameters that are one of some words, by name; `--set KEY=WORD` may override them, too.
    #[serde(default)]
    pub choices: BTreeMap<String, ChoiceParam>,
    /// What the learner is asked before the run.
    #[serde(default)]
    pub predict: Option<Predict>,
    /// Rounds and timing.
    pub run: RunSection,
    /// The system under test, as every arm starts from it.
    pub system: SystemSection,
    /// The arms to compare: the same system with one setting changed.
    #[serde(rename = "arm")]
    pub arms: Vec<Arm>,
    /// Groups of arms, by name, that behave alike: no check has to tell two of them apart.
    #[serde(default)]
    pub alike: Vec<Vec<Place>>,
    /// Faults that `lab check --swap` plants in an arm, to show that checks find them. No other run measures them.
    #[serde(default)]
    pub planted: Vec<Planted>,
    /// Streams of requests.
    #[serde(default, rename = "load")]
    pub loads: Vec<Load>,
    /// Clients whose operations make a history.
    #[serde(default)]
    pub clients: Vec<Clients>,
    /// Laws that the histories are held to.
    #[serde(default, rename = "law")]
    pub invariants: Vec<InvariantSection>,
    /// Searches for the highest rate within a latency objective.
    #[serde(default, rename = "search")]
    pub searches: Vec<SearchSection>,
    /// What is simulated beside.
    #[serde(default, rename = "simulation")]
    pub simulations: Vec<SimulationSection>,
    /// Things done to the system at a set time.
    #[serde(default, rename = "action")]
    pub actions: Vec<Action>,
    /// Named spans of an arm's time; a request belongs to the one that holds its intended start.
    #[serde(default, rename = "window")]
    pub windows: Vec<WindowSection>,
    /// Questions put to the system after the load, whose answers become facts.
    #[serde(default, rename = "probe")]
    pub probes: Vec<Probe>,
    /// What happened to one order across services, to be drawn.
    #[serde(default, rename = "story")]
    pub stories: Vec<StorySection>,
    /// What must hold, and what must break.
    #[serde(rename = "check")]
    pub checks: Vec<Check>,
}
