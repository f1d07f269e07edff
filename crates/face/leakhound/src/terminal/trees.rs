//! Trees: retainers upwards, dominators downwards. One line an object, indented by its level.

use leakhound_workbench::explore::{
    ContainmentView, Contents, DominatorView, DominatorsView, PathTreeView, PathsView, Retainers,
    RetainersView, StackView, TracesView,
};
use leakhound_workbench::{figures, names};

use super::explore::{distance, label, more, share, title};
use super::format::Line;
use super::style::{Role, Style};
use super::table::{self, left, right};

/// Columns a level.
const STEP: usize = 2;
/// Columns of the figures in front of an object.
const FIGURES: usize = 20;
/// What an object keeps at least of a narrow line.
const LEAST: usize = 16;

/// What keeps an object alive.
pub fn retainers(view: &RetainersView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    Line::new(Role::Strong, names::cut_middle(&label(&view.object), width)).print(*style, &mut out);
    branches(&view.above, 1, (*style, width), &mut out);
    out
}

fn branches(above: &Retainers, level: usize, (style, width): (Style, usize), out: &mut String) {
    for retainer in &above.retainers {
        let field = &retainer.field;
        let edge = match field.edge_kind.as_str() {
            "element" | "hidden" => format!("[{}]", field.edge),
            _ => field.edge.clone(),
        };
        let mut line = Line::default();
        line.pad_to((level * STEP).min(width.saturating_sub(LEAST)));
        line.push(Role::Place, names::cut_middle(&names::visible(&edge), 28));
        line.push(Role::Quiet, " in ");
        let tail = match retainer.cycle {
            true => "  (again)".to_owned(),
            false => format!("  at {}", distance(retainer.distance)),
        };
        let room = width.saturating_sub(line.width() + names::width(&tail)).max(LEAST);
        line.push(Role::Plain, names::cut_middle(&label(&field.node), room));
        line.push(Role::Quiet, tail);
        line.print(style, out);
        branches(&retainer.above, level + 1, (style, width), out);
    }
    let hidden = above.retainer_count.saturating_sub(above.retainers.len() as u64);
    if hidden > 0 {
        rest(hidden, "retainers", level * STEP, (style, width), out);
    }
}

/// What an object refers to.
pub fn containment(view: &ContainmentView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    let mut line = Line::new(Role::Quiet, format!("{:>10}  ", figures::bytes(view.object.retained_size)));
    line.push(Role::Strong, names::cut_middle(&label(&view.object), width.saturating_sub(12)));
    line.print(*style, &mut out);
    contents(&view.below, 1, (*style, width), &mut out);
    out
}

fn contents(below: &Contents, level: usize, (style, width): (Style, usize), out: &mut String) {
    const SIZE: usize = 12;
    for content in &below.contents {
        let field = &content.field;
        let mut line = Line::new(Role::Quiet, format!("{:>10}  ", figures::bytes(field.node.retained_size)));
        line.append(way(&field.edge, level, width.saturating_sub(SIZE)));
        let tail = if content.cycle { "  (again)" } else { "" };
        let room = width.saturating_sub(line.width() + names::width(tail)).max(LEAST);
        line.push(Role::Plain, names::cut_middle(&label(&field.node), room));
        line.push(Role::Quiet, tail);
        line.print(style, out);
        contents(&content.below, level + 1, (style, width), out);
    }
    let hidden = below.content_count.saturating_sub(below.contents.len() as u64);
    if hidden > 0 && !below.contents.is_empty() {
        rest(hidden, "edges", SIZE + level * STEP, (style, width), out);
    }
}

/// What allocated what is alive: functions, then stacks.
pub fn traces(view: &TracesView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    let rows: Vec<_> = (view.functions.iter())
        .map(|function| {
            [
                (Role::Strong, names::visible(&function.function)),
                (Role::Place, function.location.as_deref().map(names::visible).unwrap_or_default()),
                (Role::Plain, figures::count(function.live_count)),
                (Role::Plain, figures::bytes(function.live_size)),
                (Role::Quiet, figures::count(function.count)),
                (Role::Quiet, figures::bytes(function.size)),
            ]
        })
        .collect();
    let headings =
        [left("FUNCTION"), left("AT"), right("ALIVE"), right("SHALLOW"), right("ALLOCATED"), right("")];
    table::print(&headings, 1, &rows, (*style, width), &mut out);
    more(view.matching, rows.len(), "functions", *style, &mut out);
    if view.untraced_count > 0 {
        let text = format!(
            "{} objects ({}) have no stack: older than the recording, or lost by V8",
            figures::count(view.untraced_count),
            figures::bytes(view.untraced_size)
        );
        Line::new(Role::Quiet, names::cut_middle(&text, width)).print(*style, &mut out);
    }
    out.push('\n');
    stacks(&view.stacks, 0, (*style, width), &mut out);
    out
}

fn stacks(stacks: &[StackView], level: usize, (style, width): (Style, usize), out: &mut String) {
    for stack in stacks {
        let function = &stack.function;
        let mut line = Line::default();
        line.push(Role::Strong, format!("{:>10}", figures::bytes(function.live_size)));
        line.push(Role::Quiet, format!("{:>9}", figures::count(function.live_count)));
        line.pad_to((FIGURES + 1 + level * STEP).min(width.saturating_sub(LEAST)));
        let place = function.location.as_deref().map_or(String::new(), |place| format!("  {place}"));
        let text = names::visible(&format!("{}{place}", function.function));
        let room = width.saturating_sub(line.width()).max(LEAST);
        line.push(Role::Plain, names::cut_middle(&text, room));
        line.print(style, out);
        self::stacks(&stack.callees, level + 1, (style, width), out);
    }
}

/// How the roots reach an object or a class.
pub fn paths(view: &PathsView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    for path in &view.paths {
        Line::new(Role::Quiet, "(root)").print(*style, &mut out);
        for (level, step) in path.iter().enumerate() {
            let last = level + 1 == path.len();
            let mut line = way(&step.edge, level + 1, width);
            let role = if last { Role::Strong } else { Role::Plain };
            let room = width.saturating_sub(line.width()).max(LEAST);
            line.push(role, names::cut_middle(&label(&step.node), room));
            line.print(*style, &mut out);
        }
    }
    if let Some(tree) = &view.tree {
        merged(tree, 0, (*style, width), &mut out);
    } else {
        let hidden = view.path_count.saturating_sub(view.paths.len() as u64);
        match (hidden, view.path_count) {
            (_, 0) => Line::new(Role::Care, "nothing keeps it alive").print(*style, &mut out),
            (0, _) => {}
            _ => rest(hidden, "paths", 0, (*style, width), &mut out),
        }
    }
    out
}

/// An edge at its level.
fn way(edge: &str, level: usize, width: usize) -> Line {
    let mut line = Line::default();
    line.pad_to((level * STEP).min(width.saturating_sub(2 * LEAST)));
    line.push(Role::Place, names::cut_middle(&names::visible(edge), 28));
    line.push(Role::Quiet, " → ");
    line
}

fn merged(tree: &PathTreeView, level: usize, (style, width): (Style, usize), out: &mut String) {
    let mut line = Line::default();
    line.push(Role::Strong, format!("{:>9}", figures::count(tree.objects)));
    line.push(Role::Quiet, format!("{:>11}  ", figures::bytes(tree.objects_size)));
    if !tree.edge.is_empty() {
        line.append(way(&tree.edge, level, width.saturating_sub(FIGURES)));
    }
    let room = width.saturating_sub(line.width()).max(LEAST);
    line.push(Role::Plain, names::cut_middle(&label(&tree.node), room));
    line.print(style, out);
    for child in &tree.children {
        merged(child, level + 1, (style, width), out);
    }
    let hidden = tree.child_count.saturating_sub(tree.children.len() as u64);
    if hidden > 0 && !tree.children.is_empty() {
        rest(hidden, "ways", FIGURES + (level + 1) * STEP, (style, width), out);
    }
}

/// What an object alone keeps alive.
pub fn dominators(view: &DominatorsView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    subtree(&view.tree, 0, view.dump.total_size, (*style, width), &mut out);
    out
}

fn subtree(tree: &DominatorView, level: usize, total: u64, (style, width): (Style, usize), out: &mut String) {
    let mut line = Line::default();
    line.push(Role::Strong, format!("{:>10}", figures::bytes(tree.node.retained_size)));
    line.push(Role::Quiet, format!("{:>8}", share(tree.node.retained_size, total)));
    line.pad_to((FIGURES + level * STEP).min(width.saturating_sub(LEAST)));
    let room = width.saturating_sub(line.width()).max(LEAST);
    line.push(Role::Plain, names::cut_middle(&label(&tree.node), room));
    line.print(style, out);
    for child in &tree.children {
        subtree(child, level + 1, total, (style, width), out);
    }
    let hidden = tree.child_count.saturating_sub(tree.children.len() as u64);
    if hidden > 0 && !tree.children.is_empty() {
        rest(hidden, "objects", FIGURES + (level + 1) * STEP, (style, width), out);
    }
}

fn rest(hidden: u64, what: &str, column: usize, (style, width): (Style, usize), out: &mut String) {
    let mut line = Line::default();
    line.pad_to(column.min(width.saturating_sub(LEAST)));
    line.push(Role::Quiet, format!("{} more {what}", figures::count(hidden)));
    line.print(style, out);
}
