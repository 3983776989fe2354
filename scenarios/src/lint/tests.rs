use super::*;
use crate::catalog;
use crate::format::Source;

/// What is said of the scenario `cpu-blocking` with one text replaced by another.
fn said_of(file: &str, from: &str, to: &str) -> String {
    let mut source: Source = catalog::source("cpu-blocking").unwrap();
    let text = if file == "lesson.md" {
        &mut source.lesson
    } else {
        &mut source.scenario
    };
    assert!(text.contains(from), "the catalogue no longer has `{from}`");
    *text = text.replacen(from, to, 1);
    match Scenario::parse(source).and_then(|scenario| check(&scenario)) {
        Err(error @ FormatError::Invalid { .. }) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => String::new(),
    }
}

#[test]
fn every_mistake_is_found_with_its_place_and_a_hint() {
    // (what stands there, what is written instead, what is said of it)
    let mistakes = [
        ("warmup_s = 0.3", "warmup = 0.3", "did you mean `warmup_s`?"),
        ("rounds = 2", "rounds = \"two\"", "scenario.toml:"),
        ("schema = 1", "schema = 9", "schema = 9 is not known"),
        (
            "[[system.service]]\n",
            "[[system.service]]\nenv = { LD_PRELOAD = \"/tmp/x.so\" }\n",
            "may not set `LD_PRELOAD`",
        ),
        (
            "[[system.service]]\n",
            "[[system.service]]\nenv.PATH = \"/tmp\"\n",
            "takes: BALANCER_CONNECT_TIMEOUT_MS,",
        ),
        (
            "[[system.service]]\n",
            "[[system.service]]\nenv = { WORK_WAIT_MS = \"1\", DATABASE_URL = \"sqlite:///etc/x\" }\n",
            "may not set `DATABASE_URL`",
        ),
        (
            "name = \"cpu-blocking\"",
            "name = \"other\"",
            "write name = \"cpu-blocking\"",
        ),
        ("entry = \"gateway\"", "entry = \"getaway\"", "did you mean `gateway`?"),
        (
            "balancer = \"least_connections\"",
            "balancer = \"least-connections\"",
            "did you mean `least_connections`?",
        ),
        (
            "name = \"offloaded\"",
            "name = \"off-loaded\"",
            "cannot be used in expressions",
        ),
        ("name = \"offloaded\"", "name = \"one\"", "two arms `one`"),
        ("name = \"offloaded\"", "name = \"params\"", "a meaning of its own"),
        (
            "rate_per_s = \"params.rate\"",
            "rate_per_s = \"params.rat\"",
            "no `rat`",
        ),
        (
            "rate_per_s = \"params.rate\"",
            "rate_per_s = \"params.rate * 2\"",
            "such as 2.0",
        ),
        ("rate_per_s = \"params.rate\"", "rate_per_s = -1", "must be from 0"),
        (
            "rate_per_s = \"params.rate\"",
            "rate_per_s = 5\nat_s = [1.0]",
            "exactly one of rate_per_s",
        ),
        (
            "path = \"/api/non-blocking\" }",
            "path = \"/api/non-blocking\", keys = 9 }",
            "which key it is about",
        ),
        ("duration_s = ", "# duration_s = ", "how long `bystander` lasts"),
        ("?ms={burn_ms}", "?ms={burn}", "did you mean `burn_ms`?"),
        ("value = \"one.bystander", "value = \"uno.bystander", "no `uno`"),
        (
            "bystander.burn.slow_share\"",
            "bystander.burn.slowshare\"",
            "no `slowshare`",
        ),
        ("at_least = 0.85", "equals = 1\nat_least = 0.85", "no clear bound"),
        (
            "instances = \"params.instances\"",
            "instances = 0",
            "number of instances is 0",
        ),
        ("default = 2000", "default = 200000", "must be within min and max"),
    ];
    for (from, to, expected) in mistakes {
        let said = said_of("scenario.toml", from, to);
        assert!(said.contains(expected), "{to}: expected `{expected}`, said: {said}");
    }
}

#[test]
fn what_could_not_be_run_is_refused_with_its_place() {
    let path = "path = \"/api/non-blocking\"";
    let request = |to: &str| (path.to_owned(), to.to_owned());
    let change = "env = { CPU_WORK = \"offloaded\" }";
    let arm = |to: &str| (change.to_owned(), to.to_owned());
    let mistakes = [
        (request("path = \"http://127.0.0.1:1/x\""), "start it with one /"),
        (request("path = \"//127.0.0.1:1/x\""), "start it with one /"),
        (request("path = \"/\\\\127.0.0.1:1/x\""), "percent-encode"),
        (request("path = \"/users/ 1\""), "percent-encode"),
        (request("path = \"/users/1\\r\\nX: y\""), "a line break"),
        (request("path = \"/users/1\\nX: y\""), "a line break"),
        (request("path = \"/ü\""), "percent-encode"),
        (request("path = \"/a#b\""), "percent-encode"),
        (request("path = \"\""), "start it with one /"),
        (request("path = \"/x\", method = \"GE T\""), "the method is \"GE T\""),
        (request("path = \"/x\", headers = { \"a b\" = \"1\" }"), "a header name"),
        (request("path = \"/x\", headers = { a = \"1\\n2\" }"), "a line break"),
        (
            ("title = \"".to_owned(), "title = \"a\\npass b\\n".to_owned()),
            "a line break",
        ),
        (request("path = \"/x\", json = \"{ a: 1 }\""), "the body is not JSON"),
        (request(&format!("path = \"/{}\"", "x".repeat(4_001))), "at most 4000"),
        (
            request("path = \"/{key}\", keys = 100000, headers = { a = \"HEADER\" }"),
            "held ready",
        ),
        (
            ("balancer = \"round_robin\"\n".to_owned(), String::new()),
            "give it a balancer",
        ),
        (arm("env = { PORT = \"80\" }"), "PORT"),
        (
            arm("env = { WORK_WAIT_MS = \"soon\" }"),
            "must be a number from 0 to 600000",
        ),
        (arm("env = { CPU_WORK = \"gpu\" }"), "must be one of inline, offloaded"),
        (
            arm("env = { BALANCER_RETRIES = \"1001\" }"),
            "must be a whole number from 0 to 1000",
        ),
        (
            arm("env = { WORK_WAIT_MS = \"-{burn_ms}\" }"),
            "`WORK_WAIT_MS` is \"-2000\"",
        ),
        (arm("env = { \"A=B\" = \"1\" }"), "A=B"),
        (arm("[[arm.service]]\nname = \"gateway\""), "two changes of the service"),
        (
            ("rounds = 2".to_owned(), "rounds = 4294967295".to_owned()),
            "from 1 to 1000",
        ),
        (("rounds = 2".to_owned(), "rounds = 0".to_owned()), "from 1 to 1000"),
        (
            ("warmup_s = 0.3".to_owned(), "warmup_s = nan".to_owned()),
            "not a finite number",
        ),
        (
            (
                "timeout_s = \"10.0 + params.burn_ms / 500.0\"".to_owned(),
                "timeout_s = 0".to_owned(),
            ),
            "must be from 0.001",
        ),
        (
            (
                "rate_per_s = \"params.rate\"".to_owned(),
                "rate_per_s = \"mmc_mean_ms(1.0, 1.0, 1e9)\"".to_owned(),
            ),
            "at most to 10000",
        ),
        (("title = \"".to_owned(), "title = \"\\u001b[31m".to_owned()), "U+001B"),
        (
            ("name = \"offloaded\"".to_owned(), "name = \"off\\u202e\"".to_owned()),
            "U+202E",
        ),
    ];
    for ((from, to), expected) in mistakes {
        let said = said_of("scenario.toml", &from, &to.replace("HEADER", &"x".repeat(400)));
        assert!(said.contains(expected), "{to}: expected `{expected}`, said: {said}");
        let mut place = said.split(':').skip(1);
        let is_place = place.by_ref().take(2).all(|number| number.parse::<usize>().is_ok());
        assert!(is_place, "{to}: no line and column in: {said}");
    }
}

#[test]
fn of_two_with_one_name_in_one_arm_one_would_hide_the_other() {
    let probe = |arms: &str| format!("\n[[probe]]\nname = \"asked\"\n{arms}\npath = \"/x\"\nfield = \"y\"\n");
    let search = "\n[[search]]\nclass = \"most\"\nrequest = { path = \"/x\" }\nfrom_rate_per_s = 10\n\
              to_rate_per_s = 90\nquantile = 0.9\nwithin_ms = 50\nstep_s = 1\nsteps_max = 3\n";
    let said = |more: &str| {
        let mut source: Source = catalog::source("cpu-blocking").unwrap();
        source.scenario.push_str(more);
        Scenario::parse(source).err().map(|error| error.to_string())
    };
    let (all, one, other) = (probe(""), probe("arms = [\"one\"]"), probe("arms = [\"offloaded\"]"));
    assert_eq!(said(&[one.as_str(), &other].concat()), None);
    for (twice, what) in [
        (all.repeat(2), "probes `asked`"),
        ([all.as_str(), &one].concat(), "probes `asked`"),
        ([one.as_str(), &other, &one].concat(), "probes `asked`"),
        (search.repeat(2), "searches `most`"),
    ] {
        let said = said(&twice).unwrap();
        assert!(said.contains(&format!("there are two {what} in one arm")), "{said}");
        let place: Vec<&str> = said.split(':').skip(1).take(2).collect();
        assert!(place.iter().all(|number| number.parse::<usize>().is_ok()), "{said}");
    }
}

#[test]
fn a_setting_that_cannot_be_run_is_named() {
    let mut source: Source = catalog::source("cpu-blocking").unwrap();
    source.scenario = source
        .scenario
        .replacen("path = \"/api/non-blocking\"", "path = \"/{word}\"", 1)
        + "\n[choices.word]\nof = [\"good\", \"not good\"]\nhelp = \"a word\"\n";
    let said = check(&Scenario::parse(source).unwrap()).unwrap_err().to_string();
    assert!(said.contains("with --set word=not good: the path"), "{said}");
}

#[test]
fn places_are_given_as_line_and_column() {
    let said = said_of("scenario.toml", "entry = \"gateway\"", "entry = \"getaway\"");
    let place: Vec<&str> = said.split(':').take(3).collect();
    let line: usize = place[1].parse().unwrap();
    let text = catalog::source("cpu-blocking").unwrap().scenario;
    assert_eq!(text.lines().nth(line - 1), Some("entry = \"gateway\""));
    assert_eq!(place[2], "9");
}

#[test]
fn a_lesson_that_speaks_of_what_nobody_measures_is_refused() {
    let said = said_of("lesson.md", "one.bystander.burn", "one.bystander.brun");
    assert!(said.contains("lesson.md"), "{said}");
    assert!(said_of("lesson.md", "## Sources", "## Links").contains("\"## Sources\""));
}

#[test]
fn a_run_is_refused_for_what_its_plan_cannot_measure() {
    let source = |from: &str, to: &str| {
        let mut source: Source = catalog::source("cpu-blocking").unwrap();
        assert!(source.scenario.contains(from), "the catalogue no longer has `{from}`");
        source.scenario = source.scenario.replacen(from, to, 1);
        source.is_built_in = false;
        source
    };
    let misspelt = || source("bystander.burn.slow_share\"", "bystander.burn.slowshare\"");
    let refused = |source: Source, options: &Options| planned(&Scenario::parse(source).unwrap(), options).unwrap_err();
    let two = |set: &[(&str, &str)]| Options {
        cores: 2,
        set: set
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..Options::default()
    };
    // Whether or not a setting is given, the scenario itself is at fault.
    for options in [two(&[]), two(&[("burn_ms", "1500")])] {
        let refused = refused(misspelt(), &options);
        let Refused::Unsound(FormatError::Invalid { problems, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert!(
            problems
                .iter()
                .any(|problem| problem.message.contains("no `slowshare`"))
        );
    }
    let sound = || source("warmup_s = 0.3", "warmup_s = 0.2");
    assert!(planned(&Scenario::parse(sound()).unwrap(), &two(&[])).is_ok());
    // Here it is the setting.
    let refused = refused(sound(), &two(&[("burn_ms", "many")]));
    assert!(
        matches!(refused, Refused::Options(PlanError::NotANumber { .. })),
        "{refused:?}"
    );
}
