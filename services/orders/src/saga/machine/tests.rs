//! However the other services answer, and whenever the order runs out of time, it comes to an end that adds up.

use std::collections::VecDeque;

use contract::OrderStatus;
use messaging::Style;
use proptest::prelude::*;

use super::*;

/// A log that others read at their own pace, and what they have of the order.
#[derive(Default)]
struct World {
    /// What orders says, and how far inventory and payments have read.
    said: Vec<Said>,
    reads: [usize; 2],
    /// What orders will hear, in this order.
    heard: VecDeque<Heard>,
    created: bool,
    held: bool,
    captured: bool,
    cancelled_at_payments: bool,
}

#[derive(Debug, Clone, Copy)]
struct Answers {
    stock: bool,
    money: bool,
    accepted: bool,
}

impl World {
    fn hears(&mut self, heard: Heard) {
        self.heard.push_back(heard);
    }

    /// Inventory reads one thing.
    fn inventory(&mut self, style: Style, answers: Answers) {
        if !self.created {
            self.created = true;
            if answers.stock {
                self.held = true;
                self.hears(Heard::Reserved);
            } else {
                self.hears(Heard::NoStock("none".to_owned()));
            }
            return;
        }
        let Some(said) = self.said.get(self.reads[0]) else {
            return;
        };
        let release = match style {
            Style::Choreography => matches!(said, Said::Cancelled(_)),
            Style::Orchestration => matches!(said, Said::Release(_)),
        };
        self.reads[0] += 1;
        if release && self.held {
            self.held = false;
            self.hears(Heard::Released);
        }
    }

    /// Payments reads one thing; in a choreography `reserved` is what it heard of inventory.
    fn payments(&mut self, style: Style, answers: Answers, reserved: &mut bool) {
        let take = |world: &mut Self| {
            if world.cancelled_at_payments {
                return;
            }
            if answers.money {
                world.captured = true;
                world.hears(Heard::Paid);
            } else {
                world.hears(Heard::NoMoney("none".to_owned()));
            }
        };
        if style == Style::Choreography && *reserved {
            *reserved = false;
            take(self);
            return;
        }
        let Some(said) = self.said.get(self.reads[1]).cloned() else {
            return;
        };
        self.reads[1] += 1;
        match (style, said) {
            (Style::Orchestration, Said::Take) => take(self),
            (Style::Orchestration, Said::Refund(_)) | (Style::Choreography, Said::Cancelled(_)) => {
                self.cancelled_at_payments = true;
                if self.captured {
                    self.captured = false;
                    self.hears(Heard::Refunded);
                }
            }
            _ => {}
        }
    }
}

/// Whether something is still to be decided or to be given back.
fn is_open(progress: Progress) -> bool {
    match progress.status {
        OrderStatus::Confirmed => false,
        OrderStatus::Cancelled => progress.held || progress.paid,
        OrderStatus::Pending | OrderStatus::Reserved | OrderStatus::Paid => true,
    }
}

fn lived(style: Style, answers: Answers, schedule: &[u8], timeout_at: Option<usize>, twice: bool) -> (Progress, World) {
    let mut world = World::default();
    let mut progress = Progress::PLACED;
    let mut reserved = false;
    let apply = |world: &mut World, heard: Heard, progress: &mut Progress| {
        if let Some(step) = progress.after(heard, style) {
            *progress = step.to;
            world.said.extend(step.said);
        }
        if progress.status == OrderStatus::Paid {
            let decided = if answers.accepted {
                Heard::Accepted
            } else {
                Heard::Declined("no".to_owned())
            };
            let step = progress.after(decided, style).expect("a paid order is decided");
            *progress = step.to;
            world.said.extend(step.said);
        }
    };
    // Whatever the schedule leaves over is done in turn.
    let rest = [0, 1, 2].into_iter().cycle().take(60);
    for (turn, who) in schedule.iter().copied().chain(rest).enumerate() {
        if timeout_at == Some(turn) {
            apply(&mut world, Heard::TimedOut, &mut progress);
        }
        match who {
            0 => {
                let before = world.heard.len();
                world.inventory(style, answers);
                reserved |= world.heard.iter().skip(before).any(|heard| *heard == Heard::Reserved);
            }
            1 => world.payments(style, answers, &mut reserved),
            _ => {
                if let Some(heard) = world.heard.pop_front() {
                    if twice {
                        apply(&mut world, heard.clone(), &mut progress);
                    }
                    apply(&mut world, heard, &mut progress);
                }
            }
        }
    }
    (progress, world)
}

proptest! {
    #[test]
    fn every_order_ends_and_nothing_is_left_over(
        orchestrated: bool,
        stock: bool,
        money: bool,
        accepted: bool,
        twice: bool,
        schedule in prop::collection::vec(0_u8..3, 0..40),
        timeout_at in prop::option::of(0_usize..30),
    ) {
        let style = if orchestrated { Style::Orchestration } else { Style::Choreography };
        let answers = Answers { stock, money, accepted };
        let (progress, world) = lived(style, answers, &schedule, timeout_at, twice);
        prop_assert!(!is_open(progress), "{progress:?} after {:?}", world.said);
        let confirmed = progress.status == OrderStatus::Confirmed;
        prop_assert_eq!((world.held, world.captured), (confirmed, confirmed));
        prop_assert_eq!((progress.held, progress.paid), (confirmed, confirmed));
        let ends = world.said.iter().filter(|said| matches!(said, Said::Confirmed | Said::Cancelled(_)));
        prop_assert_eq!(ends.count(), 1);
        if timeout_at.is_none() {
            prop_assert_eq!(confirmed, stock && money && accepted);
        }
        if style == Style::Choreography {
            prop_assert!(world.said.iter().all(|said| matches!(said, Said::Confirmed | Said::Cancelled(_))));
        }
    }
}

#[test]
fn what_comes_too_late_or_twice_changes_nothing() {
    let confirmed = Progress {
        status: OrderStatus::Confirmed,
        held: true,
        paid: true,
    };
    for heard in [
        Heard::TimedOut,
        Heard::Reserved,
        Heard::Paid,
        Heard::NoMoney(String::new()),
        Heard::Released,
    ] {
        assert_eq!(confirmed.after(heard, Style::Orchestration), None);
    }
    let undone = Progress {
        status: OrderStatus::Cancelled,
        held: false,
        paid: false,
    };
    assert_eq!(undone.after(Heard::Released, Style::Choreography), None);
    assert_eq!(undone.after(Heard::Refunded, Style::Choreography), None);
}

#[test]
fn compensation_goes_backwards() {
    let paid = Progress {
        status: OrderStatus::Paid,
        held: true,
        paid: true,
    };
    let step = paid
        .after(Heard::Declined("no".to_owned()), Style::Orchestration)
        .unwrap();
    let why = || "no".to_owned();
    assert_eq!(
        step.said,
        [Said::Cancelled(why()), Said::Refund(why()), Said::Release(why())]
    );
}
