//! Reads metrics as programs expose them: the text format of Prometheus, and OpenMetrics.
//!
//! The formats: <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>. What is read here is what a watcher needs: samples with labels
//! and values, and units. Times of samples and exemplars are passed over.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// One line: a metric with its labels and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// Name of the metric.
    pub name: Cow<'a, str>,
    /// Its labels.
    pub labels: BTreeMap<Cow<'a, str>, String>,
    /// Its value; may be infinite or no number.
    pub value: f64,
}

impl Sample<'_> {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }
}

/// What a program exposes at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exposition<'a> {
    /// All samples, in their order.
    pub samples: Vec<Sample<'a>>,
    /// Units that are declared, by the name of their metric.
    pub units: BTreeMap<&'a str, &'a str>,
    /// How many lines are neither samples nor comments, and the number of the first of them.
    pub unread: Option<(usize, usize)>,
}

impl<'a> Exposition<'a> {
    /// Reads a text. A line that cannot be read is counted, and costs only itself.
    pub fn read(text: &'a str) -> Self {
        let mut read = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_matches([' ', '\t', '\r']);
            if let Some(comment) = line.strip_prefix('#') {
                let mut words = comment.split_ascii_whitespace();
                match (words.next(), words.next(), words.next()) {
                    (Some("EOF"), None, None) => break,
                    (Some("UNIT"), Some(name), Some(unit)) => drop(read.units.insert(name, unit)),
                    _ => {}
                }
            } else if let Some(sample) = sample(line) {
                read.samples.push(sample);
            } else if !line.is_empty() {
                let (count, first) = read.unread.unwrap_or((0, index + 1));
                read.unread = Some((count + 1, first));
            }
        }
        read
    }

    /// The value of a gauge or counter: of the series without labels, else the sum of all its series.
    pub fn value(&self, name: &str) -> Option<f64> {
        let all = || self.samples.iter().filter(|sample| sample.name == name);
        let bare = all().find(|sample| sample.labels.is_empty());
        bare.map(|sample| sample.value)
            .or_else(|| all().map(|sample| sample.value).reduce(|sum, value| sum + value))
    }

    /// The sum of the series that have the name and the labels of a selector; `None` where there are none.
    pub fn sum(&self, selector: &str) -> Option<f64> {
        let line = format!("{selector} 0");
        let wanted = sample(&line)?;
        let is_wanted = |sample: &&Sample<'_>| {
            let has = |(name, value): (&Cow<'_, str>, &String)| sample.label(name) == Some(value.as_str());
            sample.name == wanted.name && wanted.labels.iter().all(has)
        };
        let all = self.samples.iter().filter(is_wanted);
        all.map(|sample| sample.value).reduce(|sum, value| sum + value)
    }
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let name_end = line.find(|c: char| !is_of_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let (inner_name, labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (None, BTreeMap::new(), rest),
    };
    // A name of any characters stands between the braces, in quotes.
    let name = match (name.is_empty(), inner_name) {
        (false, None) => Cow::Borrowed(name),
        (true, Some(name)) => Cow::Owned(name),
        _ => return None,
    };
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    let value = number(words.next()?)?;
    // A time may follow, and an exemplar.
    match words.next() {
        None => {}
        Some(exemplar) if exemplar.starts_with('#') => {}
        Some(time) => {
            number(time)?;
            if words.next().is_some_and(|word| !word.starts_with('#')) {
                return None;
            }
        }
    }
    Some(Sample { name, labels, value })
}

fn number(word: &str) -> Option<f64> {
    match word {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        number if number.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) => {
            number.parse().ok()
        }
        _ => None,
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

type Labels<'a> = BTreeMap<Cow<'a, str>, String>;

/// A name in quotes, the labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Option<String>, Labels<'_>, &str)> {
    let (mut metric, mut labels) = (None, BTreeMap::new());
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((metric, labels, after));
        }
        let (name, after) = if rest.starts_with('"') {
            let (name, after) = quoted(rest)?;
            (Cow::Owned(name), after)
        } else {
            let end = rest.find(|c: char| !is_of_name(c)).filter(|end| *end > 0)?;
            let (name, after) = rest.split_at(end);
            (Cow::Borrowed(name), after)
        };
        let after = after.trim_start_matches([' ', '\t']);
        rest = match after.strip_prefix('=') {
            Some(value) => {
                let (value, after) = quoted(value.trim_start_matches([' ', '\t']))?;
                if labels.insert(name, value).is_some() {
                    return None;
                }
                after
            }
            None if metric.is_none() && labels.is_empty() && matches!(name, Cow::Owned(_)) => {
                metric = Some(name.into_owned());
                after
            }
            None => return None,
        };
        rest = rest.trim_start_matches([' ', '\t']);
        rest = match rest.strip_prefix(',') {
            Some(after) => after,
            None if rest.starts_with('}') => rest,
            None => return None,
        };
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
                escaped @ ('\\' | '"') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(line: &str) -> Option<Sample<'_>> {
        sample(line)
    }

    #[test]
    fn samples_have_names_labels_and_values() {
        let text = "# HELP x y\n# TYPE x counter\nx 3\nx{a=\"1\",b=\"q\\\"\\\\\\n}\",} 4.5 1700000000\ny_bucket{le=\"+Inf\"} 7\r\n\nnonsense\nz{a=\"open} 1\n";
        let read = Exposition::read(text);
        assert_eq!(read.samples.len(), 3, "{read:?}");
        assert_eq!((&*read.samples[0].name, read.samples[0].value), ("x", 3.0));
        assert_eq!(read.samples[1].label("b"), Some("q\"\\\n}"));
        assert_eq!(
            (&*read.samples[2].name, read.samples[2].label("le")),
            ("y_bucket", Some("+Inf"))
        );
        assert_eq!(read.unread, Some((2, 7)));
    }

    #[test]
    fn blanks_may_stand_where_promtool_takes_them() {
        for line in [
            "x {le=\"1\"} 2",
            "x{ le = \"1\" , } 2",
            "x\t{le=\"1\"}\t2\t1700000000",
            "x{le=\"1\"}2",
        ] {
            let sample = one(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (&*sample.name, sample.label("le"), sample.value),
                ("x", Some("1"), 2.0),
                "{line}"
            );
        }
    }

    #[test]
    fn openmetrics_ends_at_its_end_and_has_units_exemplars_and_quoted_names() {
        let text = "# TYPE d histogram\n# UNIT d seconds\nd_bucket{le=\"0.1\"} 8 # {trace_id=\"a b\"} 0.067 1520879607.789\n\
                    d_bucket{le=\"+Inf\"} 9 1520879607.789 # {trace_id=\"x\"} 1\n{\"http.rate\",\"a.b\"=\"c\"} 3\n# EOF\nafter 1\n";
        let read = Exposition::read(text);
        let seen: Vec<(&str, f64)> = read.samples.iter().map(|s| (&*s.name, s.value)).collect();
        assert_eq!(seen, [("d_bucket", 8.0), ("d_bucket", 9.0), ("http.rate", 3.0)]);
        assert_eq!(read.samples[2].label("a.b"), Some("c"));
        assert_eq!((read.units["d"], read.unread), ("seconds", None));
    }

    #[test]
    fn infinite_values_are_values_and_words_are_none() {
        assert_eq!(one("up{} +Inf").unwrap().value, f64::INFINITY);
        assert!(one("x NaN").unwrap().value.is_nan());
        for wrong in [
            "x",
            "x one",
            "x infinity",
            "1x 2",
            "{} 1",
            "x{a} 1",
            "x{a=\"1\",a=\"2\"} 1",
            "x 1 2 3",
            "x{a=\"1\" b=\"2\"} 1",
        ] {
            assert_eq!(one(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_value_is_that_of_the_bare_series_or_the_sum_of_all() {
        let read =
            Exposition::read("# TYPE lag gauge\nlag_worst 3\nlag{a=\"b\"} 2\nlag 0.25\nby{a=\"1\"} 1\nby{a=\"2\"} 2\n");
        assert_eq!(
            (read.value("lag"), read.value("lag_worst"), read.value("la")),
            (Some(0.25), Some(3.0), None)
        );
        assert_eq!(read.value("by"), Some(3.0));
    }

    #[test]
    fn a_selector_names_series_whose_values_are_added_up() {
        let read = Exposition::read(
            "w{result=\"useful\"} 3\nw{result=\"wasted\",of=\"a\"} 2\nw{result=\"wasted\"} 0.5\nwx 9\n",
        );
        for (selector, sum) in [
            ("w", Some(5.5)),
            ("w{result=\"wasted\"}", Some(2.5)),
            ("w{of=\"a\", result=\"wasted\"}", Some(2.0)),
            ("w{result=\"none\"}", None),
            ("v", None),
            ("w{", None),
            ("w 1 2 3", None),
        ] {
            assert_eq!(read.sum(selector), sum, "{selector}");
        }
    }

    fn escaped(text: &str) -> String {
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    }

    proptest! {
        #[test]
        fn what_is_written_by_the_rules_is_read_as_it_was(
            name in "[a-z_:][a-z0-9_:]{0,8}",
            labels in proptest::collection::btree_map("[a-z_][a-z0-9_]{0,5}", "\\PC*|[\\\\\"\n{},= #]*", 0..5),
            value in proptest::num::f64::NORMAL,
            blank in "[ \t]{0,2}",
        ) {
            let inner: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}{blank}={blank}\"{}\"", escaped(value)))
                .collect();
            let line = format!("{name}{blank}{{{blank}{}{blank}}} {value:e} 17", inner.join(","));
            let read = Exposition::read(&line);
            prop_assert_eq!(read.samples.len(), 1, "{}", line);
            let sample = &read.samples[0];
            prop_assert_eq!(&*sample.name, name.as_str());
            prop_assert_eq!(sample.value, value);
            let seen: BTreeMap<String, String> =
                sample.labels.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
            prop_assert_eq!(seen, labels);
        }

        #[test]
        fn no_text_is_too_much(text in any::<String>()) {
            let read = Exposition::read(&text);
            let unread = read.unread.map_or(0, |(count, _)| count);
            prop_assert!(read.samples.len() + unread <= text.lines().count());
        }
    }
}
