//! Who calls whom in a system.

use contract::Program;

use super::spec::{ServiceSpec, SystemSpec};
use super::spec_error::SpecError;

impl SystemSpec {
    /// Who calls whom in this system, by alias: all the ways that a link can be.
    ///
    /// # Errors
    /// When more than one service could be meant by a caller.
    pub fn ways(&self) -> Result<Vec<(&str, &str)>, SpecError> {
        let mut ways = Vec::new();
        for caller in &self.services {
            let callees = self.callees(caller)?.into_iter();
            ways.extend(callees.map(|(_, callee)| (caller.name.as_str(), callee.name.as_str())));
        }
        Ok(ways)
    }

    /// The services of this system that `caller` calls, with the contract's name of each.
    ///
    /// # Errors
    /// When more than one service could be meant and the caller does not say itself which.
    pub(crate) fn callees<'a>(&'a self, caller: &'a ServiceSpec) -> Result<Vec<(Program, &'a ServiceSpec)>, SpecError> {
        let mut callees = Vec::new();
        for &callee in caller.service.dependencies() {
            if caller.env.contains_key(callee.url_variable()) {
                continue;
            }
            let candidates: Vec<_> = self.services.iter().filter(|other| other.service == callee).collect();
            let chosen = match candidates.as_slice() {
                [] => continue,
                [only] => only,
                several => several
                    .iter()
                    .find(|other| other.name == callee.as_str())
                    .ok_or_else(|| SpecError::AmbiguousDependency {
                        caller: caller.name.clone(),
                        callee,
                        candidates: several.iter().map(|other| other.name.clone()).collect(),
                    })?,
            };
            callees.push((callee, *chosen));
        }
        Ok(callees)
    }
}
