//! Attacks on what reads scenario folders: scenarios and lessons of the catalogue, mutated.

use attack::Attack;
use scenarios::catalog;
use scenarios::format::{FormatError, Source};
use scenarios::lint;
use scenarios::scenario::Scenario;

/// Words of both formats, and what has broken readers of such formats.
const WORDS: [&str; 26] = [
    "[[arm]]\n",
    "[[load]]\n",
    "[[check]]\n",
    "= 4294967295\n",
    "= 1e308\n",
    "= nan\n",
    "= -inf\n",
    "\\u001b[2J",
    "\\u0000",
    "\r\n",
    "{key}",
    "params.",
    ".all(a, true)",
    "[1,2,3].map(a, ",
    "mmc_mean_ms(1.0, 1.0, 1e9)",
    "((((((((((((((((",
    " ? 1.0 : ",
    "http://127.0.0.1:1/",
    "{% for i in range(99999) %}",
    "{% endfor %}",
    "{{ 'x' * 99999999 }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "| join(range(99999))",
    "{%",
    "}}",
    "\u{202e}",
];

/// Reads a scenario as `lab check` does; a fault is said with the line and the column of it, or of the whole file.
fn check(source: Source) {
    match Scenario::parse(source).and_then(|scenario| lint::check(&scenario)) {
        Ok(()) => {}
        Err(error @ FormatError::Invalid { .. }) => assert!(!error.to_string().is_empty()),
        Err(error) => panic!("nothing was read from a disk: {error}"),
    }
}

fn attack(name: &str, part: impl Fn(&mut Source) -> &mut String, count: u64) {
    let sources: Vec<Source> = catalog::names()
        .into_iter()
        .map(|name| catalog::source(name).expect("it is listed"))
        .collect();
    let mut attack = Attack::new(name, env!("CARGO_MANIFEST_DIR"));
    for word in WORDS {
        attack = attack.word(word);
    }
    for source in &sources {
        attack = attack.input(part(&mut source.clone()).clone());
    }
    attack.run(count, |input| {
        let text = String::from_utf8_lossy(input).into_owned();
        // The folder says of which scenario the other half is.
        let of = sources
            .iter()
            .find(|source| text.contains(&format!("name = \"{}\"", source.folder)));
        let mut source = of.unwrap_or(&sources[0]).clone();
        *part(&mut source) = text;
        check(source);
    });
}

#[test]
fn attack_scenarios() {
    attack("scenarios", |source| &mut source.scenario, 300);
}

#[test]
fn attack_lessons() {
    attack("lessons", |source| &mut source.lesson, 200);
}
