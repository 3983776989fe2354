//! Lessons on small screens: nothing of them is cut off.

use scenarios::lesson::HEADINGS;

use super::*;
use crate::catalogue;
use crate::tui::text;

/// Columns of a lesson on the smallest screen: a margin of two at the left, and two for the bar at the right.
const COLUMNS: usize = SMALLEST.0 as usize - 4;

#[test]
fn every_line_of_every_lesson_fits_the_smallest_screen() {
    console::set_colors_enabled(false);
    let mut cut = Vec::new();
    for name in scenarios::catalog::names() {
        let lesson = catalogue::open(name).unwrap().lesson;
        let before_a_run = HEADINGS
            .into_iter()
            .filter(|heading| !["What happened", "Why"].contains(heading));
        for heading in before_a_run {
            let lines = text::markdown(COLUMNS, PLAIN, lesson.section(heading));
            let wide = lines.iter().filter(|line| line.width() > COLUMNS);
            cut.extend(wide.map(|line| format!("{name}, {heading}: {line}")));
        }
    }
    assert!(cut.is_empty(), "{}", cut.join("\n"));
}

#[test]
fn beside_the_list_words_stand_for_a_figure_that_would_be_cut() {
    console::set_colors_enabled(false);
    let lesson = catalogue::open("race-condition").unwrap().lesson;
    let drawn = |columns| {
        let lines = text::markdown_beside(columns, PLAIN, lesson.section("The idea"), "(see the lesson)");
        lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let (narrow, wide) = (drawn(42), drawn(80));
    assert!(
        narrow.contains("(see the lesson)") && !narrow.contains("read 1"),
        "{narrow}"
    );
    assert!(!wide.contains("(see the lesson)") && wide.contains("read 1"), "{wide}");
}
