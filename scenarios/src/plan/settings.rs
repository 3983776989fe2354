//! The parameters of a run, its rounds and the cores of its machine: what every other number is decided from.

use std::collections::BTreeMap;

use super::options::{Options, PlanError};
use super::params;
use super::resolve::Resolver;
use super::value::ParamValue;
use crate::format::{Document, ROUNDS_MAX};

/// What is decided before all else.
pub(super) struct Settings {
    pub(super) params: BTreeMap<String, ParamValue>,
    pub(super) rounds: u32,
    pub(super) cores: f64,
}

impl Settings {
    pub(super) fn of(document: &Document, options: &Options) -> Result<Self, PlanError> {
        let params = params::params(document, options)?;
        let rounds = options.rounds.unwrap_or(if options.quick {
            document.run.quick_rounds
        } else {
            document.run.rounds
        });
        if !(1..=ROUNDS_MAX).contains(&rounds) {
            return Err(PlanError::Rounds { rounds });
        }
        Ok(Self {
            params,
            rounds,
            cores: options.cores.max(1) as f64,
        })
    }

    pub(super) fn resolver(&self) -> Resolver {
        Resolver::new(&self.params, self.cores, self.rounds)
    }
}
