//! Checks of a scenario beyond its syntax: names, references, and that everything it measures can be measured.

use super::{Check, Document, LawKind, Load, Place, Problem, RequestSection, names};
use crate::expression::Expression;
use crate::plan;

/// Problems of names and references.
pub(super) fn problems(document: &Document, folder: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if document.schema != super::FORMAT_VERSION {
        problems.push(Problem::whole(format!(
            "schema = {} is not known; this lab reads schema = {}",
            document.schema,
            super::FORMAT_VERSION
        )));
    }
    if document.name.as_str() != folder {
        problems.push(
            Problem::at(
                document.name.span(),
                format!("the name must be that of the folder, `{folder}`"),
            )
            .hint(format!("write name = \"{folder}\", or rename the folder")),
        );
    }
    params(document, &mut problems);
    choices(document, &mut problems);
    names::check(document, &mut problems);
    references(document, &mut problems);
    problems.extend(variables(document));
    for load in &document.loads {
        pace(load, document.run.duration_s.is_some(), &mut problems);
    }
    let of_loads = document.loads.iter().map(|load| &load.request);
    let of_searches = document.searches.iter().map(|search| &search.request);
    problems.extend(of_loads.chain(of_searches).filter_map(keys_without_place));
    problems.extend(document.actions.iter().filter_map(plan::link_problem));
    for check in &document.checks {
        bounds(check, &mut problems);
    }
    problems
}

/// Variables that a service does not declare: they would do nothing, or make its process do something else entirely.
fn variables(document: &Document) -> Vec<Problem> {
    let of_arms = document.arms.iter().flat_map(|arm| &arm.services);
    let mut problems = Vec::new();
    for service in document.system.services.iter().chain(of_arms) {
        // A name that nothing has is told of where it is looked up.
        let Ok(program) = service.name.as_str().parse::<contract::Program>() else {
            continue;
        };
        let declared = program.declared_variables();
        for variable in service.env.keys().filter(|name| !declared.contains(&name.as_str())) {
            let message = format!("a scenario may not set `{variable}` for `{program}`");
            problems.push(Problem::at(variable.span(), message).hint(match declared.as_slice() {
                [] => format!("{program} takes no variables from a scenario"),
                declared => format!("{program} takes: {}", declared.join(", ")),
            }));
        }
    }
    problems
}

fn params(document: &Document, problems: &mut Vec<Problem>) {
    for (name, param) in &document.params {
        let fits = |value: f64| (param.min..=param.max).contains(&value);
        if !fits(param.default) || !param.quick.is_none_or(fits) {
            problems.push(Problem::whole(format!(
                "params.{name}: default and quick must lie within min and max ({} to {})",
                param.min, param.max
            )));
        }
    }
}

fn choices(document: &Document, problems: &mut Vec<Problem>) {
    for (name, choice) in &document.choices {
        if choice.of.len() < 2 {
            problems.push(Problem::whole(format!("choices.{name}: give two words or more")));
        }
        if document.params.contains_key(name) {
            problems.push(Problem::whole(format!(
                "`{name}` is a parameter and a choice; give one of them another name"
            )));
        }
    }
}

fn references(document: &Document, problems: &mut Vec<Problem>) {
    let services: Vec<&str> = document
        .system
        .services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    let arms: Vec<&str> = document.arms.iter().map(|arm| arm.name.as_str()).collect();
    let mut must_be = |place: &Place, known: &[&str], what: &str| {
        if !known.contains(&place.as_str()) {
            problems.push(
                Problem::at(place.span(), format!("there is no {what} `{place}`"))
                    .suggest(place.as_str(), known.iter().copied()),
            );
        }
    };
    must_be(&document.system.entry, &services, "service");
    for service in document.arms.iter().flat_map(|arm| &arm.services) {
        must_be(&service.name, &services, "service");
    }
    let policies: Vec<&str> = balance::REGISTRY.iter().map(balance::PolicyKind::name).collect();
    let policy_of = |service: &super::Service| service.balancer.clone();
    let of_system = document.system.services.iter().filter_map(policy_of);
    let of_arms = document.arms.iter().flat_map(|arm| &arm.services).filter_map(policy_of);
    let of_actions = document.actions.iter().filter_map(|action| action.policy.clone());
    let of_simulations = document
        .simulations
        .iter()
        .flat_map(|simulation| simulation.policies.clone());
    for policy in of_system.chain(of_arms).chain(of_actions).chain(of_simulations) {
        must_be(&policy, &policies, "policy");
    }
    let in_arms = document
        .loads
        .iter()
        .flat_map(|load| &load.arms)
        .chain(document.searches.iter().flat_map(|search| &search.arms))
        .chain(document.actions.iter().flat_map(|action| &action.arms))
        .chain(document.probes.iter().flat_map(|probe| &probe.arms))
        .chain(document.stories.iter().flat_map(|story| &story.arms))
        .chain(document.clients.iter().flat_map(|clients| &clients.arms))
        .chain(document.laws.iter().flat_map(|law| &law.arms));
    for arm in in_arms {
        must_be(arm, &arms, "arm");
    }
    let of_clients = document.clients.iter().filter_map(|clients| clients.service.as_ref());
    let doors = document
        .loads
        .iter()
        .filter_map(|load| load.service.as_ref())
        .chain(of_clients);
    let doors = doors.chain(document.stories.iter().map(|story| &story.service));
    for service in doors.chain(document.probes.iter().filter_map(|probe| probe.service.as_ref())) {
        must_be(service, &services, "service");
    }
    let acting: Vec<&str> = document.clients.iter().map(|clients| clients.class.as_str()).collect();
    for law in &document.laws {
        must_be(&law.of, &acting, "class of clients");
    }
    at_rest(document, problems);
}

/// Laws about what is left need somebody to read it.
fn at_rest(document: &Document, problems: &mut Vec<Problem>) {
    for law in &document.laws {
        let needs = matches!(law.law, LawKind::Conservation | LawKind::AtMostOnce);
        let mut clients = document
            .clients
            .iter()
            .filter(|clients| clients.class.as_str() == law.of.as_str());
        if needs && !clients.any(|clients| clients.at_rest.is_some()) {
            problems.push(
                Problem::at(law.of.span(), format!("nobody reads what is left of `{}`", law.of))
                    .hint("add at_rest = { path = …, field = … } to its clients"),
            );
        }
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

#[cfg(test)]
mod tests {
    use crate::catalog;
    use crate::format::{FormatError, Scenario, Source};

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
        match Scenario::parse(source) {
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
            ("default = 2000", "default = 200000", "must lie within min and max"),
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
            (request("path = \"http://127.0.0.1:1/x\""), "begin it with one /"),
            (request("path = \"//127.0.0.1:1/x\""), "begin it with one /"),
            (request("path = \"/\\\\127.0.0.1:1/x\""), "percent-encode"),
            (request("path = \"/users/ 1\""), "percent-encode"),
            (request("path = \"/users/1\\r\\nX: y\""), "a line break"),
            (request("path = \"/users/1\\nX: y\""), "a line break"),
            (request("path = \"/ü\""), "percent-encode"),
            (request("path = \"/a#b\""), "percent-encode"),
            (request("path = \"\""), "begin it with one /"),
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
        let scenario = Scenario::parse(source).unwrap();
        let said = scenario.check_settings().unwrap_err().to_string();
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
}
