//! The environment variables of services, as the contract declares them.

use contract::Program;

use super::{Page, marked, table, text_of};

/// Where the contract has their names.
const SOURCE: &str = "services/shared/contract/src/environment.rs";

/// A variable and what is said of it.
struct Variable {
    name: String,
    meaning: String,
    default: String,
}

/// The page.
pub fn page() -> Page {
    let rows = variables(&text_of(SOURCE)).into_iter().map(|variable| {
        let of = programs(&variable.name);
        [format!("`{}`", variable.name), of, variable.meaning, variable.default]
    });
    let file = "docs/src/reference/services.md".to_owned();
    let made = table(["Variable", "Set for", "Meaning", "Default"], rows);
    let text = marked(&text_of(&file), "environment variables", &format!("\n{made}\n"));
    (file, text)
}

/// The programs that a description of a system may set a variable for.
fn programs(variable: &str) -> String {
    let of: Vec<&str> = Program::ALL
        .into_iter()
        .filter(|program| program.declared_variables().contains(&variable))
        .map(Program::as_str)
        .collect();
    let is_of_all = of.len() == Program::ALL.into_iter().filter(is_service).count();
    match of.is_empty() {
        true => "set by what starts it".to_owned(),
        false if is_of_all => "every service".to_owned(),
        false => of.join(", "),
    }
}

/// Whether a program is a service of the house, which all log.
fn is_service(program: &Program) -> bool {
    program.declared_variables().contains(&"LOG_LEVEL")
}

/// The variables of the contract's source: each constant with its comment.
fn variables(source: &str) -> Vec<Variable> {
    let mut variables = Vec::new();
    let mut said = String::new();
    for line in source.lines() {
        if let Some(words) = line.strip_prefix("///") {
            said.push_str(words);
        } else if let Some(constant) = line.strip_prefix("pub const ") {
            let name = constant.split('"').nth(1).expect("a variable has a name").to_owned();
            let (meaning, default) = meaning_and_default(said.trim());
            variables.push(Variable { name, meaning, default });
            said.clear();
        }
    }
    // What ends so is a beginning of names, and no variable.
    variables.retain(|variable| !variable.name.ends_with('_'));
    variables
}

/// What is said of a variable, and behind "Default" what it is if it is not set.
fn meaning_and_default(said: &str) -> (String, String) {
    let said = without_links(said);
    let (meaning, default) = said.rsplit_once("Default").unwrap_or((&said, ""));
    let default = default.trim_start_matches(':').trim().trim_end_matches('.');
    (meaning.trim().trim_end_matches('.').to_owned(), default.to_owned())
}

/// A text in which links to other items of the code are their words.
fn without_links(said: &str) -> String {
    let mut text = String::new();
    let mut rest = said;
    while let Some((before, link)) = rest.split_once("[`") {
        let (word, after) = link.split_once("`]").expect("a link ends");
        text.push_str(&format!("{before}`{word}`"));
        rest = match after.strip_prefix("(crate::") {
            Some(target) => target.split_once(')').map_or("", |(_, rest)| rest),
            None => after,
        };
    }
    text + rest
}

#[test]
fn a_variable_has_its_meaning_and_its_default_apart() {
    let source = "/// How it is kept: a\n/// [`Strategy`](crate::Strategy), [`Other`]. Default: `x`, else 0.\npub const A: &str = \"A\";\n\
                  /// What begins.\npub const P: &str = \"P_\";\n/// No default.\npub const B: &str = \"B\";\n";
    let found: Vec<[String; 3]> = variables(source)
        .into_iter()
        .map(|variable| [variable.name, variable.meaning, variable.default])
        .collect();
    assert_eq!(
        found,
        [
            ["A", "How it is kept: a `Strategy`, `Other`", "`x`, else 0"],
            ["B", "No default", ""]
        ]
    );
}

#[test]
fn every_variable_that_a_system_may_set_is_on_the_page() {
    let (file, text) = page();
    for program in Program::ALL {
        for variable in program.declared_variables() {
            assert!(
                text.contains(&format!("`{variable}`")),
                "{file} says nothing of {variable}"
            );
        }
    }
}
