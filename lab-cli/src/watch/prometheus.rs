//! Reads the text format of Prometheus, as far as a watcher needs it.
//!
//! The format: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.

use std::collections::BTreeMap;

/// One line: a metric with its labels and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// Name of the metric.
    pub name: &'a str,
    /// Its labels.
    pub labels: BTreeMap<&'a str, String>,
    /// Its value.
    pub value: f64,
}

/// All samples of a text; what is no sample is left out.
pub fn samples(text: &str) -> impl Iterator<Item = Sample<'_>> {
    text.lines().filter_map(sample)
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let name_end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, rest) = line.split_at(name_end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    // A time stamp may follow the value.
    let value = match rest.split_whitespace().next()? {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        number => number.parse().ok()?,
    };
    Some(Sample { name, labels, value })
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(BTreeMap<&str, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = quoted(after.trim_start())?;
        labels.insert(name.trim(), value);
        rest = after;
    }
}

/// A text in double quotes, in which `\\`, `\"` and `\n` are escaped, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_have_names_labels_and_values() {
        let text = "# HELP x y\n# TYPE x counter\nx 3\nx{a=\"1\",b=\"q\\\"\\\\\\n}\"} 4.5 1700000000\ny_bucket{le=\"+Inf\"} 7\n\nnonsense\nz{a=\"open} 1\n";
        let all: Vec<Sample<'_>> = samples(text).collect();
        assert_eq!(all.len(), 3, "{all:?}");
        assert_eq!((all[0].name, all[0].value), ("x", 3.0));
        assert_eq!(all[1].labels["b"], "q\"\\\n}");
        assert_eq!((all[2].name, all[2].labels["le"].as_str()), ("y_bucket", "+Inf"));
    }

    #[test]
    fn infinite_values_are_values() {
        let one = samples("up{} +Inf").next().unwrap();
        assert_eq!(one.value, f64::INFINITY);
        assert!(samples("x NaN").next().unwrap().value.is_nan());
    }
}
