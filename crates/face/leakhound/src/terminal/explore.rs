//! The views of a dump: class table, statistics, one object, the difference of two dumps.

use leakhound_workbench::explore::{
    CountView, DiffView, Dump, FieldView, ObjectView, ReferenceView, SearchView, StatisticsView, StringsView,
    SummaryView,
};
use leakhound_workbench::{figures, names};

use super::format::Line;
use super::style::{Role, Style};
use super::table::{self, left, right};

/// Distances from here on go through the root only.
const SYSTEM: i32 = 100_000_000;

/// The class table, at most `width` columns wide.
pub fn summary(view: &SummaryView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    let total = view.dump.total_size;
    let rows: Vec<_> = (view.classes.iter())
        .map(|class| {
            let name = match &class.location {
                Some(location) => format!("{}  {}", class.name, location),
                None => class.name.clone(),
            };
            [
                (Role::Strong, names::visible(&name)),
                (Role::Plain, figures::count(class.count)),
                (Role::Quiet, class.distance.map_or("–".into(), distance)),
                (Role::Plain, figures::bytes(class.shallow_size)),
                (Role::Quiet, share(class.shallow_size, total)),
                (Role::Plain, class.retained_size.map_or("–".into(), figures::bytes)),
                (Role::Quiet, class.retained_size.map_or(String::new(), |size| share(size, total))),
            ]
        })
        .collect();
    let headings = [
        left(match view.by.as_str() {
            "location" => "LOCATION",
            "package" => "PACKAGE",
            "shape" => "SHAPE",
            _ => "CLASS",
        }),
        right("COUNT"),
        right("DIST"),
        right("SHALLOW"),
        right(""),
        right("RETAINED"),
        right(""),
    ];
    table::print(&headings, 0, &rows, (*style, width), &mut out);
    more(view.matching, rows.len(), "rows", *style, &mut out);
    out
}

/// The statistics, one line each.
pub fn statistics(view: &StatisticsView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    let total = view.dump.total_size;
    let lines = [
        ("V8 heap", view.v8_heap, Role::Strong),
        ("  compiled code", view.code, Role::Plain),
        ("  strings", view.strings, Role::Plain),
        ("  arrays", view.js_arrays, Role::Plain),
        ("  system", view.system, Role::Plain),
        ("  other objects", view.other_js, Role::Plain),
        ("native memory", view.native, Role::Strong),
        ("  array buffers", view.typed_arrays, Role::Plain),
        ("  other", view.other_native, Role::Plain),
    ];
    let rows = lines.map(|(name, size, role)| {
        [(role, name.to_owned()), (Role::Plain, figures::bytes(size)), (Role::Quiet, share(size, total))]
    });
    table::print(&[left("PART"), right("SHALLOW"), right("")], 0, &rows, (*style, width), &mut out);
    out
}

/// One object.
pub fn object(view: &ObjectView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    let object = &view.object;
    let mut line = Line::new(Role::Strong, names::cut_middle(&label(object), width));
    line.push(Role::Quiet, format!("  {}", view.kind));
    if view.detached {
        line.push(Role::Care, "  detached");
    }
    line.print(*style, &mut out);
    let mut fact = |name: &str, role: Role, text: &str| {
        let mut line = Line::new(Role::Quiet, format!("  {name:<10}"));
        line.push(role, names::cut_middle(text, width.saturating_sub(12)));
        line.print(*style, &mut out);
    };
    fact("shallow", Role::Plain, &figures::bytes(object.shallow_size));
    let retained = format!(
        "{}  {}",
        figures::bytes(object.retained_size),
        share(object.retained_size, view.dump.total_size)
    );
    fact("retained", Role::Plain, &retained);
    fact("distance", Role::Plain, &distance(view.distance));
    if let Some(location) = &view.location {
        fact("defined", Role::Place, &names::visible(location));
    }
    for line in &view.explain {
        fact("because", Role::Quiet, line);
    }
    references("FIELDS", &view.fields, view.field_count, (*style, width), &mut out);
    references("RETAINERS", &view.retainers, view.retainer_count, (*style, width), &mut out);
    if view.dominators.is_empty() {
        return out;
    }
    out.push('\n');
    let rows: Vec<_> = (view.dominators.iter())
        .map(|node| [(Role::Plain, label(node)), (Role::Plain, figures::bytes(node.retained_size))])
        .collect();
    table::print(&[left("DOMINATORS"), right("RETAINED")], 0, &rows, (*style, width), &mut out);
    out
}

/// The strings: repeated texts, then parents of slices.
pub fn strings(view: &StringsView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    let kinds = [("flat", view.flat), ("concatenated", view.concatenated), ("slices", view.sliced)];
    for (name, CountView { count, shallow_size }) in kinds {
        let text = format!("{name:<13} {:>12}  {:>10}", figures::count(count), figures::bytes(shallow_size));
        Line::new(Role::Plain, text).print(*style, &mut out);
    }
    let wasted = format!("{:<13} {:>12}  {:>10}", "repeated", "", figures::bytes(view.wasted_size));
    Line::new(Role::Strong, wasted).print(*style, &mut out);
    if !view.duplicates.is_empty() {
        out.push('\n');
        let rows: Vec<_> = (view.duplicates.iter())
            .map(|text| {
                let cut = if text.cut { "… (may differ behind this)" } else { "" };
                [
                    (Role::Plain, format!("{}{cut}", quoted(&text.text, 80))),
                    (Role::Quiet, format!("@{}", text.id)),
                    (Role::Plain, figures::count(text.count)),
                    (Role::Plain, figures::bytes(text.shallow_size)),
                    (Role::Strong, figures::bytes(text.wasted_size)),
                ]
            })
            .collect();
        let headings =
            [left("REPEATED TEXT"), left("ONE"), right("COUNT"), right("SHALLOW"), right("WASTED")];
        table::print(&headings, 0, &rows, (*style, width), &mut out);
        more(view.duplicate_texts, rows.len(), "texts", *style, &mut out);
    }
    if !view.parents.is_empty() {
        out.push('\n');
        let rows: Vec<_> = (view.parents.iter())
            .map(|parent| {
                let pinned = if parent.pinned { "only by slices" } else { "" };
                [
                    (Role::Plain, quoted(&parent.text, 60)),
                    (Role::Quiet, format!("@{}", parent.id)),
                    (Role::Strong, figures::bytes(parent.shallow_size)),
                    (Role::Plain, figures::count(parent.slices)),
                    (Role::Care, pinned.to_owned()),
                ]
            })
            .collect();
        let headings =
            [left("SLICED STRING"), left("ID"), right("SHALLOW"), right("SLICES"), left("KEPT ALIVE")];
        table::print(&headings, 0, &rows, (*style, width), &mut out);
        more(view.sliced_parents, rows.len(), "strings", *style, &mut out);
    }
    out
}

/// What a search found.
pub fn search(view: &SearchView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    title(&view.dump, &view.model, *style, width, &mut out);
    let rows: Vec<_> = (view.matches.iter())
        .map(|found| {
            let what = match &found.property {
                Some(property) => format!("{} {}", found.matched, names::visible(property)),
                None => found.matched.clone(),
            };
            [
                (Role::Quiet, names::cut_middle(&what, 32)),
                (Role::Plain, label(&found.node)),
                (Role::Plain, figures::bytes(found.node.shallow_size)),
                (Role::Plain, figures::bytes(found.node.retained_size)),
            ]
        })
        .collect();
    let headings = [left("MATCHED"), left("OBJECT"), right("SHALLOW"), right("RETAINED")];
    table::print(&headings, 1, &rows, (*style, width), &mut out);
    more(view.matching, rows.len(), "matches", *style, &mut out);
    out
}

/// The beginning of a text, in quotes.
fn quoted(text: &str, columns: usize) -> String {
    format!("\"{}\"", names::cut_end(&names::visible(text), columns))
}

/// What came and went.
pub fn diff(view: &DiffView, style: &Style, width: usize) -> String {
    let mut out = String::new();
    for dump in [&view.older].into_iter().chain(&view.between).chain([&view.newer]) {
        title(dump, &view.model, *style, width, &mut out);
    }
    let by = format!("compared by {}: {}", view.by, view.why);
    Line::new(Role::Quiet, names::cut_middle(&by, width)).print(*style, &mut out);
    let rows: Vec<_> = (view.classes.iter())
        .map(|class| {
            let role = if class.size_delta > 0 { Role::Strong } else { Role::Plain };
            let series: Vec<String> = class.counts.iter().map(|&count| figures::count(count)).collect();
            [
                (role, names::visible(&class.name)),
                (Role::Quiet, series.join(" → ")),
                (Role::Plain, figures::count(class.added)),
                (Role::Plain, figures::count(class.removed)),
                (role, figures::count_between(class.removed, class.added)),
                (Role::Plain, figures::bytes(class.added_size)),
                (Role::Plain, figures::bytes(class.removed_size)),
                (role, figures::bytes_between(class.removed_size, class.added_size)),
            ]
        })
        .collect();
    let headings = [
        left("CLASS"),
        left(if view.classes.iter().any(|class| !class.counts.is_empty()) { "COUNT" } else { "" }),
        right("NEW"),
        right("GONE"),
        right("DELTA"),
        right("ALLOCATED"),
        right("FREED"),
        right("DELTA"),
    ];
    table::print(&headings, 0, &rows, (*style, width), &mut out);
    more(view.matching, rows.len(), "classes", *style, &mut out);
    if view.grown.is_empty() {
        return out;
    }
    out.push('\n');
    let rows: Vec<_> = (view.grown.iter())
        .map(|grown| {
            [
                (Role::Strong, label(&grown.node)),
                (Role::Plain, figures::bytes(grown.retained_before)),
                (Role::Plain, figures::bytes(grown.node.retained_size)),
                (Role::Strong, format!("+{}", figures::bytes(grown.growth))),
            ]
        })
        .collect();
    let headings = [left("GREW"), right("RETAINED"), right("NOW"), right("GROWTH")];
    table::print(&headings, 0, &rows, (*style, width), &mut out);
    out
}

fn references(
    heading: &'static str,
    fields: &[FieldView],
    count: u64,
    (style, width): (Style, usize),
    out: &mut String,
) {
    if fields.is_empty() {
        return;
    }
    out.push('\n');
    let keeps = "keeps its target alive";
    let rows: Vec<_> = (fields.iter())
        .map(|field| {
            let name = match field.edge_kind.as_str() {
                "element" | "hidden" => format!("[{}]", field.edge),
                _ => field.edge.clone(),
            };
            let rule = if field.rule == keeps { String::new() } else { field.rule.clone() };
            [
                (Role::Strong, names::cut_middle(&names::visible(&name), 28)),
                (Role::Quiet, field.edge_kind.clone()),
                (Role::Plain, format!("{}  {rule}", label(&field.node)).trim_end().to_owned()),
                (Role::Plain, figures::bytes(field.node.retained_size)),
            ]
        })
        .collect();
    let headings = [left(heading), left("EDGE"), left("OBJECT"), right("RETAINED")];
    table::print(&headings, 2, &rows, (style, width), out);
    more(count, rows.len(), "of them", style, out);
}

/// `Session @123`, `(string) @45 "text"`.
pub(super) fn label(node: &ReferenceView) -> String {
    let class = names::visible(&node.class);
    let text = names::cut_end(&names::visible(&node.name), 60);
    match (node.class == node.name || node.name.is_empty(), node.class.contains("string")) {
        (true, _) => format!("{class} @{}", node.id),
        (false, true) => format!("{class} @{} \"{text}\"", node.id),
        (false, false) => format!("{class} @{} {text}", node.id),
    }
}

pub(super) fn title(dump: &Dump, model: &str, style: Style, width: usize, out: &mut String) {
    let facts = format!(
        "  {} · {} nodes · {} edges · {model} model",
        figures::bytes(dump.total_size),
        figures::count(dump.nodes),
        figures::count(dump.edges),
    );
    let room = width.saturating_sub(names::width(&facts)).max(8);
    let file = names::visible(&dump.file.display().to_string());
    let mut line = Line::new(Role::Place, names::cut_middle(&file, room));
    line.push(Role::Quiet, facts);
    line.print(style, out);
}

pub(super) fn more(all: u64, shown: usize, what: &str, style: Style, out: &mut String) {
    let hidden = all.saturating_sub(shown as u64);
    if hidden > 0 {
        let text = format!("{} more {what}: --limit 0 shows all", figures::count(hidden));
        Line::new(Role::Quiet, text).print(style, out);
    }
}

pub(super) fn distance(distance: i32) -> String {
    match distance {
        i32::MIN..0 => "–".into(),
        SYSTEM.. => format!("root+{}", distance - SYSTEM),
        near => near.to_string(),
    }
}

pub(super) fn share(part: u64, total: u64) -> String {
    if total == 0 { String::new() } else { figures::percent(part as f64 / total as f64) }
}
