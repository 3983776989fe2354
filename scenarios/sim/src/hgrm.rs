//! Reading a recorded run's histogram: the text format of HdrHistogram, in milliseconds, as `lab report --format hgrm` writes it.

use crate::Empirical;

/// Why a text is no histogram.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HgrmError {
    /// A row that does not begin with two numbers.
    #[error("line {line} is no row of a percentile table: {text:?}")]
    Row {
        /// Counted from 1.
        line: usize,
        /// As it stands.
        text: String,
    },
    /// The rows are no distribution.
    #[error(
        "the percentile table is empty, or its rows do not rise; give a table of one class, such as hist/ARM.CLASS.hgrm"
    )]
    Table,
}

impl Empirical {
    /// Reads one percentile table.
    ///
    /// # Errors
    /// When a row cannot be read, or the rows are no distribution.
    pub fn from_hgrm(text: &str) -> Result<Self, HgrmError> {
        let rows = text.lines().zip(1..).filter(|(line, _)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#') && !line.starts_with("Value")
        });
        // Of several rows at one level the last counts: the histogram's own last row may repeat the level before it.
        let mut levels: Vec<(f64, f64)> = Vec::new();
        for (text, line) in rows {
            let mut fields = text.split_whitespace().map(str::parse::<f64>);
            let (Some(Ok(value_ms)), Some(Ok(share))) = (fields.next(), fields.next()) else {
                let text = text.to_owned();
                return Err(HgrmError::Row { line, text });
            };
            match levels.last_mut().filter(|last| last.0 == share) {
                Some(last) => last.1 = value_ms / 1_000.0,
                None => levels.push((share, value_ms / 1_000.0)),
            }
        }
        Self::new(&levels).ok_or(HgrmError::Table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "       Value     Percentile TotalCount 1/(1-Percentile)

       1.000 0.000000000000          1           1.00
       2.000 0.500000000000         50           2.00
       4.000 1.000000000000        100
#[Mean    =        2.000, StdDeviation   =        1.000]
";

    #[test]
    fn a_table_becomes_a_distribution_with_its_mean() {
        let read = Empirical::from_hgrm(TABLE).unwrap();
        // Half evenly between 1 and 2 ms, half between 2 and 4.
        let mean_s = crate::ServiceTime::Empirical(read).mean_s();
        assert!((mean_s - 0.00225).abs() < 1e-12, "{mean_s}");
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        let error = Empirical::from_hgrm("1.0 0.5\nfast enough").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2 is no row of a percentile table: \"fast enough\""
        );
        assert_eq!(Empirical::from_hgrm("#nothing"), Err(HgrmError::Table));
    }
}
