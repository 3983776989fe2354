//! The schemas of events are committed, and nobody may change them under those who rely on them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use contract::events::{DomainEvent, Envelope, OrderCreated, payload_schemas};
use serde_json::{Map, Value, json};
use time::macros::datetime;

/// Set to write the file anew; refused when the change breaks what was there.
const UPDATE: &str = "UPDATE_EVENT_SCHEMAS";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("events.schema.json")
}

fn generated() -> Value {
    let mut types: Map<String, Value> = payload_schemas()
        .into_iter()
        .map(|(kind, schema)| (kind.to_owned(), schema.to_value()))
        .collect();
    types.values_mut().for_each(without_schema_version);
    let mut envelope = schemars::schema_for!(Envelope<Value>).to_value();
    without_schema_version(&mut envelope);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Events of the laboratory",
        "envelope": envelope,
        "types": types,
    })
}

/// It is said once, at the top.
fn without_schema_version(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
    }
}

/// What in `new` breaks a reader or a writer of `old`, each as a sentence. Readers and writers are replaced one by one,
/// so both directions must hold: nothing that was there may go, change, or change from needed to not needed or back;
/// and what is new may be left out.
fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut problems = of_schema("the envelope", &old["envelope"], &new["envelope"]);
    for (kind, schema) in members(&old["types"]) {
        match new["types"].get(kind) {
            None => problems.push(format!("{kind} is gone")),
            Some(new) => problems.extend(of_schema(kind, schema, new)),
        }
    }
    problems
}

fn of_schema(kind: &str, old: &Value, new: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, property) in members(&old["properties"]) {
        match new["properties"].get(name) {
            None => problems.push(format!("{kind} has lost `{name}`")),
            Some(new) if meaning(new) != meaning(property) => problems.push(format!("{kind} has changed `{name}`")),
            Some(_) => {}
        }
    }
    let (before, after) = (required(old), required(new));
    let changed = before.symmetric_difference(&after);
    problems.extend(changed.map(|name| format!("{kind} has changed whether `{name}` is required")));
    problems
}

fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

fn required(schema: &Value) -> BTreeSet<String> {
    let names = schema["required"].as_array().into_iter().flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// A property without what only people read.
fn meaning(property: &Value) -> Value {
    let mut property = property.clone();
    if let Some(property) = property.as_object_mut() {
        property.remove("description");
    }
    property
}

#[test]
fn the_committed_schemas_are_those_of_the_program_and_break_nobody() {
    let generated = generated();
    let text = format!("{generated:#}\n");
    let committed = std::fs::read_to_string(path()).unwrap_or_default();
    let before: Option<Value> = serde_json::from_str(&committed).ok();
    let broken = before.map(|before| breaks(&before, &generated)).unwrap_or_default();
    assert!(broken.is_empty(), "add a new version of the type instead: {broken:?}");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path(), &text).unwrap();
        return;
    }
    assert_eq!(committed, text, "write the file anew with {UPDATE}=1");
}

/// One change to a schema, and a part of what is said of it.
type Change = (fn(&mut Value), Option<&'static str>);

#[test]
fn a_change_that_breaks_somebody_is_found_and_one_that_does_not_is_let_through() {
    const TYPE: &str = "lab.order.created.v1";
    let changes: [Change; 8] = [
        (
            |new| _ = new["types"].as_object_mut().unwrap().remove(TYPE),
            Some("is gone"),
        ),
        (
            |new| {
                _ = new["types"][TYPE]["properties"]
                    .as_object_mut()
                    .unwrap()
                    .remove("user_id");
            },
            Some("has lost `user_id`"),
        ),
        (
            |new| new["types"][TYPE]["properties"]["quantity"]["type"] = json!("string"),
            Some("has changed `quantity`"),
        ),
        (
            |new| {
                new["types"][TYPE]["properties"]["coupon"] = json!({"type": "string"});
                new["types"][TYPE]["required"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!("coupon"));
            },
            Some("whether `coupon` is required"),
        ),
        (
            |new| _ = new["types"][TYPE]["required"].as_array_mut().unwrap().pop(),
            Some("is required"),
        ),
        (
            |new| _ = new["envelope"]["properties"].as_object_mut().unwrap().remove("id"),
            Some("the envelope has lost `id`"),
        ),
        (
            |new| new["types"][TYPE]["properties"]["coupon"] = json!({"type": "string"}),
            None,
        ),
        (
            |new| new["types"]["lab.order.created.v2"] = new["types"][TYPE].clone(),
            None,
        ),
    ];
    let old = generated();
    for (change, said) in changes {
        let mut new = old.clone();
        change(&mut new);
        assert_ne!(new, old);
        let problems = breaks(&old, &new).join("; ");
        match said {
            Some(part) => assert!(problems.contains(part), "{part:?} is not in {problems:?}"),
            None => assert_eq!(problems, ""),
        }
    }
}

#[test]
fn every_type_names_its_version_and_an_event_is_read_back() {
    assert!(
        DomainEvent::TYPES
            .iter()
            .all(|kind| kind.starts_with("lab.") && kind.ends_with(".v1"))
    );
    let payload = OrderCreated {
        order_id: 7,
        user_id: 1,
        product_id: 2,
        quantity: 3,
        amount_cents: 300,
    };
    let event = Envelope::new("e1", "orders", datetime!(2026-01-02 03:04:05 UTC), payload.clone());
    let text = serde_json::to_value(&event).unwrap();
    assert_eq!(
        text,
        json!({
            "specversion": "1.0", "id": "e1", "source": "orders", "type": "lab.order.created.v1", "subject": "7",
            "time": "2026-01-02T03:04:05Z", "datacontenttype": "application/json",
            "data": {"order_id": 7, "user_id": 1, "product_id": 2, "quantity": 3, "amount_cents": 300}
        })
    );
    let read: Envelope<Value> = serde_json::from_value(text).unwrap();
    let typed = read.typed().unwrap().unwrap();
    assert_eq!(typed.data, DomainEvent::from(payload));
    assert_eq!(
        (typed.data.kind(), typed.data.subject().as_str()),
        ("lab.order.created.v1", "7")
    );
}

#[test]
fn a_type_of_somebody_else_is_none_and_wrong_data_is_an_error() {
    assert!(DomainEvent::read("lab.order.created.v9", json!({})).unwrap().is_none());
    DomainEvent::read("lab.order.created.v1", json!({"order_id": "seven"})).unwrap_err();
    // What a later version may add does not disturb this one.
    let grown = json!({"order_id": 7, "reason": "none left", "shelf": 4});
    assert!(DomainEvent::read("lab.inventory.failed.v1", grown).unwrap().is_some());
}
