//! The services behind the gateway.

use std::sync::Arc;

use chassis::{Check, Client, Settings, SettingsError};
use contract::Program;

use crate::call::{Caller, Pools, from_settings, refuse};

pub(crate) struct Services {
    pub(crate) users: Caller,
    pub(crate) orders: Caller,
    pub(crate) payments: Caller,
    pub(crate) inventory: Caller,
    pub(crate) analytics: Caller,
}

impl Services {
    /// Reads where they are, and the policies of calls.
    ///
    /// # Errors
    /// When a policy is not understood.
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        let client = Client::new();
        let pools = Arc::new(Pools::new());
        let policies = from_settings(settings)?;
        let caller = |program| {
            let callee = client.callee(program, settings);
            Caller::new(callee, policies.clone(), &pools).map_err(|error| refuse(settings, &error))
        };
        Ok(Self {
            users: caller(Program::Users)?,
            orders: caller(Program::Orders)?,
            payments: caller(Program::Payments)?,
            inventory: caller(Program::Inventory)?,
            analytics: caller(Program::Analytics)?,
        })
    }

    /// The ways to all of them.
    pub(crate) fn all(&self) -> [&Caller; 5] {
        [
            &self.users,
            &self.orders,
            &self.payments,
            &self.inventory,
            &self.analytics,
        ]
    }

    /// Records what is of this moment as metrics.
    pub(crate) fn record(&self) {
        self.all().into_iter().for_each(Caller::record);
    }

    /// The readiness checks of those that are part of the system.
    pub(crate) fn checks(&self) -> impl Iterator<Item = Check> {
        self.all().into_iter().filter_map(Caller::check)
    }
}
