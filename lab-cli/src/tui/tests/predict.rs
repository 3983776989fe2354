//! The question before a run, the idea that follows it, and what home shows of the guesses.

use scenarios::catalog;

use super::*;
use crate::job::planned;

/// The question of a scenario of the catalogue.
fn asked(name: &str) -> Bench {
    let mut bench = Bench::at_home(PLAIN);
    bench.write(&format!("/{name}"));
    bench.press(KeyCode::Enter);
    bench.press(KeyCode::Char('s'));
    bench
}

#[test]
fn a_question_offers_its_choices() {
    let mut bench = asked("cpu-blocking");
    bench.press(KeyCode::Char('2'));
    bench.press(KeyCode::Down);
    insta::assert_snapshot!("question", bench.screen(80, 24));
    bench.press(KeyCode::Esc);
    let home = bench.screen(100, 36);
    assert!(
        home.contains("scenarios"),
        "back at home, and nothing was started: {home}"
    );
    assert!(!Path::new(&bench.state.path().join("runs")).exists());
}

#[test]
fn a_question_takes_a_number_and_says_what_it_did_not_understand() {
    let mut source = catalog::source("cpu-blocking").unwrap();
    let (before, rest) = source.scenario.split_once("[predict]").unwrap();
    let (_, after) = rest.split_once("\n[run]\n").unwrap();
    source.scenario = format!(
        "{before}[predict]\nquestion = \"How many wait?\"\nvalue = \"one.bystander.burn.slow_share\"\nmax = 1\n\
         unit = \"share\"\n\n[run]\n{after}"
    );
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("cpu-blocking");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("scenario.toml"), source.scenario).unwrap();
    std::fs::write(folder.join("lesson.md"), source.lesson).unwrap();
    let jobs = planned::jobs(&planned::arguments(folder.to_str().unwrap(), true));
    let mut bench = Bench::new(PLAIN);
    let jobs = jobs.unwrap_or_else(|failure| panic!("{}", failure.words()));
    bench.app.with_jobs(jobs, true);
    assert!(bench.screen(100, 36).contains("How many wait?"));
    bench.write("999");
    bench.press(KeyCode::Enter);
    let screen = bench.screen(100, 36);
    assert!(
        screen.contains("999") && screen.contains("between 0 % and 100 %"),
        "{screen}"
    );
}

#[test]
fn the_idea_is_shown_before_the_guess_to_whoever_asks() {
    let idea = "one thread that serves many requests";
    let mut bench = Bench::at_home(PLAIN);
    bench.write("/cpu-blocking");
    bench.press(KeyCode::Enter);
    let home = bench.screen(120, 40);
    assert!(home.contains("i shows it now") && !home.contains(idea), "{home}");
    bench.press(KeyCode::Char('i'));
    assert!(bench.screen(120, 40).contains(idea));
    bench.press(KeyCode::Esc);
    bench.press(KeyCode::Char('s'));
    assert!(!bench.screen(120, 40).contains(idea));
    bench.press(KeyCode::Char('i'));
    assert!(bench.screen(120, 40).contains(idea));
    bench.press(KeyCode::Esc);
    assert!(
        bench.screen(120, 40).contains("What is compared"),
        "the question is still there"
    );
}

#[test]
fn home_shows_what_the_guesses_tend_to_believe_and_the_idea_after_one() {
    let mut bench = Bench::new(PLAIN);
    let learner = serde_json::json!({
        "schema": 1,
        "scenarios": { "cpu-blocking": { "runs": 1, "last_run": "x", "last_verdict": "pass", "guesses": 1 } },
        "beliefs": {
            "races-are-rare": { "times": 3, "scenario": "seat-booking", "last_run": "x", "last": "2026-01-01T00:00:00Z" },
            "instances-help-each-other":
                { "times": 1, "scenario": "cpu-blocking", "last_run": "x", "last": "2026-01-01T00:00:00Z" },
            "a-replay-counts-twice":
                { "times": 9, "scenario": "replay", "last_run": "x", "last": "2026-01-01T00:00:00Z", "overcome": true },
        },
    });
    std::fs::write(bench.state.path().join("learner.json"), learner.to_string()).unwrap();
    bench.app.at_home().unwrap();
    bench.write("/cpu-blocking");
    bench.press(KeyCode::Enter);
    let screen = bench.screen(160, 50);
    let wanted = [
        "chosen 3 times; seat-booking meets it",
        "chosen once; this lesson meets it",
        "The idea",
    ];
    for wanted in wanted {
        assert!(screen.contains(wanted), "{wanted} in\n{screen}");
    }
    assert!(!screen.contains("counts twice"), "{screen}");
}
