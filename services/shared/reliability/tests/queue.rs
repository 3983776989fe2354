//! Laws that every registered queue discipline keeps, and what each does under an overload.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use reliability::queue::{Discipline, DisciplineKind, REGISTRY, Waiter, queue};

const MS: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, Copy)]
enum Step {
    Pass(u32),
    Push,
    Pop,
    Remove(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..60_u32).prop_map(Step::Pass),
        5 => Just(Step::Push),
        4 => Just(Step::Pop),
        1 => any::<usize>().prop_map(Step::Remove),
    ];
    vec(step, 1..300)
}

/// The rules of those that are specified here: who is turned away, of all who wait and one who is too many.
fn turned_away(name: &str, waiting: &[Waiter], standing: bool) -> Option<Waiter> {
    match name {
        "lifo" if standing => waiting.first().copied(),
        "fifo" | "lifo" | "codel" => waiting.last().copied(),
        _ => None,
    }
}

/// Likewise: who is turned away on the way, and who is next, told from all who wait, in the order in which they came.
fn expected(name: &str, waiting: &[Waiter], standing: bool, now: Duration) -> Option<(Vec<Waiter>, Option<Waiter>)> {
    let (shed, next) = match name {
        "fifo" => (Vec::new(), waiting.first().copied()),
        "lifo" if standing => (Vec::new(), waiting.last().copied()),
        "lifo" => (Vec::new(), waiting.first().copied()),
        "codel" => {
            let wait_max = if standing { 5 * MS } else { 100 * MS };
            let is_late = |waiter: &&Waiter| now - waiter.since > wait_max;
            let shed: Vec<Waiter> = waiting.iter().take_while(is_late).copied().collect();
            let next = waiting.get(shed.len()).copied();
            (shed, next)
        }
        _ => return None,
    };
    Some((shed, next))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn who_comes_in_leaves_once_and_by_the_rule(
        steps in steps(), index in 0..REGISTRY.len(), length in 0..12_usize
    ) {
        let name = REGISTRY[index].name();
        let mut queue = queue(&format!("{name} length={length}")).unwrap();
        let (mut now, mut next) = (Duration::ZERO, 0);
        let mut waiting: Vec<Waiter> = Vec::new();
        let mut busy_since = None;
        for step in steps {
            let standing = busy_since.is_some_and(|since| now - since > 100 * MS);
            match step {
                Step::Pass(ms) => now += MS * ms,
                Step::Push => {
                    let newcomer = Waiter { id: next, since: now };
                    next += 1;
                    waiting.push(newcomer);
                    let shed = queue.push(newcomer.id, now);
                    prop_assert_eq!(shed.is_some(), waiting.len() > length);
                    if let Some(shed) = shed {
                        prop_assert!(waiting.contains(&shed));
                        prop_assert_eq!(shed, turned_away(name, &waiting, standing).unwrap_or(shed));
                        waiting.retain(|waiter| *waiter != shed);
                    }
                }
                Step::Pop => {
                    let mut shed = Vec::new();
                    let served = queue.pop(now, &mut shed);
                    if let Some(rule) = expected(name, &waiting, standing, now) {
                        prop_assert_eq!(&(shed.clone(), served), &rule);
                    }
                    prop_assert!(served.is_some() || shed.len() == waiting.len(), "somebody who waits is served");
                    for left in shed.into_iter().chain(served) {
                        prop_assert!(waiting.contains(&left));
                        waiting.retain(|waiter| *waiter != left);
                    }
                }
                Step::Remove(which) => {
                    // Sometimes somebody who left already, or never came.
                    let id = which as u64 % (next + 1);
                    let was_here = waiting.iter().any(|waiter| waiter.id == id);
                    prop_assert_eq!(queue.remove(id), was_here);
                    waiting.retain(|waiter| waiter.id != id);
                }
            }
            busy_since = if waiting.is_empty() { None } else { busy_since.or(Some(now)) };
            prop_assert_eq!(queue.len(), waiting.len());
            prop_assert!(queue.len() <= length);
        }
    }
}

/// Arrivals every 5 ms, service of 10 ms in one place: twice what fits. Gives how many a second were served within their
/// patience of 250 ms, when the overload has lasted for a while.
fn in_time(mut queue: Box<dyn Discipline>) -> u32 {
    let mut came = BTreeMap::new();
    let mut in_time = 0;
    for tick in 0..4_000_u64 {
        let now = MS * 5 * u32::try_from(tick).unwrap();
        came.insert(tick, now);
        queue.push(tick, now);
        if tick % 2 == 0 {
            let mut shed = Vec::new();
            let served = queue.pop(now, &mut shed);
            let waited = served.map(|served| now - came[&served.id]);
            in_time += u32::from(tick >= 2_000 && waited.is_some_and(|waited| waited < 250 * MS));
        }
    }
    in_time / 10
}

#[test]
fn under_a_lasting_overload_the_newest_or_the_quick_are_served_in_time_and_the_oldest_are_not() {
    assert_eq!(in_time(queue("fifo length=1000").unwrap()), 0, "it is busy, for nobody");
    assert!(
        in_time(queue("fifo length=20").unwrap()) >= 95,
        "a short one is in time, too"
    );
    assert!(in_time(queue("lifo length=1000").unwrap()) >= 95);
    assert!(in_time(queue("codel length=1000").unwrap()) >= 95);
}

#[test]
fn a_burst_is_served_in_order_by_all() {
    for kind in REGISTRY {
        let mut queue = queue(kind.name()).unwrap();
        for id in 0..10 {
            assert_eq!(queue.push(id, Duration::ZERO), None);
        }
        let mut shed = Vec::new();
        let served: Vec<u64> = (0..10)
            .filter_map(|step| queue.pop(MS * 10 * step, &mut shed))
            .map(|next| next.id)
            .collect();
        assert_eq!((served, shed), ((0..10).collect(), Vec::new()), "{kind:?}");
    }
}

#[test]
fn settings_are_checked() {
    for wrong in ["codel target=1s", "fifo interval=1s", "lifo length=-1", "random"] {
        assert!(queue(wrong).is_err(), "{wrong}");
    }
    let known: Vec<&str> = REGISTRY.iter().map(DisciplineKind::name).collect();
    assert_eq!(
        queue("fair").unwrap_err().to_string(),
        format!(
            "there is no queue discipline named \"fair\"; use one of {}",
            known.join(", ")
        )
    );
}
