//! What a link between two services is like, as the lab's link proxy is told.

use serde::{Deserialize, Serialize};

use crate::validate::{Validate, Violation};

/// Whether a link passes anything at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passage {
    /// It passes what it is given.
    #[default]
    Open,
    /// It takes everything and passes nothing, silently: a network partition. What it holds goes on once it is open.
    BlackHole,
    /// Connections are reset, those that are open and every new one.
    Reset,
}

/// What a link does to the connections that go over it. The default does nothing to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkConditions {
    /// How much later everything arrives, each way, in milliseconds: a round trip takes twice as much.
    pub latency_ms: f64,
    /// Up to this much later still, drawn evenly for each segment, in milliseconds.
    pub jitter_ms: f64,
    /// The share of segments that are lost and so come only after a retransmission time-out, from 0 to
    /// [`LOSS_MAX`](Self::LOSS_MAX).
    pub loss: f64,
    /// How much of a connection goes through in a second each way, in KiB; none: as much as there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kib_per_s: Option<f64>,
    /// Whether anything goes through.
    pub passage: Passage,
}

impl LinkConditions {
    /// The longest latency and jitter, milliseconds.
    pub const MS_MAX: f64 = 60_000.0;
    /// The largest share of lost segments; beyond it a link is as good as cut.
    pub const LOSS_MAX: f64 = 0.9;
    /// The narrowest and the widest link, KiB per second.
    pub const KIB_PER_S: std::ops::RangeInclusive<f64> = 1.0..=1e7;

    /// A link that passes nothing, or resets everything.
    #[must_use]
    pub fn of(passage: Passage) -> Self {
        Self {
            passage,
            ..Self::default()
        }
    }

    /// Whether they leave connections alone.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// In words: `50 ms, jitter 10 ms, 1 % lost`; `cut` and `reset` where nothing goes through.
    #[must_use]
    pub fn words(&self) -> String {
        match self.passage {
            Passage::BlackHole => return "cut".to_owned(),
            Passage::Reset => return "reset".to_owned(),
            Passage::Open => {}
        }
        let mut parts = Vec::new();
        if self.latency_ms > 0.0 {
            parts.push(format!("{} ms", self.latency_ms));
        }
        if self.jitter_ms > 0.0 {
            parts.push(format!("jitter {} ms", self.jitter_ms));
        }
        if self.loss > 0.0 {
            parts.push(format!("{} % lost", (self.loss * 1e4).round() / 100.0));
        }
        if let Some(kib) = self.kib_per_s {
            parts.push(format!("{kib} KiB/s"));
        }
        if parts.is_empty() {
            "open".to_owned()
        } else {
            parts.join(", ")
        }
    }
}

impl Validate for LinkConditions {
    fn validate(&self) -> Result<(), Vec<Violation>> {
        let mut broken = Vec::new();
        let mut within = |field, value: f64, min: f64, max: f64| {
            // What is no number is not within, either.
            if !(min..=max).contains(&value) {
                broken.push(Violation {
                    field,
                    rule: format!("must be between {min} and {max}, not {value}"),
                });
            }
        };
        within("latency_ms", self.latency_ms, 0.0, Self::MS_MAX);
        within("jitter_ms", self.jitter_ms, 0.0, Self::MS_MAX);
        within("loss", self.loss, 0.0, Self::LOSS_MAX);
        if let Some(kib) = self.kib_per_s {
            within("kib_per_s", kib, *Self::KIB_PER_S.start(), *Self::KIB_PER_S.end());
        }
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_leaves_connections_alone() {
        let plain: LinkConditions = serde_json::from_str("{}").unwrap();
        assert!(plain.is_plain());
        assert_eq!((plain.validate(), plain.words().as_str()), (Ok(()), "open"));
    }

    #[test]
    fn conditions_are_read_back_and_said() {
        let text = r#"{"latency_ms":50.0,"jitter_ms":10.0,"loss":0.01,"kib_per_s":64.0,"passage":"open"}"#;
        let conditions: LinkConditions = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&conditions).unwrap(), text);
        assert_eq!(conditions.words(), "50 ms, jitter 10 ms, 1 % lost, 64 KiB/s");
        assert_eq!(LinkConditions::of(Passage::BlackHole).words(), "cut");
        assert_eq!(LinkConditions::of(Passage::Reset).words(), "reset");
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (text, field) in [
            (r#"{"latency_ms":-1.0}"#, "latency_ms"),
            (r#"{"jitter_ms":60001.0}"#, "jitter_ms"),
            (r#"{"loss":1.0}"#, "loss"),
            (r#"{"kib_per_s":0.0}"#, "kib_per_s"),
        ] {
            let conditions: LinkConditions = serde_json::from_str(text).unwrap();
            assert_eq!(conditions.validate().unwrap_err()[0].field, field);
        }
        let not_a_number = LinkConditions {
            loss: f64::NAN,
            ..LinkConditions::default()
        };
        not_a_number.validate().unwrap_err();
        serde_json::from_str::<LinkConditions>(r#"{"latency":1.0}"#).unwrap_err();
    }
}
