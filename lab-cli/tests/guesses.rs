//! What a learner guesses: compared with the run, answered, and kept.

mod common;

use common::scenario::{ASKING, Tiny};
use common::{Lab, json_file};
use serde_json::Value;

#[test]
fn a_guess_is_compared_with_what_it_was_and_kept() {
    let lab = Lab::new();
    let scenario = ASKING.write(lab.folder());
    let run = |guess: &str| lab.run(["run".as_ref(), scenario.as_os_str(), "--guess".as_ref(), guess.as_ref()]);
    let said = run("5").code(0).stdout;
    assert!(said.contains("How many fingers?"), "{said}");
    assert!(
        said.contains("You guessed 5, and it was 10: off by a factor of 2."),
        "{said}"
    );
    let kept = |learner: &Value| learner["scenarios"]["asking"].clone();
    let learner = kept(&json_file(&lab.state().join("learner.json")));
    assert_eq!(
        (&learner["runs"], &learner["last_guess"]["right"]),
        (&1.into(), &false.into())
    );
    let said = run("11").code(0).stdout;
    assert!(said.contains("it was 10: right"), "{said}");
    let learner = kept(&json_file(&lab.state().join("learner.json")));
    assert_eq!(
        (&learner["runs"], &learner["last_guess"]["right"]),
        (&2.into(), &true.into())
    );
    // The recording knows the guess, too.
    let again = lab.say("replay last --speed 0 --ui plain").code(0).stdout;
    assert!(again.contains("it was 10: right"), "{again}");
    run("many").code(2).complains(&["not a number", "How many fingers?"]);
    run("101").code(2).complains(&["between 0 and 100"]);
    let silent = Tiny::default().write(lab.folder());
    let said = lab.run(["run".as_ref(), silent.as_os_str(), "--guess".as_ref(), "1".as_ref()]);
    said.code(2).complains(&["asks for no guess"]);
}

/// Asks for one of three, of which the last is right.
const CHOOSING: Tiny = Tiny {
    name: "choosing",
    more: r#"[predict]
question = "How many are answered?"
[[predict.choice]]
label = "none"
when = "one.read.ok < 0.5"
misconception = "collisions-cancel-each-other"
answer = "You expected none: {{ one.read.ok | count }} were."
[[predict.choice]]
label = "one"
when = "one.read.ok < 1.5"
misconception = "a-crash-hits-one-request"
answer = "You expected one."
[[predict.choice]]
label = "many"
when = "one.read.ok >= 1.5"
"#,
    ..ASKING
};

#[test]
fn a_misconception_is_answered_kept_and_shown() {
    let lab = Lab::new();
    assert!(
        lab.say("learner")
            .code(0)
            .stdout
            .contains("has shown a misconception yet")
    );
    assert_eq!(lab.say("learner --json").code(0).json(), serde_json::json!([]));
    let scenario = CHOOSING.write(lab.folder());
    let run = |guess: &str| {
        let said = lab.run(["run".as_ref(), scenario.as_os_str(), "--guess".as_ref(), guess.as_ref()]);
        said.code(0).stdout
    };
    let said = run("1");
    assert!(
        said.contains("You guessed \"none\", and it was \"many\".") && said.contains("You expected none: "),
        "{said}"
    );
    let guess = json_file(&lab.state().join("learner.json"))["scenarios"]["choosing"]["last_guess"].clone();
    assert_eq!(
        (&guess["guess"], &guess["misconception"]),
        (&"none".into(), &"collisions-cancel-each-other".into())
    );
    assert!(
        guess["answer"].as_str().unwrap().starts_with("You expected none"),
        "{guess}"
    );
    let again = lab.say("replay last --speed 0 --ui plain").code(0).stdout;
    assert!(again.contains("You expected none: "), "{again}");
    run("1");
    run("2");
    let beliefs = lab.say("learner --json").code(0).json();
    let told = |index: usize, key: &str| beliefs[index][key].clone();
    assert_eq!(
        (told(0, "misconception"), told(0, "times"), told(0, "overcome")),
        ("collisions-cancel-each-other".into(), 2.into(), false.into())
    );
    assert_eq!(
        told(0, "lessons"),
        serde_json::json!(["race-condition", "seat-booking"])
    );
    assert_eq!(
        (told(1, "misconception"), told(1, "times")),
        ("a-crash-hits-one-request".into(), 1.into())
    );
    let said = run("3");
    assert!(
        said.contains("it was \"many\": right") && !said.contains("You expected"),
        "{said}"
    );
    assert_eq!(lab.say("learner --json").code(0).json()[0]["overcome"], true);
    let table = lab.say("learner").code(0).stdout;
    assert!(
        table.contains("1 of 4 guesses right") && table.contains("outbox"),
        "{table}"
    );
}
