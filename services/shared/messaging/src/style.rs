//! The two ways to lead an order through several services.

use chassis::{Settings, SettingsError};
use contract::environment::SAGA;
use contract::events::topics;

/// Who decides what happens next. H. Garcia-Molina, K. Salem, *Sagas*, 1987; C. Richardson, *Microservices Patterns*, 2018,
/// chapter 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Nobody in particular: each service reacts to the events of the others.
    Choreography,
    /// One service tells the others what to do, by commands, and hears of it by their events.
    Orchestration,
}

impl Style {
    /// The style that the settings ask for; `None` when an order is one request.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn from_settings(settings: &Settings) -> Result<Option<Self>, SettingsError> {
        settings.environment.choice(
            SAGA,
            &[
                ("none", None),
                ("choreography", Some(Self::Choreography)),
                ("orchestration", Some(Self::Orchestration)),
            ],
        )
    }

    /// The topic by which services other than the one that owns the order learn what to do.
    #[must_use]
    pub const fn heard_by_others(self) -> &'static str {
        match self {
            Self::Choreography => topics::ORDERS,
            Self::Orchestration => topics::COMMANDS,
        }
    }
}
