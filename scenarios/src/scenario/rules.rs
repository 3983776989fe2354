//! What a load, a request, an action or a check must say, and what it must not say beside that.

use crate::expression::Expression;
use crate::format::{Action, ActionVerb, Check, Document, Load, Problem, RequestSection};

/// Problems of the parts of a scenario, each by itself.
pub(super) fn check(document: &Document, problems: &mut Vec<Problem>) {
    for load in &document.loads {
        pace(load, document.run.duration_s.is_some(), problems);
    }
    let of_loads = document.loads.iter().map(|load| &load.request);
    let of_searches = document.searches.iter().map(|search| &search.request);
    problems.extend(of_loads.chain(of_searches).filter_map(keys_without_place));
    problems.extend(document.actions.iter().filter_map(link));
    problems.extend(document.actions.iter().filter_map(pace_of_work));
    for check in &document.checks {
        bounds(check, problems);
    }
}

fn pace(load: &Load, has_duration: bool, problems: &mut Vec<Problem>) {
    let ways = [
        load.rate_per_s.is_some(),
        !load.steps.is_empty(),
        load.closed.is_some(),
        !load.at_s.is_empty(),
    ];
    if ways.iter().filter(|way| **way).count() != 1 {
        problems.push(
            Problem::at(load.class.span(), format!("the pace of `{}` is not clear", load.class))
                .hint("give exactly one of rate_per_s, steps, closed and at_s"),
        );
    }
    if load.steps.is_empty() && !has_duration {
        problems.push(
            Problem::at(
                load.class.span(),
                format!("nothing says how long `{}` lasts", load.class),
            )
            .hint("add duration_s to [run]"),
        );
    }
}

/// Keys that are drawn and filled in nowhere.
fn keys_without_place(request: &RequestSection) -> Option<Problem> {
    let keys = request.keys.as_ref()?;
    let mut texts = std::iter::once(&request.path)
        .chain(request.headers.values())
        .chain(&request.json);
    if texts.any(|text| text.as_str().contains("{key}")) {
        return None;
    }
    let problem = Problem::at(keys.span(), "nothing in the request says which key it is about");
    Some(problem.hint("write {key} into its path, into a header or into its body"))
}

/// Problems of what an action says of a link.
fn link(action: &Action) -> Option<Problem> {
    let said = [
        ("latency_ms", action.latency_ms.is_some()),
        ("jitter_ms", action.jitter_ms.is_some()),
        ("loss", action.loss.is_some()),
        ("kib_per_s", action.kib_per_s.is_some()),
    ];
    let said: Vec<&str> = said
        .iter()
        .filter(|(_, is_said)| *is_said)
        .map(|(name, _)| *name)
        .collect();
    let target = &action.target;
    match (action.verb, said.first()) {
        (ActionVerb::Degrade, None) => Some(
            Problem::at(target.span(), format!("nothing says how `{target}` is degraded"))
                .hint("give one or more of latency_ms, jitter_ms, loss and kib_per_s"),
        ),
        (ActionVerb::Degrade, Some(_)) | (_, None) => None,
        (_, Some(name)) => Some(
            Problem::at(
                target.span(),
                format!("{name} has no meaning for this action on `{target}`"),
            )
            .hint("it belongs to do = \"degrade\""),
        ),
    }
}

/// Problems of what an action says of an instance's pace.
fn pace_of_work(action: &Action) -> Option<Problem> {
    let target = &action.target;
    match (action.verb, action.slowness.is_some()) {
        (ActionVerb::Slow, false) => Some(
            Problem::at(target.span(), format!("nothing says how slow `{target}` becomes"))
                .hint("give slowness, such as 20 for twenty times slower, or 1 for its own pace"),
        ),
        (ActionVerb::Slow, true) | (_, false) => None,
        (_, true) => Some(
            Problem::at(
                target.span(),
                format!("slowness has no meaning for this action on `{target}`"),
            )
            .hint("it belongs to do = \"slow\""),
        ),
    }
}

fn bounds(check: &Check, problems: &mut Vec<Problem>) {
    let range = check.at_least.is_some() || check.at_most.is_some();
    if check.equals.is_some() == range {
        problems.push(
            Problem::at(
                check.value.span(),
                format!("the check \"{}\" has no clear bound", check.name),
            )
            .hint("give equals, or at_least, or at_most, or the last two"),
        );
    }
    if let Err(why) = Expression::compile(check.value.as_str()) {
        problems.push(Problem::at(check.value.span(), why));
    }
}
