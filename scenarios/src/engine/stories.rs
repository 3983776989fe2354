//! What happened to one order across services, asked of the service that heard of it, as a picture.

use std::time::Duration;

use compose::{System, http};
use contract::{Chapter, Meaning, Story};
use history::{Arrow, Diagram, Event, EventKind as Kind, Lane};

use super::budget::Budget;
use super::turn::Turn;
use crate::event::{EventKind, StoryTold};
use crate::plan::StorySpec;

/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Asks for every story; one that cannot be had is a warning.
pub(super) async fn ask_all(turn: &mut Turn<'_>, budget: Budget) {
    for spec in &turn.arm.stories {
        let answer = match budget.for_one(TIMEOUT) {
            Some(within) => ask(spec, turn.system.as_ref(), within).await,
            None => Err("there was no time left to ask".to_owned()),
        };
        match answer {
            Ok(story) => turn.bus.emit(EventKind::Story(Box::new(StoryTold {
                wrong: story.wrong.clone(),
                diagram: drawn(&story),
            }))),
            Err(why) => turn.bus.emit(EventKind::Warning {
                text: format!("the story at {} cannot be had: {why}", spec.path),
            }),
        }
    }
}

async fn ask(spec: &StorySpec, system: &dyn System, within: Duration) -> Result<Story, String> {
    let door = system.front_door(&spec.service).map_err(|error| error.to_string())?;
    let url = door.join(&spec.path).map_err(|error| error.to_string())?;
    let client = http::client(TIMEOUT).map_err(|error| error.to_string())?;
    let answer = client
        .get(url)
        .timeout(within)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status);
    match answer {
        Ok(answer) => http::json(answer).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// The services as lanes, in order of their first word; each event goes from who says it to whom it moves.
fn drawn(story: &Story) -> Diagram {
    let mut lanes: Vec<Lane> = Vec::new();
    for Chapter { source, .. } in &story.chapters {
        if !lanes.iter().any(|lane| lane.name == *source) {
            lanes.push(Lane {
                name: source.clone(),
                instances: Vec::new(),
                shared: false,
            });
        }
    }
    let lane = |name: &str| lanes.iter().position(|lane| lane.name == name);
    let orchestrated = story.is_orchestrated();
    let began_us = story.chapters.first().map_or(0, |chapter| chapter.at_us);
    let event = |chapter: &Chapter| {
        let from = lane(&chapter.source)?;
        let to = chapter
            .moves(orchestrated)
            .and_then(|program| lane(program.as_str()))
            .filter(|to| *to != from);
        Some(Event {
            at_ns: u64::try_from(chapter.at_us - began_us).unwrap_or_default() * 1_000,
            lane: from,
            label: chapter.label().to_owned(),
            arrow: to.map(|to| Arrow { from, to }),
            kind: kind(chapter.meaning()),
        })
    };
    Diagram {
        title: format!("order {}", story.order_id),
        events: story.chapters.iter().filter_map(event).collect(),
        caption: match &story.wrong {
            Some(wrong) => format!("order {}: {wrong}", story.order_id),
            None => format!("order {} from its placing to its end", story.order_id),
        },
        began_ns: 0,
        lanes,
    }
}

fn kind(meaning: Meaning) -> Kind {
    match meaning {
        Meaning::Placed => Kind::Invoke,
        Meaning::Step => Kind::Write,
        Meaning::Failed => Kind::Fail,
        Meaning::Undone => Kind::Release,
        Meaning::Done => Kind::Ok,
    }
}

#[cfg(test)]
mod tests {
    use contract::events::{
        InventoryReserved, OrderCancelled, OrderConfirmed, OrderCreated, Payload, PaymentCompleted, PaymentFailed,
        ReserveInventory, TakePayment,
    };

    use super::*;

    fn story(chapters: &[(&str, &str)]) -> Story {
        let chapter = |(at, (source, kind)): (usize, &(&str, &str))| Chapter {
            at_us: 1_000 + 10 * at as i64,
            source: (*source).to_owned(),
            kind: (*kind).to_owned(),
        };
        Story {
            order_id: 7,
            wrong: None,
            chapters: chapters.iter().enumerate().map(chapter).collect(),
        }
    }

    fn arrows(diagram: &Diagram) -> Vec<String> {
        let name = |index: usize| diagram.lanes[index].name.clone();
        let words = |event: &Event| match event.arrow {
            Some(arrow) => format!("{} {}->{}", event.label, name(arrow.from), name(arrow.to)),
            None => format!("{} {}", event.label, name(event.lane)),
        };
        diagram.events.iter().map(words).collect()
    }

    #[test]
    fn events_point_to_whom_they_move() {
        let diagram = drawn(&story(&[
            ("orders", OrderCreated::TYPE),
            ("inventory", InventoryReserved::TYPE),
            ("payments", PaymentCompleted::TYPE),
            ("orders", OrderConfirmed::TYPE),
        ]));
        let expected = [
            "order.created orders->inventory",
            "inventory.reserved inventory->payments",
            "payment.completed payments->orders",
            "order.confirmed orders",
        ];
        assert_eq!(arrows(&diagram), expected);
        assert_eq!(diagram.events[3].at_ns, 30_000);
        assert!(diagram.caption.contains("order 7"));
    }

    #[test]
    fn with_an_orchestrator_everything_goes_through_it() {
        let diagram = drawn(&story(&[
            ("orders", OrderCreated::TYPE),
            ("orders", ReserveInventory::TYPE),
            ("inventory", InventoryReserved::TYPE),
            ("orders", TakePayment::TYPE),
            ("payments", PaymentFailed::TYPE),
            ("orders", OrderCancelled::TYPE),
        ]));
        let expected = [
            "order.created orders",
            "inventory.reserve orders->inventory",
            "inventory.reserved inventory->orders",
            "payment.take orders->payments",
            "payment.failed payments->orders",
            "order.cancelled orders",
        ];
        assert_eq!(arrows(&diagram), expected);
    }
}
