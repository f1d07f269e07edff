//! Tables: columns as wide as their content, one of them cut in the middle where the terminal is too narrow.

use leakhound_workbench::names;

use super::format::Line;
use super::style::{Role, Style};

/// Columns between two cells.
const GAP: usize = 2;
/// What the cut column keeps at least.
const LEAST: usize = 12;

/// One column.
pub(super) struct Heading {
    pub(super) text: &'static str,
    /// Whether numbers stand in it.
    pub(super) right: bool,
}

/// A column of text.
pub(super) const fn left(text: &'static str) -> Heading {
    Heading { text, right: false }
}

/// A column of numbers.
pub(super) const fn right(text: &'static str) -> Heading {
    Heading { text, right: true }
}

/// A cell's look and text, which must have gone through [`names`].
pub(super) type Cell = (Role, String);

/// Prints the rows under their headings. `flexible` is the column that gives way.
pub(super) fn print<const N: usize>(
    headings: &[Heading; N],
    flexible: usize,
    rows: &[[Cell; N]],
    (style, width): (Style, usize),
    out: &mut String,
) {
    let mut widths = headings.each_ref().map(|heading| names::width(heading.text));
    for row in rows {
        for (wide, (_, text)) in widths.iter_mut().zip(row) {
            *wide = (*wide).max(names::width(text));
        }
    }
    let total = widths.iter().sum::<usize>() + GAP * (N - 1);
    if let Some(wide) = widths.get_mut(flexible) {
        let over = total.saturating_sub(width);
        *wide = wide.saturating_sub(over).max(LEAST.min(*wide));
    }
    let mut line = Line::default();
    for (heading, wide) in headings.iter().zip(widths) {
        put(&mut line, Role::Quiet, heading.text, wide, heading.right);
    }
    line.print(style, out);
    for row in rows {
        let mut line = Line::default();
        for ((heading, wide), (role, text)) in headings.iter().zip(widths).zip(row) {
            put(&mut line, *role, text, wide, heading.right);
        }
        line.print(style, out);
    }
}

/// Appends a cell of `wide` columns and the gap behind it.
fn put(line: &mut Line, role: Role, text: &str, wide: usize, right: bool) {
    let text = names::cut_middle(text, wide);
    let free = wide.saturating_sub(names::width(&text));
    if right {
        line.push(Role::Plain, " ".repeat(free));
        line.push(role, text);
        line.push(Role::Plain, " ".repeat(GAP));
    } else {
        line.push(role, text);
        line.push(Role::Plain, " ".repeat(free + GAP));
    }
}
