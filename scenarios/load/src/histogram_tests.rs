use super::*;
use proptest::prelude::*;

fn of(values_us: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    for &value in values_us {
        histogram.record(Duration::from_micros(value));
    }
    histogram
}

#[test]
fn an_empty_histogram_has_no_figures() {
    let empty = Histogram::new();
    assert_eq!(
        (empty.quantile_ms(0.5), empty.mean_ms(), empty.max_ms(), empty.min_ms()),
        (None, None, None, None)
    );
    assert_eq!(serde_json::to_string(&empty).unwrap(), "[]");
}

#[test]
fn values_beyond_an_hour_count_as_an_hour() {
    let mut histogram = Histogram::new();
    histogram.record(Duration::MAX);
    assert_eq!(histogram.count(), 1);
    assert!((histogram.max_ms().unwrap() - 3_600_000.0).abs() < 3_600.0);
}

#[test]
fn the_rank_of_a_quantile_is_not_moved_by_binary_fractions() {
    let hundred = of(&(1..=100).collect::<Vec<_>>());
    assert_eq!(hundred.quantile_ms(0.99), Some(0.099));
    assert_eq!(hundred.quantile_ms(0.5), Some(0.05));
    assert_eq!(hundred.quantile_ms(0.991), Some(0.1));
    assert_eq!(hundred.quantile_ms(0.0), Some(0.001));
    assert_eq!(hundred.quantile_ms(1.0), Some(0.1));
}

#[test]
fn a_serialised_histogram_reads_as_pairs() {
    assert_eq!(serde_json::to_string(&of(&[5, 5, 900])).unwrap(), "[[5,2],[900,1]]");
}

proptest! {
    #[test]
    fn it_agrees_with_the_reference_implementation(
        values in prop::collection::vec(0_u64..4_000_000_000, 1..300),
        q in 0.01_f64..1.0,
    ) {
        let ours = of(&values);
        let mut reference = hdrhistogram::Histogram::<u64>::new_with_bounds(1, LONGEST_US, 3).unwrap();
        for &value in &values {
            reference.saturating_record(value.min(LONGEST_US));
        }
        prop_assert_eq!(ours.quantile_us(q).unwrap(), reference.value_at_quantile(q));
        // Milliseconds are rounded once, and once more on their way back.
        prop_assert!((ours.max_ms().unwrap() * 1_000.0 - reference.max() as f64).abs() <= 1e-12 * reference.max() as f64);
        prop_assert!((ours.mean_ms().unwrap() * 1_000.0 - reference.mean()).abs() <= 1e-9 * reference.mean() + 1e-9);
        prop_assert_eq!(ours.to_hdr(), reference);
    }

    #[test]
    fn writing_and_reading_changes_nothing(values in prop::collection::vec(0_u64..4_000_000_000, 0..200)) {
        let before = of(&values);
        let text = serde_json::to_string(&before).unwrap();
        let after: Histogram = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(after, before);
    }

    #[test]
    fn merging_equals_recording_everything_in_one(
        left in prop::collection::vec(0_u64..100_000, 0..200),
        right in prop::collection::vec(0_u64..100_000, 0..200),
    ) {
        let mut merged = of(&left);
        merged.merge(&of(&right));
        let mut all = left.clone();
        all.extend(&right);
        prop_assert_eq!(merged, of(&all));
    }

    #[test]
    fn what_is_over_a_limit_is_counted(
        values in prop::collection::vec(0_u64..2_000, 1..200), limit in 0_u64..2_000,
    ) {
        let over = values.iter().filter(|&&value| value > limit).count() as u64;
        prop_assert_eq!(of(&values).count_over_ms(limit as f64 / 1_000.0), over);
    }
}
