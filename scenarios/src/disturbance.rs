//! What disturbed a measurement from outside: somebody or something that the measurement rests on stood still, slept,
//! lost its data, or saw its clock jump, and no plan and no learner had asked for it.

use serde::{Deserialize, Serialize};

/// One disturbance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Disturbance {
    /// Who was disturbed.
    pub who: Sufferer,
    /// What happened.
    pub what: Trouble,
    /// When it began, milliseconds since the run began; at the earliest it can have been.
    pub began_ms: u64,
    /// How long it lasted, milliseconds. None where it goes on, or has no length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted_ms: Option<f64>,
    /// How it was noticed, in words.
    pub noticed: String,
    /// Index into the plan's turns of the turn that it was noticed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<usize>,
}

/// Who was disturbed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sufferer {
    /// The lab's own process.
    Lab,
    /// The load generator.
    Generator,
    /// An instance, a server or a proxy of the system, by name, or a server of the user's.
    Instance(String),
    /// The disk or the data of the system.
    Store(String),
    /// The machine and its clock.
    Clock,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// It did nothing for a while: stopped by a signal, frozen, or without processor time.
    StoodStill,
    /// The machine slept.
    Slept,
    /// The clock of the day jumped.
    Jumped,
    /// Its data went away.
    Lost,
    /// It was started again, with what it held in memory gone.
    Restarted,
    /// There is no room left to write to.
    Full,
    /// It answered with errors that are nobody's fault who asked.
    Failed,
}

impl Sufferer {
    /// As people read it, to begin a sentence with.
    pub fn words(&self) -> &str {
        match self {
            Self::Lab => "the lab",
            Self::Generator => "the load generator",
            Self::Instance(name) | Self::Store(name) => name,
            Self::Clock => "the machine",
        }
    }
}

impl Disturbance {
    /// Who, what, when and how long, in one clause.
    pub fn words(&self) -> String {
        let what = match (self.what, self.lasted_ms) {
            (Trouble::StoodStill, None) => "stands still".to_owned(),
            (Trouble::StoodStill, Some(ms)) => format!("stood still for {}", seconds(ms)),
            (Trouble::Slept, ms) => format!("slept for {}", seconds(ms.unwrap_or_default())),
            (Trouble::Jumped, ms) => format!("set its clock by {}", seconds(ms.unwrap_or_default())),
            (Trouble::Lost, _) => "lost its data".to_owned(),
            (Trouble::Restarted, _) => "was started again".to_owned(),
            (Trouble::Full, _) => "is full".to_owned(),
            (Trouble::Failed, _) => "failed".to_owned(),
        };
        format!(
            "{} {what}, {} into the run, and nobody asked for that ({})",
            self.who.words(),
            seconds(self.began_ms as f64),
            self.noticed
        )
    }

    /// Whether it is the same as another that is still going on, and tells more.
    pub(crate) fn continues(&self, before: &Self) -> bool {
        before.lasted_ms.is_none()
            && (&before.who, before.what, before.began_ms) == (&self.who, self.what, self.began_ms)
    }

    /// Whether it falls, in part at least, between these two moments, milliseconds since the run began; without an end,
    /// from the first on.
    pub fn touches(&self, from_ms: u64, to_ms: Option<u64>) -> bool {
        // Lost data stay lost, and a full disk stays full: what came later rests on it just the same.
        let lasts = matches!(self.what, Trouble::StoodStill | Trouble::Slept | Trouble::Jumped);
        let ended_ms = match (self.what, self.lasted_ms) {
            (Trouble::Jumped, _) => Some(self.began_ms),
            (_, Some(ms)) if lasts => Some(self.began_ms.saturating_add(ms.abs().ceil() as u64)),
            _ => None,
        };
        let begins_in_time = to_ms.is_none_or(|to_ms| self.began_ms <= to_ms);
        begins_in_time && ended_ms.is_none_or(|ended_ms| ended_ms >= from_ms)
    }
}

/// A length of time for people: `0.31 s`, `5.0 s`.
fn seconds(ms: f64) -> String {
    let seconds = ms / 1000.0;
    if seconds.abs() < 1.0 {
        format!("{seconds:.2} s")
    } else {
        format!("{seconds:.1} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disturbance(what: Trouble, began_ms: u64, lasted_ms: Option<f64>) -> Disturbance {
        Disturbance {
            who: Sufferer::Instance("users-1".to_owned()),
            what,
            began_ms,
            lasted_ms,
            noticed: "it was seen stopped".to_owned(),
            turn: Some(0),
        }
    }

    #[test]
    fn it_names_who_when_and_how_long() {
        assert_eq!(
            disturbance(Trouble::StoodStill, 3200, Some(5000.0)).words(),
            "users-1 stood still for 5.0 s, 3.2 s into the run, and nobody asked for that (it was seen stopped)"
        );
    }

    #[test]
    fn a_standstill_touches_what_it_overlaps() {
        let stop = disturbance(Trouble::StoodStill, 1000, Some(500.0));
        assert!(stop.touches(0, Some(1000)) && stop.touches(1500, None) && stop.touches(1200, Some(1300)));
        assert!(!stop.touches(0, Some(999)) && !stop.touches(1501, Some(9000)));
        assert!(disturbance(Trouble::StoodStill, 1000, None).touches(5000, Some(6000)));
    }

    #[test]
    fn what_is_lost_stays_lost() {
        assert!(disturbance(Trouble::Lost, 1000, None).touches(5000, None));
    }
}
