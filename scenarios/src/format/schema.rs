//! The JSON Schema of `scenario.toml`, for editors that complete and check as one types.

use super::document::Document;

/// The schema as pretty JSON, ending in a newline.
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(Document);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}
