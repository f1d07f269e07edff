//! What holds memory, seen from other sides than classes: roots, functions, contexts, selections, time.

use leakhound_workbench::explore::{
    ClosuresView, ContextsView, RealmsView, RetainedSetView, RootsView, SetRowView, TimelineView,
};
use leakhound_workbench::{figures, names};

use super::explore::{label, more, share, title};
use super::format::Line;
use super::style::{Role, Style};
use super::table::{self, left, right};

/// Variables of a context that are worth a line.
const VARIABLES: usize = 4;

/// What the garbage collector starts from.
pub fn roots(view: &RootsView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    for root in &view.user_roots {
        let mut line = Line::new(Role::Quiet, "user root  ");
        let size = format!("  {}", figures::bytes(root.retained_size));
        line.push(Role::Strong, names::cut_middle(&label(root), width.saturating_sub(11 + size.len())));
        line.push(Role::Plain, size);
        line.print(*style, &mut out);
    }
    let rows: Vec<_> = (view.roots.iter())
        .map(|root| {
            [
                (Role::Strong, names::visible(&root.node.name)),
                (Role::Plain, figures::count(root.edges)),
                (Role::Quiet, figures::count(root.weak)),
                (Role::Plain, figures::bytes(root.objects_size)),
                (Role::Plain, figures::bytes(root.node.retained_size)),
                (Role::Plain, root.largest.as_ref().map(label).unwrap_or_default()),
                (
                    Role::Plain,
                    root.largest.as_ref().map_or(String::new(), |one| figures::bytes(one.retained_size)),
                ),
            ]
        })
        .collect();
    let headings = [
        left("ROOTS"),
        right("EDGES"),
        right("WEAK"),
        right("SHALLOW"),
        right("RETAINED"),
        left("LARGEST"),
        right("RETAINED"),
    ];
    table::print(&headings, 5, &rows, (*style, width), &mut out);
    out
}

/// Realms and what is theirs.
pub fn realms(view: &RealmsView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    let row = |name: String, role, count, size| {
        [
            (role, name),
            (Role::Plain, figures::count(count)),
            (Role::Plain, figures::bytes(size)),
            (Role::Quiet, share(size, view.dump.total_size)),
        ]
    };
    let mut rows: Vec<_> = (view.realms.iter())
        .map(|realm| row(label(&realm.node), Role::Strong, realm.own.count, realm.own.shallow_size))
        .collect();
    rows.push(row("shared by several".into(), Role::Plain, view.shared.count, view.shared.shallow_size));
    rows.push(row("nobody's".into(), Role::Plain, view.nobodys.count, view.nobodys.shallow_size));
    table::print(
        &[left("REALM"), right("OBJECTS"), right("SHALLOW"), right("")],
        0,
        &rows,
        (*style, width),
        &mut out,
    );
    out
}

/// What would be freed.
pub fn retained_set(view: &RetainedSetView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    let mut line = Line::new(Role::Strong, figures::bytes(view.size));
    line.push(Role::Quiet, format!("  {}", share(view.size, view.dump.total_size).trim_start()));
    line.push(
        Role::Plain,
        format!(
            " in {} objects would be freed with {} selected",
            figures::count(view.count),
            figures::count(view.selected)
        ),
    );
    line.print(*style, &mut out);
    out.push('\n');
    set_rows("FREED", "COUNT", &view.classes, (*style, width), &mut out);
    more(view.matching, view.classes.len(), "classes", *style, &mut out);
    if !view.boundary.is_empty() {
        out.push('\n');
        set_rows("ALSO HELD BY OTHERS", "EDGES", &view.boundary, (*style, width), &mut out);
    }
    out
}

fn set_rows(
    heading: &'static str,
    count: &'static str,
    rows: &[SetRowView],
    look: (Style, usize),
    out: &mut String,
) {
    let rows: Vec<_> = (rows.iter())
        .map(|row| {
            [
                (Role::Strong, names::visible(&row.name)),
                (Role::Plain, figures::count(row.count)),
                (Role::Plain, figures::bytes(row.shallow_size)),
            ]
        })
        .collect();
    table::print(&[left(heading), right(count), right("SHALLOW")], 0, &rows, look, out);
}

/// Functions by what they keep alive.
pub fn closures(view: &ClosuresView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    let rows: Vec<_> = (view.functions.iter())
        .map(|function| {
            let place = function.location.as_deref().unwrap_or("(no source)");
            [
                (Role::Strong, names::cut_middle(&names::visible(&function.name), 32)),
                (Role::Place, names::visible(place)),
                (Role::Plain, figures::count(function.count)),
                (Role::Plain, figures::count(function.contexts)),
                (Role::Plain, figures::bytes(function.shallow_size)),
                (Role::Plain, figures::bytes(function.retained_size)),
            ]
        })
        .collect();
    let headings = [
        left("FUNCTION"),
        left("AT"),
        right("COUNT"),
        right("CONTEXTS"),
        right("SHALLOW"),
        right("RETAINED"),
    ];
    table::print(&headings, 1, &rows, (*style, width), &mut out);
    more(view.matching, rows.len(), "functions", *style, &mut out);
    out
}

/// Captured variables by what they keep alive.
pub fn contexts(view: &ContextsView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    for context in &view.contexts {
        let mut line = Line::new(Role::Strong, format!("{:>10}", figures::bytes(context.node.retained_size)));
        line.push(Role::Plain, format!("  @{}", context.node.id));
        line.push(Role::Quiet, format!("  {} closures  ", figures::count(context.closures)));
        let place = context.location.as_deref().unwrap_or("(no source)");
        let room = width.saturating_sub(line.width()).max(12);
        line.push(Role::Place, names::cut_middle(&names::visible(place), room));
        line.print(*style, &mut out);
        for variable in context.variables.iter().take(VARIABLES) {
            let mut line =
                Line::new(Role::Quiet, format!("{:>12}  ", figures::bytes(variable.value.retained_size)));
            line.push(Role::Place, names::cut_middle(&names::visible(&variable.variable), 28));
            line.push(Role::Quiet, " = ");
            let room = width.saturating_sub(line.width()).max(12);
            line.push(Role::Plain, names::cut_middle(&label(&variable.value), room));
            line.print(*style, &mut out);
        }
        let hidden = context.variables.len().saturating_sub(VARIABLES);
        if hidden > 0 {
            Line::new(Role::Quiet, format!("{:14}{hidden} more variables", "")).print(*style, &mut out);
        }
    }
    more(view.matching, view.contexts.len(), "contexts", *style, &mut out);
    if !view.knows_uses {
        let text = "which of these variables are still used, this V8 does not write";
        Line::new(Role::Quiet, text).print(*style, &mut out);
    }
    out
}

/// When what is alive was allocated: at most `rows` lines, neighbours joined.
pub fn timeline(view: &TimelineView, rows: usize, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    let first = view.buckets.first().map_or(0, |bucket| bucket.timestamp_us);
    let seconds = |at: u64| format!("{:.2} s", at.saturating_sub(first) as f64 / 1e6);
    let together = view.buckets.len().div_ceil(rows.max(1)).max(1);
    let sums: Vec<_> = (view.buckets.chunks(together))
        .map(|part| {
            let count: u64 = part.iter().map(|bucket| bucket.live_count).sum();
            let size: u64 = part.iter().map(|bucket| bucket.live_size).sum();
            (part.last().map_or(0, |bucket| bucket.timestamp_us), count, size)
        })
        .collect();
    let most = sums.iter().map(|&(_, _, size)| size).max().unwrap_or(0).max(1);
    let bar = width.saturating_sub(44).clamp(8, 60);
    let cells: Vec<_> = (sums.iter())
        .map(|&(at, count, size)| {
            let long = (u128::from(size) * bar as u128).div_ceil(u128::from(most)) as usize;
            [
                (Role::Quiet, seconds(at)),
                (Role::Plain, figures::count(count)),
                (Role::Plain, figures::bytes(size)),
                (Role::Place, "▇".repeat(long)),
            ]
        })
        .collect();
    table::print(
        &[right("UNTIL"), right("ALIVE"), right("SHALLOW"), left("")],
        3,
        &cells,
        (*style, width),
        &mut out,
    );
    if view.later_count > 0 {
        let text = format!(
            "{} objects ({}) were born after the last sample",
            figures::count(view.later_count),
            figures::bytes(view.later_size)
        );
        Line::new(Role::Care, text).print(*style, &mut out);
    }
    out
}
