//! How bars look.

use indicatif::ProgressStyle;

use crate::text;

/// The style of a bar, in characters that the terminal has.
pub fn bar(template: &'static str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the template is a constant");
    if text::ascii() {
        style.progress_chars("#>-").tick_chars("-\\|/ ")
    } else {
        style.progress_chars("━╸─")
    }
}
