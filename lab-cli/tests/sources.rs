//! Rules of the house that are seen in the sources alone: what exactly one place may do, and how long a file may be.

use std::path::{Path, PathBuf};

/// A rule: texts that may stand in one file only, and why.
struct Rule {
    /// What is forbidden.
    words: &'static [&'static str],
    /// What the one place does, so that a search that finds nothing at all is seen to be broken.
    shown_by: &'static [&'static str],
    /// Folders of the workspace in whose files it is.
    within: &'static [&'static str],
    /// The files that may all the same, by the end of their path.
    except: &'static [&'static str],
    why: &'static str,
}

const EVERYWHERE: &[&str] = &["lab-cli", "scenarios", "compose", "services"];

const RULES: &[Rule] = &[
    Rule {
        words: &[
            "reqwest::Client::",
            "reqwest::ClientBuilder",
            "reqwest::get",
            "reqwest::blocking",
            "ClientBuilder::",
            // Where the type was imported.
            "Client::builder",
        ],
        shown_by: &["Client::builder"],
        within: EVERYWHERE,
        // The client of services is another library's, which knows no proxies.
        except: &[
            "compose/src/http.rs",
            "chassis/src/client.rs",
            "lab-cli/tests/sources.rs",
        ],
        why: "a client that is made elsewhere uses the proxies of the environment; take compose::http::client",
    },
    Rule {
        words: &["LAB_TESTS_REQUIRE", "SKIPPED"],
        shown_by: &["LAB_TESTS_REQUIRE"],
        within: EVERYWHERE,
        // A benchmark is no test.
        except: &[
            "shared/testing/src/lib.rs",
            "balancer/benches/throughput.rs",
            "lab-cli/tests/sources.rs",
        ],
        why: "a test that is skipped in its own way may be skipped where all are required; call testing::skip",
    },
    Rule {
        words: &[
            "println!(",
            "print!(",
            "eprintln!(",
            "eprint!(",
            "io::stdout()",
            "io::stderr()",
        ],
        shown_by: &["io::stdout()"],
        within: &["lab-cli/src"],
        // The terminal laboratory draws on the terminal itself, and asks whether there is one.
        except: &[
            "src/output.rs",
            "src/tui/terminal.rs",
            "src/tui/mod.rs",
            "src/text/shown.rs",
            "src/display/mod.rs",
            "src/commands/sim/mod.rs",
            "src/guess.rs",
        ],
        why: "it panics when nobody reads or the disk is full; print with out!, outln!, err! or errln!",
    },
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All Rust files of a folder and of the folders in it.
fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !hidden && path.file_name().is_none_or(|name| name != "target") {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The lines that break a rule, each with its place.
fn broken(rule: &Rule) -> Vec<String> {
    let workspace = workspace();
    let mut files = Vec::new();
    for folder in rule.within {
        sources(&workspace.join(folder), &mut files);
    }
    assert!(!files.is_empty(), "no sources in {:?}", rule.within);
    let mut found = Vec::new();
    for file in files {
        if rule.except.iter().any(|except| file.ends_with(except)) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for (index, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if rule.words.iter().any(|word| code.contains(word)) {
                found.push(format!("{}:{}: {}", file.display(), index + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn what_one_place_does_no_other_does() {
    for rule in RULES {
        let found = broken(rule);
        assert!(found.is_empty(), "{}:\n{}", rule.why, found.join("\n"));
    }
}

/// A rule that finds nothing anywhere could not find anything at all.
#[test]
fn every_rule_finds_what_its_one_place_does() {
    for rule in RULES {
        let nobody_excepted = Rule {
            words: rule.shown_by,
            except: &["lab-cli/tests/sources.rs"],
            ..*rule
        };
        assert!(!broken(&nobody_excepted).is_empty(), "{}", rule.why);
    }
}

/// Lines of a source file, without the tests at its end. Who reads one should be able to keep it in mind.
const LINES_MAX: usize = 400;

/// How many lines a source has before its tests, if it has any.
fn lines_of_code(source: &str) -> usize {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().count()
}

#[test]
fn no_source_file_is_long() {
    let mut files = Vec::new();
    for folder in EVERYWHERE {
        sources(&workspace().join(folder), &mut files);
    }
    files.retain(|file| file.components().any(|part| part.as_os_str() == "src"));
    assert!(files.len() > 400, "only {} source files are found", files.len());
    let lines = |file: &PathBuf| lines_of_code(&std::fs::read_to_string(file).unwrap());
    let long = files.iter().map(|file| (lines(file), file));
    let long: Vec<String> = long
        .filter(|(lines, _)| *lines > LINES_MAX)
        .map(|(lines, file)| format!("{} has {lines} lines", file.display()))
        .collect();
    assert!(
        long.is_empty(),
        "split these files by what they are about; {LINES_MAX} lines are the most:\n{}",
        long.join("\n")
    );
}

#[test]
fn tests_at_the_end_of_a_file_do_not_count() {
    let source = "one\ntwo\n#[cfg(test)]\nmod tests {\n    three\n}\n";
    assert_eq!(lines_of_code(source), 2);
    assert_eq!(lines_of_code(&"line\n".repeat(LINES_MAX + 1)), LINES_MAX + 1);
}
