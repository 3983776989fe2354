//! Events of version 1, as events of today.
//!
//! An action was told in words alone, and every mark in a picture was that of a pause or of a resume. The plan knows better:
//! the words are those of one of its actions.

use history::ActionKind;
use serde_json::{Value, json};

use crate::action::{Acted, Command};
use crate::plan::{ActionSpec, Plan};

/// What the events before said that later ones need.
pub(super) struct Before {
    /// The arm of each turn.
    turns: Vec<usize>,
    /// The actions of each arm.
    arms: Vec<Vec<ActionSpec>>,
    /// The arm of the turn under way.
    arm: usize,
    /// Which of its actions were told of.
    told: Vec<usize>,
}

impl Before {
    /// For the events of this plan.
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            turns: plan.turns.iter().map(|turn| turn.arm).collect(),
            arms: plan.arms.iter().map(|arm| arm.actions.clone()).collect(),
            arm: 0,
            told: Vec::new(),
        }
    }

    /// Makes an event what it would be today.
    ///
    /// # Errors
    /// When it speaks of an action that was not planned, in one sentence.
    pub(super) fn modernise(&mut self, event: &mut Value) -> Result<(), String> {
        let Some(kind) = event.get_mut("kind") else {
            return Ok(());
        };
        match kind["type"].as_str() {
            Some("turn_started") => {
                let turn = kind["turn"].as_u64().and_then(|turn| usize::try_from(turn).ok());
                self.arm = turn.and_then(|turn| self.turns.get(turn)).copied().unwrap_or(0);
                self.told.clear();
            }
            Some("action") => *kind = self.action(kind)?,
            Some("judged") => {
                let events = kind.pointer_mut("/diagram/events").and_then(Value::as_array_mut);
                events.into_iter().flatten().for_each(|event| self.mark(event));
            }
            _ => {}
        }
        Ok(())
    }

    fn action(&mut self, kind: &Value) -> Result<Value, String> {
        let words = kind["words"].as_str().unwrap_or_default();
        let number = |name: &str| kind[name].as_f64();
        let planned_s = number("at_s").ok_or("the action has no at_s")?;
        let done_s = number("done_s").ok_or("the action has no done_s")?;
        let planned = self.arms.get(self.arm).into_iter().flatten().enumerate();
        let mut fits = planned.filter(|(number, action)| {
            action.at_s == planned_s && action.words() == words && !self.told.contains(number)
        });
        let (number, action) = fits
            .next()
            .map(|(number, action)| (number, action.clone()))
            .ok_or_else(|| format!("the action {words:?} was not planned for {planned_s} s"))?;
        self.told.push(number);
        let acted = Acted {
            number: Some(number),
            command: Command::Act(action),
            planned_s,
            began_s: kind["began_s"].as_f64().unwrap_or(0.0),
            done_s,
            failure: kind["failure"].as_str().map(str::to_owned),
        };
        let mut now = serde_json::to_value(acted).map_err(|error| error.to_string())?;
        now["type"] = json!("action");
        Ok(now)
    }

    /// Gives a mark in a picture the kind of the action whose words it has.
    fn mark(&self, event: &mut Value) {
        let mut planned = self.arms.get(self.arm).into_iter().flatten();
        let action = planned.find(|action| event["label"] == action.words());
        let marks = [json!(ActionKind::Pause), json!(ActionKind::Resume)];
        let kind = event.get_mut("kind").filter(|kind| marks.contains(kind));
        if let (Some(action), Some(kind)) = (action, kind) {
            *kind = json!(action.verb.kind());
        }
    }
}
