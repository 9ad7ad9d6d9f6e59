//! Plain tables: columns aligned by terminal cells, no lines, nothing wrapped.

use comfy_table::{CellAlignment, ContentArrangement, Table};
use unicode_width::UnicodeWidthStr as _;

use super::text::fitted;

/// Which side a column's cells stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// A column: its head, and which side its cells stand on.
pub(crate) type Column<'a> = (&'a str, Side);

/// The lines of a table, the heads first; one for each row.
pub(crate) fn lines(columns: &[Column<'_>], rows: &[Vec<String>]) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|(head, _)| *head));
    for row in rows {
        table.add_row(row);
    }
    for (column, (_, side)) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2)).set_cell_alignment(match side {
            Side::Left => CellAlignment::Left,
            Side::Right => CellAlignment::Right,
        });
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Like [`lines`], in so many cells: the groups of columns in `drop` are left out one after the other until
/// the rest fits; if that is not enough, the cells of the column `elastic` are cut.
pub(crate) fn fitting(
    columns: &[Column<'_>],
    rows: &[Vec<String>],
    drop: &[&[usize]],
    elastic: usize,
    width: usize,
) -> Vec<String> {
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(n, (head, _))| {
            let cells = rows.iter().filter_map(|row| row.get(n)).map(|cell| cell.width());
            cells.chain([head.width()]).max().unwrap_or(0)
        })
        .collect();
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let needed = |kept: &[usize]| {
        let cells: usize = kept.iter().filter_map(|n| widths.get(*n)).sum();
        cells + 2 * kept.len().saturating_sub(1)
    };
    for group in drop {
        if needed(&kept) > width {
            kept.retain(|n| !group.contains(n));
        }
    }
    let spare = needed(&kept).saturating_sub(width);
    let most = widths.get(elastic).map_or(0, |cells| cells.saturating_sub(spare).max(4));

    let columns: Vec<Column<'_>> = kept.iter().filter_map(|n| columns.get(*n).copied()).collect();
    let cell = |row: &[String], n: usize| {
        let text = row.get(n).map_or("", String::as_str);
        if n == elastic { fitted(text, most) } else { text.to_owned() }
    };
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| kept.iter().map(|n| cell(row, *n)).collect()).collect();
    lines(&columns, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_align() {
        let rows = [["anna", "1.00 GB"], ["小明", "12.00 GB"], ["ёлка", "0 B"]]
            .map(|row| row.map(str::to_owned).to_vec());
        let lines = lines(&[("Person", Side::Left), ("Used", Side::Right)], &rows);
        assert_eq!(lines, ["Person      Used", "anna     1.00 GB", "小明    12.00 GB", "ёлка         0 B"]);
        assert!(lines.iter().all(|line| line.width() == 16));
    }
}
