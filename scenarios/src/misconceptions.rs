//! What learners tend to believe wrongly: the one list of names that wrong choices refer to.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The belief in one plain sentence, by its name.
static ALL: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| toml::from_str(include_str!("../misconceptions.toml")).expect("a test reads it"));

/// The names in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.keys().map(String::as_str)
}

/// What somebody with this misconception believes, as one sentence; none where the list has no such name.
pub fn sentence(name: &str) -> Option<&'static str> {
    ALL.get(name).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_one_plain_sentence_under_a_name_that_can_be_typed() {
        for name in names() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(name.chars().all(plain), "{name}");
            let sentence = sentence(name).unwrap();
            let begins = sentence.starts_with(|c: char| c.is_uppercase());
            assert!(
                begins && sentence.ends_with('.') && !sentence.contains(". "),
                "{name}: {sentence}"
            );
        }
    }
}
