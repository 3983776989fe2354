//! The keys of scenario files, as their schema has them, and the schema.

use std::collections::BTreeSet;

use scenarios::format::json_schema;
use serde_json::{Map, Value};

use super::{Page, table};

/// The page.
pub fn page() -> Page {
    let schema: Value = serde_json::from_str(&json_schema()).expect("the schema is JSON");
    let mut keys = Keys {
        definitions: schema["$defs"].as_object().expect("the schema has definitions"),
        waiting: vec![(String::new(), &schema)],
        done: BTreeSet::new(),
        text: INTRODUCTION.to_owned(),
    };
    while !keys.waiting.is_empty() {
        let (path, definition) = keys.waiting.remove(0);
        keys.section(&path, definition);
    }
    ("docs/src/reference/scenario-keys.md".to_owned(), keys.text)
}

/// The schema itself, for editors.
pub fn schema() -> Page {
    ("scenarios/scenario.schema.json".to_owned(), json_schema())
}

const INTRODUCTION: &str = "# The keys of a scenario

Made from the schema that `lab check --schema` prints, which editors can use for completion. [Write your own
scenario](../how-to/write-a-scenario.md) shows how they work together. A key is optional unless it says *required*.
";

/// The page as it grows.
struct Keys<'a> {
    definitions: &'a Map<String, Value>,
    /// What still wants a section: how it is written in a file, and its definition.
    waiting: Vec<(String, &'a Value)>,
    /// Names of definitions that have one or will have one.
    done: BTreeSet<&'a str>,
    text: String,
}

impl<'a> Keys<'a> {
    fn section(&mut self, path: &str, definition: &'a Value) {
        let title = match path {
            "" => "The file".to_owned(),
            path => format!("`{path}`"),
        };
        self.text.push_str(&format!("\n## {title}\n\n"));
        if let Some(said) = definition["description"].as_str().filter(|_| !path.is_empty()) {
            self.text.push_str(&format!("{said}\n\n"));
        }
        let made = match definition["properties"].as_object() {
            Some(properties) => self.properties(path, definition, properties),
            None => words(definition),
        };
        self.text.push_str(&made);
    }

    fn properties(&mut self, path: &str, definition: &'a Value, properties: &'a Map<String, Value>) -> String {
        let required: Vec<&str> = texts(&definition["required"]);
        let rows: Vec<[String; 3]> = properties
            .iter()
            .map(|(key, property)| {
                let mut said = property["description"].as_str().unwrap_or_default().to_owned();
                if let Some(default) = property.get("default").filter(|default| !default.is_null()) {
                    said.push_str(&format!(" Default: `{default}`."));
                }
                if required.contains(&key.as_str()) {
                    said.push_str(" *Required.*");
                }
                [format!("`{key}`"), self.kind(&inner(path, key), property), said]
            })
            .collect();
        table(["Key", "What it is", "Meaning"], rows)
    }

    /// What a value is, in a word or two. A definition that is met for the first time gets a section.
    fn kind(&mut self, path: &str, value: &'a Value) -> String {
        if let Some(name) = value["$ref"].as_str() {
            return self.defined(path, name.trim_start_matches("#/$defs/"));
        }
        if let Some(any) = value["anyOf"].as_array() {
            let kinds = any.iter().filter(|kind| kind["type"] != "null");
            let kinds: Vec<String> = kinds.map(|kind| self.kind(path, kind)).collect();
            return kinds.join(" or ");
        }
        match texts_or_one(&value["type"]).first() {
            Some(&"array") => format!("list of: {}", self.kind(&format!("[{path}]"), &value["items"])),
            Some(&"object") if value["additionalProperties"].is_object() => {
                let name = format!("{path}.NAME");
                format!("by name: {}", self.kind(&name, &value["additionalProperties"]))
            }
            Some(&"string") => "text".to_owned(),
            Some(&"integer") => "whole number".to_owned(),
            Some(&"boolean") => "`true` or `false`".to_owned(),
            Some(kind) => (*kind).to_owned(),
            None => "any".to_owned(),
        }
    }

    fn defined(&mut self, path: &str, name: &str) -> String {
        let (name, definition) = self.definitions.get_key_value(name).expect("a definition is there");
        // Numbers that may be expressions are met everywhere.
        if definition.get("properties").is_none() && definition.get("oneOf").is_none() {
            return match name.as_str() {
                "Quantity" => "number or expression".to_owned(),
                other => other.to_lowercase(),
            };
        }
        if self.done.insert(name) {
            let own = match definition.get("properties") {
                Some(_) => written(path),
                None => name.clone(),
            };
            self.waiting.push((own, definition));
        }
        match definition.get("oneOf") {
            Some(_) => format!("a [`{name}`](#{})", name.to_lowercase()),
            None => "a table".to_owned(),
        }
    }
}

/// A key within a part of the file.
fn inner(path: &str, key: &str) -> String {
    match path.trim_matches(['[', ']']) {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

/// How a table is written in a file: `[run]`, or `[[load]]` where there may be several.
fn written(path: &str) -> String {
    format!("[{path}]")
}

/// The words that a value may be.
fn words(definition: &Value) -> String {
    let one_of = definition["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut rows = Vec::new();
    for one in one_of {
        let said = one["description"].as_str().unwrap_or_default();
        let mut words = texts(&one["enum"]);
        words.extend(one["const"].as_str());
        rows.extend(words.into_iter().map(|word| [format!("`{word}`"), said.to_owned()]));
    }
    table(["Word", "Meaning"], rows)
}

fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn texts_or_one(value: &Value) -> Vec<&str> {
    value.as_str().map_or_else(|| texts(value), |one| vec![one])
}

#[test]
fn every_definition_of_the_schema_is_on_the_page() {
    let (_, text) = page();
    for wanted in [
        "## The file",
        "## `[[load]]`",
        "## `[run]`",
        "## `[params.NAME]`",
        "`rate_per_s`",
        "## `ActionVerb`",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in:\n{text}");
    }
}
