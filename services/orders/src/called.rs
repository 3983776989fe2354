//! The services that an order needs.

use chassis::{Callee, Check, Client, Settings};
use contract::Program;

#[derive(Clone)]
pub(crate) struct Called {
    pub(crate) users: Callee,
    pub(crate) inventory: Callee,
}

impl Called {
    pub(crate) fn from_settings(settings: &Settings) -> Self {
        let client = Client::new();
        Self {
            users: client.callee(Program::Users, settings),
            inventory: client.callee(Program::Inventory, settings),
        }
    }

    /// The readiness checks of those that are part of the system.
    pub(crate) fn checks(&self) -> impl Iterator<Item = Check> {
        [&self.users, &self.inventory].into_iter().filter_map(Callee::check)
    }
}
