//! Tables that fit the width.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::width;

/// One line under the headings: enough to read by, and little noise.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// An empty table with these headings, as wide as the text.
pub fn table(headings: &[&str]) -> Table {
    table_within(headings, width())
}

/// An empty table with these headings, at most so many columns wide.
pub fn table_within(headings: &[&str], columns: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(columns).unwrap_or(u16::MAX));
    if console::colors_enabled() {
        table.enforce_styling();
        table.set_header(
            headings
                .iter()
                .map(|heading| Cell::new(heading).add_attribute(Attribute::Bold)),
        );
    } else {
        table.force_no_tty();
        table.set_header(headings.to_vec());
    }
    table
}

/// Aligns these columns to the right, for numbers.
pub fn right_aligned(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
