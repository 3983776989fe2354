//! The system: who there is, how it is, what share of the answers each gives.

use compose::Passage;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use scenarios::event::InstanceState;
use scenarios::plan::PaceSpec;
use scenarios::state::LiveInstance;
use scenarios::unit::{Unit, in_unit};

use super::{Scene, cut, frame, put, words};
use crate::tui::theme::Role;

/// An event loop that was this late holds others up, milliseconds.
const BUSY_LAG_MS: f64 = 50.0;
/// From this width on an instance's figures and its condition both have room.
const WIDE: u16 = 46;
/// From this width on there is room for the number of its answers, too.
const WIDER: u16 = 66;
/// Columns of the longest name that is shown whole.
const NAME: usize = 16;

/// Draws the panel.
pub fn system(scene: &Scene<'_>, area: Rect, buf: &mut Buffer) {
    let inner = frame("system", &memory(scene), area, buf, scene.theme);
    let mut lines = vec![load(scene, inner.width)];
    let system = &scene.arm_plan().system;
    let entry = system.entry.as_str();
    let of = |service: &str| {
        scene
            .round
            .instances
            .iter()
            .filter(|instance| instance.service == service && system.does_work(&instance.name))
            .collect::<Vec<_>>()
    };
    let main = of(entry);
    let room = usize::from(inner.height).saturating_sub(2 + usize::from(!scene.arm_plan().system.links.is_empty()));
    let shown = main.len().min(room.max(1));
    for (index, instance) in main.iter().take(shown).enumerate() {
        lines.push(one(scene, instance, index + 1 == main.len(), inner.width));
    }
    if main.len() > shown {
        lines.push(Line::styled(
            format!("  and {} more", main.len() - shown),
            scene.theme.dim(),
        ));
    }
    let others = scene
        .arm_plan()
        .system
        .services
        .iter()
        .filter(|service| service.name != entry);
    let mut spans = Vec::new();
    for service in others {
        for instance in of(&service.name) {
            let (sign, style) = scene.theme.instance(instance.state, is_busy(instance));
            spans.push(Span::raw(format!("{} ", cut(&instance.name, NAME))));
            spans.push(Span::styled(format!("{sign}  "), style));
        }
    }
    if !spans.is_empty() {
        lines.push(Line::from(spans));
    }
    lines.extend(links(scene));
    put(&lines, inner, buf);
}

/// `gateway->users ✗ cut`: what the links do now, in one line.
fn links(scene: &Scene<'_>) -> Option<Line<'static>> {
    let theme = scene.theme;
    let mut spans = Vec::new();
    for link in &scene.arm_plan().system.links {
        let way = format!("{}->{}", link.from, link.to);
        let conditions = scene.round.links.get(&way).unwrap_or(&link.conditions);
        let style = match conditions.passage {
            _ if conditions.is_plain() => theme.style(Role::Good),
            Passage::Open => theme.style(Role::Warn),
            Passage::BlackHole | Passage::Reset => theme.style(Role::Bad),
        };
        spans.push(Span::raw(format!("{way} ")));
        spans.push(Span::styled(format!("{}  ", conditions.words()), style));
    }
    (!spans.is_empty()).then(|| Line::from(spans))
}

/// Whether its event loop holds others up: it says so, or it does not say anything.
fn is_busy(instance: &LiveInstance) -> bool {
    let late = |lag_ms: f64| lag_ms >= BUSY_LAG_MS;
    let gauges = instance.gauges.as_ref();
    instance.state == InstanceState::Ready
        && gauges.is_some_and(|gauges| gauges.silent || gauges.lag_ms.is_some_and(late))
}

/// `load 200/s ▶ balancer (round robin)`.
fn load(scene: &Scene<'_>, width: u16) -> Line<'static> {
    let theme = scene.theme;
    let arm = scene.arm_plan();
    let arrow = theme.pick("▶", "->");
    // Answers that name no instance are not counted by instance: their rate is not known here, which is not zero.
    let counted = scene.class_state().filter(|class| !class.by_instance.is_empty());
    let rate = counted.map(|class| {
        let recent: u64 = class
            .by_instance
            .values()
            .map(scenarios::state::AnsweredState::recently)
            .sum();
        recent as f64 / scenarios::state::RECENT_S.min(scene.round.load_s.max(0.1))
    });
    let planned = arm.loads.iter().find(|load| Some(load.class.as_str()) == scene.class);
    let pace = match planned.map(|load| &load.pace) {
        Some(PaceSpec::Closed { connections, .. }) => format!("{connections} users"),
        _ => rate.map_or_else(String::new, |rate| in_unit(rate.round(), Unit::PerS)),
    };
    let entry = arm.system.service(&arm.system.entry);
    let door = entry.and_then(|service| service.balancer.as_ref()).map_or_else(
        || format!("{} (no balancer)", arm.system.entry),
        |balancer| {
            let policy = policy_now(scene).unwrap_or_else(|| balancer.policy.clone());
            format!("balancer ({})", policy.replace('_', " "))
        },
    );
    Line::from(vec![
        Span::raw(if width >= WIDE { "load " } else { "" }),
        Span::styled(pace, theme.style(Role::Now).add_modifier(Modifier::BOLD)),
        Span::styled(format!(" {arrow} "), theme.dim()),
        Span::raw(door),
    ])
}

/// The policy that the last action set, where one did.
fn policy_now(scene: &Scene<'_>) -> Option<String> {
    let entry = scene.arm_plan().system.entry.as_str();
    let done = scene.round.actions.iter().rev().filter(|acted| acted.failure.is_none());
    let mut set = done
        .filter_map(|acted| acted.command.action())
        .filter(|action| action.target == entry);
    set.find_map(|action| action.policy.clone())
}

/// `├▶ gateway-1 ●  33 %  41 in flight  busy, lag 900 ms`.
fn one(scene: &Scene<'_>, instance: &LiveInstance, last: bool, width: u16) -> Line<'static> {
    let theme = scene.theme;
    let (sign, style) = theme.instance(instance.state, is_busy(instance));
    let branch = match (last, theme.ascii) {
        (true, false) => "└▶ ",
        (false, false) => "├▶ ",
        (_, true) => "+> ",
    };
    let mut name = Span::raw(format!("{:<10}", cut(&instance.name, NAME)));
    if scene.selected == Some(instance.name.as_str()) {
        name = name.style(theme.selected());
    }
    let share = share(scene, &instance.name).map_or_else(String::new, |share| in_unit(share, Unit::Share));
    let in_flight = instance.gauges.as_ref().and_then(|gauges| gauges.in_flight);
    let in_flight = in_flight.map_or_else(String::new, |in_flight| format!("{in_flight} in flight"));
    let condition = words(&condition(instance, width >= WIDE), theme);
    let mut spans = vec![
        Span::styled(branch, theme.dim()),
        name,
        Span::styled(format!(" {sign} "), style),
        Span::raw(words(&format!("{share:>4} "), theme)),
    ];
    // Where there is no room for both, what is out of the ordinary matters more.
    if width >= WIDE || condition.is_empty() {
        spans.push(Span::styled(format!("{in_flight:>13}  "), theme.dim()));
    }
    if width >= WIDER {
        let requests = match scene.round.answers_of(&instance.name) {
            Some(requests) => format!("{} answers  ", in_unit(requests as f64, Unit::Count)),
            None => String::new(),
        };
        spans.push(Span::styled(format!("{requests:>17}"), theme.dim()));
    }
    let ordinary = instance.state == InstanceState::Ready && !is_busy(instance);
    spans.push(Span::styled(condition, if ordinary { theme.dim() } else { style }));
    Line::from(spans)
}

/// What is out of the ordinary, in words; with `always`, the lag of its event loop even where it is ordinary.
fn condition(instance: &LiveInstance, always: bool) -> String {
    match instance.state {
        InstanceState::Starting => "starting".to_owned(),
        InstanceState::Paused => "stopped".to_owned(),
        InstanceState::Dead => "dead".to_owned(),
        InstanceState::Stopped => "ended".to_owned(),
        InstanceState::Ready => match &instance.gauges {
            Some(gauges) if gauges.silent => "busy, no answer".to_owned(),
            Some(gauges) => match gauges.lag_ms {
                Some(lag_ms) if lag_ms >= BUSY_LAG_MS || always => format!("lag {}", in_unit(lag_ms, Unit::Ms)),
                _ => String::new(),
            },
            None => String::new(),
        },
    }
}

/// The instance's share of the answers of the last seconds, over all classes; none where nobody counts its answers.
fn share(scene: &Scene<'_>, instance: &str) -> Option<f64> {
    scene.round.answers_of(instance)?;
    let answered = || scene.round.classes.values().flat_map(|class| &class.by_instance);
    let all: u64 = answered().map(|(_, answered)| answered.recently()).sum();
    let own: u64 = answered()
        .filter(|(name, _)| *name == instance)
        .map(|(_, answered)| answered.recently())
        .sum();
    (all > 0).then(|| ((own as f64 / all as f64) * 100.0).round() / 100.0)
}

/// Memory of the largest instance.
fn memory(scene: &Scene<'_>) -> String {
    let most = scene
        .round
        .instances
        .iter()
        .map(|instance| instance.resident_bytes_max)
        .max();
    match most {
        Some(bytes) if bytes > 0 => format!("up to {:.0} MiB each", bytes as f64 / 1_048_576.0),
        _ => String::new(),
    }
}
