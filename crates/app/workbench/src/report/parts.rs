//! Small pieces of markup that the page's sections share.

use leakhound_diagnose::ClassGrowth;
use maud::{Markup, html};

use crate::{figures, names};

/// Columns of a class or variable name in a table.
pub(super) const NAME: usize = 72;
/// Columns of a file name with its line.
pub(super) const FILE: usize = 96;
/// Columns of a source line.
pub(super) const SOURCE: usize = 160;
/// Columns of a sentence: evidence, advice, warnings.
pub(super) const SENTENCE: usize = 600;

/// A name as code; what was cut stands (up to a limit) in the tooltip.
pub(super) fn name(text: &str, columns: usize) -> Markup {
    let shown = names::cut_middle(text, columns);
    let whole =
        (names::width(&shown) >= columns).then(|| names::cut_middle(text, 400)).filter(|w| *w != shown);
    html! { code title=[whole] { (shown) } }
}

/// A sentence; bounded, nothing else.
pub(super) fn sentence(text: &str) -> String {
    names::cut_end(text, SENTENCE)
}

/// `src/server.js:17` as code.
pub(super) fn location(file: &str, line: Option<u32>) -> Markup {
    html! { span.location { (name(&names::location(file, line), FILE)) } }
}

/// A line of source with its number, as an editor shows it.
pub(super) fn source_line(line: Option<u32>, source: &str) -> Markup {
    html! {
        pre.source {
            @if let Some(line) = line { span.number { (line) } }
            code { (names::cut_end(source, SOURCE)) }
        }
    }
}

/// A bar for a share of the largest value (0 to 1), decoration beside a number.
pub(super) fn bar(share: f64) -> Markup {
    let percent = if share.is_finite() { share.clamp(0.0, 1.0) * 100.0 } else { 0.0 };
    html! { span.bar aria-hidden="true" { span style={ "width:" (format!("{percent:.1}")) "%" } {} } }
}

/// A row that says how many rows were left out.
pub(super) fn more_row(columns: usize, shown: usize, all: usize, what: &str) -> Markup {
    html! {
        @if all > shown {
            tr.more { td colspan=(columns) { "… and " (figures::count((all - shown) as u64)) " more " (what) } }
        }
    }
}

/// A list item that says how many items were left out.
pub(super) fn more_item(shown: usize, all: usize, what: &str) -> Markup {
    html! {
        @if all > shown { li.more { "… and " (figures::count((all - shown) as u64)) " more " (what) } }
    }
}

/// Classes by growth, at most `most` of them.
pub(super) fn class_table(classes: &[ClassGrowth], most: usize) -> Markup {
    let grown = |class: &ClassGrowth| class.bytes_after.saturating_sub(class.bytes_before);
    let largest = classes.iter().map(grown).max().unwrap_or(0).max(1) as f64;
    html! {
        div.scroll { table.sortable {
            thead { tr {
                th { "Class" }
                th.num { "Objects before" } th.num { "after" } th.num { "change" }
                th.num { "Shallow size before" } th.num { "after" } th.num.wide { "change" }
            } }
            tbody {
                @for class in classes.iter().take(most) {
                    tr {
                        td { (name(&class.class, NAME)) }
                        (number(class.count_before, figures::count(class.count_before)))
                        (number(class.count_after, figures::count(class.count_after)))
                        td.num data-sort=(i128::from(class.count_after) - i128::from(class.count_before)) {
                            (figures::count_between(class.count_before, class.count_after))
                        }
                        (number(class.bytes_before, figures::bytes(class.bytes_before)))
                        (number(class.bytes_after, figures::bytes(class.bytes_after)))
                        td.num.wide data-sort=(i128::from(class.bytes_after) - i128::from(class.bytes_before)) {
                            (bar(grown(class) as f64 / largest))
                            span.change { (figures::bytes_between(class.bytes_before, class.bytes_after)) }
                        }
                    }
                }
                (more_row(7, most, classes.len(), "classes"))
            }
        } }
    }
}

/// A table cell with a number and the value to sort it by.
pub(super) fn number(value: u64, shown: String) -> Markup {
    html! { td.num data-sort=(value) { (shown) } }
}
