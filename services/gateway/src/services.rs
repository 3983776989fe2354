//! The services behind the gateway.

use chassis::{Callee, Check, Client, Settings};
use contract::Program;

pub(crate) struct Services {
    pub(crate) users: Callee,
    pub(crate) orders: Callee,
    pub(crate) payments: Callee,
    pub(crate) inventory: Callee,
    pub(crate) analytics: Callee,
}

impl Services {
    pub(crate) fn from_settings(settings: &Settings) -> Self {
        let client = Client::new();
        let callee = |program| client.callee(program, settings);
        Self {
            users: callee(Program::Users),
            orders: callee(Program::Orders),
            payments: callee(Program::Payments),
            inventory: callee(Program::Inventory),
            analytics: callee(Program::Analytics),
        }
    }

    /// The readiness checks of those that are part of the system.
    pub(crate) fn checks(&self) -> impl Iterator<Item = Check> {
        let all = [
            &self.users,
            &self.orders,
            &self.payments,
            &self.inventory,
            &self.analytics,
        ];
        all.into_iter().filter_map(Callee::check)
    }
}
