//! `ps`: which Node.js processes are here, and what a look into them would cost.

use leakhound_workbench::view::ProcessView;
use leakhound_workbench::{figures, names};

use super::format::Line;
use super::style::{Role, Style};

/// Columns between two cells.
const GAP: usize = 2;
/// What the command column keeps at least; below that it is left out.
const LEAST_COMMAND: usize = 16;

/// What the last column keeps at least before the cost column is given up.
const LEAST_ATTACH: usize = 20;

/// A cell's text and look.
struct Cell(Role, String);

/// One column: heading, whether numbers stand in it, its widest cell.
struct Column {
    heading: &'static str,
    right: bool,
    most: usize,
}

const COLUMNS: [Column; 9] = [
    Column { heading: "PID", right: true, most: 10 },
    Column { heading: "NAME", right: false, most: 24 },
    Column { heading: "NODE", right: false, most: 14 },
    Column { heading: "USER", right: false, most: 12 },
    Column { heading: "RSS", right: true, most: 10 },
    Column { heading: "CONTAINER", right: true, most: 22 },
    Column { heading: "UP", right: true, most: 12 },
    Column { heading: "SNAPSHOT COST", right: true, most: 22 },
    Column { heading: "ATTACH", right: false, most: 40 },
];
/// Columns given up, first to last, where the terminal is too narrow.
const EXPENDABLE: [&str; 5] = ["USER", "UP", "CONTAINER", "NODE", "SNAPSHOT COST"];

/// The processes as a table of at most `width` columns, one line each, with a line break at its end.
pub fn processes(processes: &[ProcessView], style: &Style, width: usize) -> String {
    let mut out = String::new();
    if processes.is_empty() {
        Line::new(Role::Quiet, names::cut_end("no Node.js process found", width)).print(*style, &mut out);
        return out;
    }
    let rows: Vec<[Cell; 9]> = processes.iter().map(row).collect();
    let mut columns: Vec<(usize, &Column, usize)> = COLUMNS
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let widest = rows.iter().filter_map(|row| row.get(i)).map(|cell| names::width(&cell.1)).max();
            (i, column, widest.unwrap_or(0).max(column.heading.len()))
        })
        .collect();
    // A cost that is known of none is no column.
    let costed = processes
        .iter()
        .any(|p| p.expected_pause_seconds.is_some() || p.expected_extra_memory_bytes.is_some());
    columns.retain(|c| costed || c.1.heading != "SNAPSHOT COST");
    let total = |columns: &[(usize, &Column, usize)]| columns.iter().map(|c| c.2 + GAP).sum::<usize>();
    for heading in EXPENDABLE {
        // Rather than the cost of a look, part of the reason why one cannot look is given up.
        let give = match heading {
            "SNAPSHOT COST" => columns.last().map_or(0, |last| last.2.saturating_sub(LEAST_ATTACH)),
            _ => 0,
        };
        if total(&columns) <= width + GAP + give {
            break;
        }
        columns.retain(|c| c.1.heading != heading);
    }
    let over = total(&columns).saturating_sub(width + GAP);
    if let Some(last) = columns.last_mut() {
        last.2 = last.2.saturating_sub(over);
    }
    let room = width.saturating_sub(total(&columns));
    let with_command = room >= LEAST_COMMAND;
    let mut heading = Line::default();
    for (_, column, wide) in &columns {
        put(&mut heading, Role::Quiet, column.heading, *wide, column.right);
    }
    if with_command {
        heading.push(Role::Quiet, "COMMAND");
    }
    heading.print(*style, &mut out);
    for (row, process) in rows.iter().zip(processes) {
        let mut line = Line::default();
        for (i, column, wide) in &columns {
            if let Some(Cell(role, text)) = row.get(*i) {
                put(&mut line, *role, text, *wide, column.right);
            }
        }
        if with_command {
            line.push(Role::Quiet, names::cut_end(&process.command, room));
        }
        line.print(*style, &mut out);
    }
    out
}

/// Appends a cell of `wide` columns and the gap behind it.
fn put(line: &mut Line, role: Role, text: &str, wide: usize, right: bool) {
    let text = names::cut_middle(text, wide);
    let free = wide - names::width(&text);
    if right {
        line.push(Role::Plain, " ".repeat(free));
        line.push(role, text);
        line.push(Role::Plain, " ".repeat(GAP));
    } else {
        line.push(role, text);
        line.push(Role::Plain, " ".repeat(free + GAP));
    }
}

fn row(process: &ProcessView) -> [Cell; 9] {
    let [_, name, node, user, ..] = &COLUMNS;
    let [.., attach] = &COLUMNS;
    let optional = |text: Option<&String>, most: usize| match text {
        Some(text) => Cell(Role::Plain, names::cut_middle(text, most)),
        None => Cell(Role::Quiet, "–".to_owned()),
    };
    let container = match (process.container_used_bytes, process.container_limit_bytes) {
        (Some(used), Some(limit)) => {
            // Above nine tenths the next snapshot may be the last straw.
            let tight = used as f64 > limit as f64 * 0.9;
            let role = if tight { Role::Care } else { Role::Plain };
            Cell(role, format!("{} / {}", figures::bytes(used), figures::bytes(limit)))
        }
        (None, Some(limit)) => Cell(Role::Plain, figures::bytes(limit)),
        (_, None) => Cell(Role::Quiet, "unlimited".to_owned()),
    };
    let cost: Vec<String> = [
        process.expected_pause_seconds.map(|s| format!("≈ {}", figures::duration(s))),
        process.expected_extra_memory_bytes.map(|b| format!("+{}", figures::bytes(b))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let attach = match (&process.inspector, process.attach.as_str()) {
        (Some(address), "ready") => {
            Cell(Role::Good, names::cut_middle(&format!("ready at {address}"), attach.most))
        }
        (_, "ready") => Cell(Role::Good, "ready".to_owned()),
        (_, reason) => Cell(Role::Care, names::cut_middle(reason, attach.most)),
    };
    [
        Cell(Role::Strong, process.pid.to_string()),
        Cell(Role::Plain, names::cut_middle(&process.name, name.most)),
        optional(process.node_version.as_ref(), node.most),
        optional(process.user.as_ref(), user.most),
        Cell(Role::Plain, figures::bytes(process.rss_bytes)),
        container,
        Cell(Role::Plain, figures::duration(process.uptime_seconds)),
        if cost.is_empty() { Cell(Role::Quiet, "–".to_owned()) } else { Cell(Role::Plain, cost.join(" ")) },
        attach,
    ]
}
