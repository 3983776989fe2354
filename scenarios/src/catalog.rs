//! The scenarios that are built into the lab.

use include_dir::{Dir, include_dir};

use crate::format::{LESSON_FILE, SCENARIO_FILE, Source, suggestion};
use crate::scenario::Scenario;

static CATALOG: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/catalog");

/// The system to play with when nobody names a scenario. It is in no list: it asks nothing and decides nothing.
pub fn playground() -> Source {
    Source {
        origin: "playground".to_owned(),
        is_built_in: true,
        folder: "playground".to_owned(),
        scenario: include_str!("../playground/scenario.toml").to_owned(),
        lesson: include_str!("../playground/lesson.md").to_owned(),
    }
}

/// Names of all scenarios, in alphabetical order.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = CATALOG
        .dirs()
        .filter_map(|folder| folder.path().file_name().and_then(|name| name.to_str()))
        .collect();
    names.sort_unstable();
    names
}

/// The texts of one scenario.
///
/// # Errors
/// When there is none of that name: what there is, as a hint.
pub fn source(name: &str) -> Result<Source, String> {
    let text = |file: &str| {
        CATALOG
            .get_file(format!("{name}/{file}"))
            .and_then(|file| file.contents_utf8())
    };
    match (text(SCENARIO_FILE), text(LESSON_FILE)) {
        (Some(scenario), Some(lesson)) => Ok(Source {
            origin: format!("catalog/{name}"),
            is_built_in: true,
            folder: name.to_owned(),
            scenario: scenario.to_owned(),
            lesson: lesson.to_owned(),
        }),
        _ => Err(suggestion(name, names())),
    }
}

/// One scenario. A test finds all of them sound, so nobody else has to look.
///
/// # Errors
/// When there is none of that name: what there is, as a hint.
pub fn scenario(name: &str) -> Result<Scenario, String> {
    source(name).map(known)
}

/// The scenarios whose question has a choice with this misconception: the lessons that meet it.
pub fn that_meet(misconception: &str) -> Vec<&'static str> {
    let meets = |name: &&str| {
        let document = source(name).map(known).map(|scenario| scenario.document);
        let predict = document.ok().and_then(|document| document.predict);
        let choices = predict.map(|predict| predict.choices).unwrap_or_default();
        let mut named = choices.iter().filter_map(|choice| choice.misconception.as_ref());
        named.any(|named| named.as_str() == misconception)
    };
    names().into_iter().filter(meets).collect()
}

/// The scenario of the playground.
pub fn playground_scenario() -> Scenario {
    known(playground())
}

fn known(source: Source) -> Scenario {
    Scenario::taken_at_its_word(source).expect("what is built in is read by a test")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lint, misconceptions};

    #[test]
    fn every_scenario_of_the_catalogue_is_sound() {
        assert!(!names().is_empty());
        for name in names() {
            let scenario = source(name).map(Scenario::parse).expect("it is listed");
            if let Err(error) = scenario.and_then(|scenario| lint::check(&scenario)) {
                panic!("{error}");
            }
        }
    }

    #[test]
    fn every_scenario_asks_for_a_choice_and_every_misconception_is_met() {
        for name in names() {
            let predict = scenario(name).unwrap().document.predict;
            assert!(predict.is_some_and(|predict| !predict.choices.is_empty()), "{name}");
        }
        for misconception in misconceptions::names() {
            assert!(!that_meet(misconception).is_empty(), "no lesson meets {misconception}");
        }
    }

    #[test]
    fn the_playground_is_sound_and_can_be_played() {
        let scenario = Scenario::parse(playground()).unwrap_or_else(|error| panic!("{error}"));
        lint::check(&scenario).unwrap_or_else(|error| panic!("{error}"));
        let plan = crate::plan::Plan::make(&scenario, &crate::plan::Options::default()).unwrap();
        assert_eq!(plan.into_playground(None).unwrap().arms[0].loads.len(), 1);
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_near_one() {
        assert_eq!(source("cpu-blokcing").unwrap_err(), "did you mean `cpu-blocking`?");
    }
}
