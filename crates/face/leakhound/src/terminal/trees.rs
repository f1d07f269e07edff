//! Trees: retainers upwards, dominators downwards. One line an object, indented by its level.

use leakhound_workbench::explore::{
    DominatorView, DominatorsView, PathTreeView, PathsView, Retainers, RetainersView,
};
use leakhound_workbench::{figures, names};

use super::explore::{distance, label, share, title};
use super::format::Line;
use super::style::{Role, Style};

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
