//! Percentile tables in the text format of HdrHistogram (`.hgrm`), as its plotter reads them.
//!
//! The levels are those of HdrHistogram's percentile iterator with five ticks for each halving of the distance to
//! 100 % (Gil Tene, HdrHistogram, `PercentileIterator`).

use std::fmt::Write;

use load::Histogram;
use scenarios::summary::{ArmSummary, RunSummary};

use super::escape;
use super::format::FormatEntry;

const TICKS_PER_HALF_DISTANCE: f64 = 5.0;

/// The format.
pub const FORMAT: FormatEntry = FormatEntry {
    name: "hgrm",
    about: "Percentile tables as the HdrHistogram plotter reads them",
    file: "report.hgrm",
    is_page: false,
    render: |material| Ok(render(&material.summary)),
};

/// All tables of a run one after the other, each under a comment that names its arm and class.
pub(super) fn render(summary: &RunSummary<'_>) -> String {
    let mut text = String::new();
    for (name, table) in files(&summary.arms) {
        let _ = writeln!(text, "#[{}]\n{table}", name.trim_end_matches(".hgrm"));
    }
    if text.is_empty() {
        "#[nothing was measured]\n".to_owned()
    } else {
        text
    }
}

/// (file name, table) of every class that was answered.
pub(super) fn files(arms: &[ArmSummary<'_>]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for arm in arms {
        for class in arm
            .classes
            .iter()
            .filter(|class| !class.whole.total.response.is_empty())
        {
            let name = format!(
                "{}.{}.hgrm",
                escape::file_name(&arm.plan.name),
                escape::file_name(&class.name)
            );
            files.push((name, table(&class.whole.total.response)));
        }
    }
    files
}

/// The table of one distribution, in milliseconds.
fn table(latencies: &Histogram) -> String {
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let total = latencies.count();
    let mut seen = 0;
    let mut level = 0.0_f64;
    for (value_us, count) in latencies.iter() {
        seen += count;
        let value_ms = value_us as f64 / 1000.0;
        // A bucket can reach several levels: each gets its row, as HdrHistogram writes it.
        while seen < total && level <= seen as f64 / total as f64 {
            let _ = writeln!(
                text,
                "{value_ms:12.3} {level:2.12} {seen:10} {:14.2}",
                1.0 / (1.0 - level)
            );
            level = next_level(level);
        }
        if seen == total {
            let _ = writeln!(text, "{value_ms:12.3} {:2.12} {seen:10}", 1.0);
        }
    }
    let hdr = latencies.to_hdr();
    let _ = writeln!(
        text,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]",
        hdr.mean() / 1000.0,
        hdr.stdev() / 1000.0
    );
    let _ = writeln!(
        text,
        "#[Max     = {:12.3}, Total count    = {total:12}]",
        hdr.max() as f64 / 1000.0
    );
    let _ = writeln!(text, "#[Buckets = {:12}, SubBuckets     = {:12}]", hdr.buckets(), 2048);
    text
}

fn next_level(level: f64) -> f64 {
    let halvings = (1.0 / (1.0 - level)).log2().floor() + 1.0;
    level + 1.0 / (TICKS_PER_HALF_DISTANCE * halvings.exp2())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn levels_rise_and_the_last_row_holds_everything() {
        let mut latencies = Histogram::new();
        for us in 1..=1000 {
            latencies.record(Duration::from_micros(us * 10));
        }
        let text = table(&latencies);
        let rows: Vec<Vec<f64>> = text
            .lines()
            .skip(2)
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().map(|field| field.parse().unwrap()).collect())
            .collect();
        assert!(rows.len() > 20);
        assert!(
            rows.windows(2)
                .all(|pair| pair[0][0] <= pair[1][0] && pair[0][1] < pair[1][1])
        );
        let at_half = rows.iter().find(|row| row[1] == 0.5).unwrap();
        assert_eq!((at_half[0], at_half[2], at_half[3]), (5.003, 500.0, 2.0));
        assert_eq!(rows.last().unwrap()[1..], [1.0, 1000.0]);
    }
}
