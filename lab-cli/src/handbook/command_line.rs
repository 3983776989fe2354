//! Every command with its arguments and options, as `clap` knows them.

use clap::{Arg, Command, CommandFactory};

use super::{Page, marked, start_of, table, text_of};
use crate::arguments::Arguments;

/// The page.
pub fn page() -> Page {
    let mut root = Arguments::command();
    root.build();
    let made: String = commands(&root).map(section).collect();
    let file = "docs/src/reference/command-line.md".to_owned();
    let text = marked(&text_of(&file), "commands", &format!("\n{made}"));
    (file, text)
}

/// The commands that people are told of.
fn commands(root: &Command) -> impl Iterator<Item = &Command> {
    let all = root.get_subcommands();
    all.filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn section(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let arguments = match arguments(command).next() {
        Some(_) => table(["Argument", "Meaning", "Default"], arguments(command)) + "\n",
        None => String::new(),
    };
    format!(
        "### {}\n\n{about}: `{usage}`\n\n{arguments}",
        command.get_bin_name().unwrap_or_default()
    )
}

/// The table of what a command is given, for a page about it.
pub fn arguments_of(command: &str) -> String {
    let mut root = Arguments::command();
    root.build();
    let command = root.find_subcommand(command).expect("the lab has the command");
    table(["Argument", "Meaning", "Default"], arguments(command))
}

fn arguments(command: &Command) -> impl Iterator<Item = [String; 3]> {
    command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && !argument.is_global_set() && argument.get_id() != "help")
        .map(|argument| [format!("`{}`", name(argument)), help(argument), default(argument)])
}

fn name(argument: &Arg) -> String {
    match argument.get_short() {
        Some(short) => format!("-{short}, {argument}"),
        None => argument.to_string(),
    }
}

/// What an argument means, and the words that it may be.
fn help(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let words: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| argument.get_action().takes_values())
        .map(|word| match word.get_help() {
            Some(help) => format!("`{}` ({})", word.get_name(), help.to_string().trim_end_matches('.')),
            None => format!("`{}`", word.get_name()),
        })
        .collect();
    match words.is_empty() {
        true => help,
        false => format!("{}: {}", help.trim_end_matches('.'), words.join(", ")),
    }
}

fn default(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    let values: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.display()))
        .collect();
    values.join(", ")
}

#[test]
fn every_command_is_in_one_of_the_tables_above() {
    let (file, text) = page();
    let (tables, _) = text.split_once(&start_of("commands")).expect("the page has the part");
    let rows: Vec<&str> = tables.lines().filter(|line| line.starts_with("| `lab")).collect();
    for command in commands(&Arguments::command()) {
        let name = format!("`lab {}", command.get_name());
        let is_told = |row: &str| row.split(&name).skip(1).any(|rest| rest.starts_with([' ', '`']));
        assert!(rows.iter().any(|row| is_told(row)), "{file} has no row of {name}`");
    }
}
