//! The page.

use leakhound_diagnose::{Confidence, Verdict};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{self, Limit};
use super::parts::{FILE, NAME, class_table, location, more_item, more_row, name, number, sentence};
use super::{finding, wording};
use crate::view::{MemoryPoint, VerdictView};
use crate::{figures, names};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("report.js");
/// SHA-256 of `report.js`: the one script that the page allows. A test fails when it is stale.
const SCRIPT_HASH: &str = "sha256-daH/k48XhIBENG3lynlAsPk+rMNBGY6Be12Gzs8TAPM=";

const MOST_FINDINGS: usize = 20;
const MOST_CLASSES: usize = 30;
const MOST_ROWS: usize = 50;

/// The verdict as one self-contained HTML page.
pub fn html(view: &VerdictView) -> String {
    page(view).into_string()
}

fn page(view: &VerdictView) -> Markup {
    let diagnosis = &view.diagnosis;
    let phases: Vec<String> = diagnosis.snapshots.iter().map(|s| s.phase.clone()).collect();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content={ "leakhound " (names::cut_middle(&view.leakhound, 40)) };
                title {
                    (diagnosis.verdict.as_str()) ": " (names::cut_middle(&view.target.name, 60)) " · leakhound"
                }
                style { (PreEscaped(STYLE)) }
            }
            body class=(tone(diagnosis.verdict)) {
                main {
                    (head(view))
                    (at_a_glance(view))
                    (warnings(&diagnosis.warnings))
                    @if diagnosis.findings.is_empty() { (next_steps(&diagnosis.next_steps)) }
                    @for (i, found) in diagnosis.findings.iter().take(MOST_FINDINGS).enumerate() {
                        (finding::section(found, i + 1, &phases))
                    }
                    @if diagnosis.findings.len() > MOST_FINDINGS {
                        p.hint {
                            "… and " (figures::count((diagnosis.findings.len() - MOST_FINDINGS) as u64))
                            " more findings, in the JSON"
                        }
                    }
                    (memory(view))
                    (bounded(view))
                    @if !diagnosis.classes.is_empty() {
                        section.card {
                            h2 { "Classes of the whole heap" }
                            p.hint { "Between the first and the last snapshot, by growth. Shallow sizes." }
                            (class_table(&diagnosis.classes, MOST_CLASSES))
                        }
                    }
                    (captures(view))
                    (snapshots(view))
                    @if !diagnosis.findings.is_empty() { (next_steps(&diagnosis.next_steps)) }
                    (foot(view))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// Nothing is loaded from anywhere, and no script runs but ours.
fn policy() -> String {
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src '{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'"
    )
}

/// The colour family of a verdict.
fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Leak | Verdict::OffHeapLeak => "bad",
        Verdict::Backlog => "busy",
        Verdict::Bounded | Verdict::NoLeak => "good",
        Verdict::Inconclusive => "open",
    }
}

fn head(view: &VerdictView) -> Markup {
    let target = &view.target;
    let facts: Vec<(&str, String)> = [
        ("Target", Some(names::cut_middle(&target.name, 60))),
        ("Process", target.pid.map(|pid| format!("pid {pid}"))),
        ("Node.js", target.node_version.as_deref().map(|v| names::cut_middle(v, 24))),
        ("V8", target.v8_version.as_deref().map(|v| names::cut_middle(v, 32))),
        ("Heap limit", target.heap_limit_bytes.map(figures::bytes)),
        ("Container limit", target.container_limit_bytes.map(figures::bytes)),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label, value?)))
    .collect();
    html! {
        header.page {
            div.brand {
                span.mark { (mark()) "leakhound" }
                time datetime=(names::cut_middle(&view.created, 40)) { (moment(&view.created)) }
            }
            div.verdict {
                span.badge { (view.diagnosis.verdict.as_str()) }
                (confidence(view.diagnosis.confidence))
            }
            h1 { (names::cut_end(&view.diagnosis.headline, 280)) }
            p.meaning { (wording::meaning(view.diagnosis.verdict)) }
            dl.facts {
                @for (label, value) in &facts { div { dt { (label) } dd { (value) } } }
                @if let Some(command) = &target.command {
                    div.command { dt { "Command" } dd { (name(command, FILE)) } }
                }
            }
        }
    }
}

/// The house mark: a line that climbs out of its box.
fn mark() -> Markup {
    html! {
        svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" {
            path.box d="M3 8v7a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8" {}
            path.climb d="M6 13l3-3 2.5 2L17 3" {}
            circle.climb cx="17" cy="3" r="1.6" {}
        }
    }
}

fn confidence(confidence: Confidence) -> Markup {
    let filled = match confidence {
        Confidence::Low => 1,
        Confidence::Medium => 2,
        Confidence::High => 3,
        Confidence::Certain => 4,
    };
    html! {
        span.sure title="How sure: low, medium, high, certain" {
            span.pips aria-hidden="true" { @for i in 1..=4 { span class=[(i <= filled).then_some("on")] {} } }
            @match confidence {
                Confidence::Certain => "certain",
                other => { (other.as_str()) " confidence" },
            }
        }
    }
}

/// `2026-07-26T10:16:41Z` as people read it.
fn moment(created: &str) -> String {
    let shown = names::cut_middle(created, 40);
    match shown.split_once('T').map(|(day, time)| (day, time.strip_suffix('Z'))) {
        Some((day, Some(time))) => format!("{day} {time} UTC"),
        _ => shown,
    }
}

/// Up to four figures that answer at once.
fn at_a_glance(view: &VerdictView) -> Markup {
    let tiles = match view.diagnosis.findings.first() {
        Some(finding) => finding_tiles(finding),
        None => process_tiles(view),
    };
    html! {
        @if !tiles.is_empty() {
            section.tiles aria-label="At a glance" {
                @for tile in &tiles {
                    div.tile { p.label { (tile.label) } p.figure { (tile.figure) } p.sub { (tile.sub) } }
                }
            }
        }
    }
}

/// One figure with what it is.
struct Tile {
    label: &'static str,
    figure: String,
    sub: String,
}

fn finding_tiles(finding: &leakhound_diagnose::Finding) -> Vec<Tile> {
    let growth = &finding.growth;
    let mut over = format!("+{} retained", figures::bytes(growth.bytes));
    if let Some(seconds) = growth.seconds {
        over += &format!(" in {}", figures::duration(seconds));
    }
    let first = match growth.bytes_per_second {
        Some(rate) => Tile { label: "Grows by", figure: figures::rate(rate), sub: over },
        None => Tile {
            label: "Grew by",
            figure: format!("+{}", figures::bytes(growth.bytes)),
            sub: "between the snapshots".to_owned(),
        },
    };
    let mut tiles = vec![
        first,
        Tile {
            label: "Added and still alive",
            figure: format!("+{}", figures::count(growth.members)),
            sub: names::cut_middle(&growth.member_class, 40),
        },
    ];
    if let Some(runs_out) = &finding.runs_out {
        tiles.push(Tile {
            label: "Runs out in",
            figure: format!("≈ {}", figures::duration(runs_out.seconds)),
            sub: format!(
                "{} {}",
                names::cut_middle(&runs_out.limit, 24),
                figures::bytes(runs_out.limit_bytes)
            ),
        });
    }
    if let Some((at, share)) =
        finding.grows_at.as_ref().and_then(|at| Some((at, at.share_of_sampled_growth?)))
    {
        let function = at.function.as_deref().map(|f| format!("in {}()", names::cut_middle(f, 24)));
        tiles.push(Tile {
            label: "Allocated there",
            figure: figures::percent(share),
            sub: format!("of sampled growth, {}", function.as_deref().unwrap_or("at module level")),
        });
    } else if growth.external_bytes > 0 {
        tiles.push(Tile {
            label: "Off the heap",
            figure: format!("+{}", figures::bytes(growth.external_bytes)),
            sub: "in array buffers".to_owned(),
        });
    }
    tiles
}

fn process_tiles(view: &VerdictView) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let ends = |value: fn(&MemoryPoint) -> Option<u64>| ends(&view.memory, value);
    for (label, found) in [
        ("RSS", ends(|p| Some(p.rss_bytes))),
        ("Heap used", ends(|p| p.heap_used_bytes)),
        ("External", ends(|p| p.external_bytes)),
    ] {
        if let Some((first, last)) = found {
            tiles.push(Tile {
                label,
                figure: figures::bytes_between(first, last),
                sub: format!("{} → {}", figures::bytes(first), figures::bytes(last)),
            });
        }
    }
    let snapshots = &view.diagnosis.snapshots;
    if let (Some(first), Some(last)) = (snapshots.first(), snapshots.last()) {
        tiles.push(if snapshots.len() > 1 {
            Tile {
                label: "Snapshots",
                figure: figures::count(snapshots.len() as u64),
                sub: format!("{} between them", figures::bytes_between(first.total_bytes, last.total_bytes)),
            }
        } else {
            Tile {
                label: "Snapshot",
                figure: figures::bytes(first.total_bytes),
                sub: format!("{} objects", figures::count(first.nodes)),
            }
        });
    }
    tiles
}

/// First and last value that is known; `None` with fewer than two moments.
fn ends(points: &[MemoryPoint], value: impl Fn(&MemoryPoint) -> Option<u64>) -> Option<(u64, u64)> {
    let mut known = points.iter().filter_map(value);
    let first = known.next()?;
    Some((first, known.next_back()?))
}

fn warnings(warnings: &[String]) -> Markup {
    html! {
        @if !warnings.is_empty() {
            section.callout.warn {
                h2 { "Read this with care" }
                ul {
                    @for warning in warnings.iter().take(MOST_ROWS) { li { (sentence(warning)) } }
                    (more_item(MOST_ROWS, warnings.len(), "warnings"))
                }
            }
        }
    }
}

fn next_steps(steps: &[String]) -> Markup {
    html! {
        @if !steps.is_empty() {
            section.callout.next {
                h2 { "What to do next" }
                ol {
                    @for step in steps.iter().take(MOST_ROWS) { li { (sentence(step)) } }
                    (more_item(MOST_ROWS, steps.len(), "steps"))
                }
            }
        }
    }
}

fn memory(view: &VerdictView) -> Markup {
    let target = &view.target;
    let limits: Vec<Limit> =
        [("heap limit", target.heap_limit_bytes), ("container limit", target.container_limit_bytes)]
            .into_iter()
            .filter_map(|(name, bytes)| Some(Limit { name, bytes: bytes? }))
            .collect();
    let rss = ends(&view.memory, |p| Some(p.rss_bytes));
    let heap = ends(&view.memory, |p| p.heap_used_bytes);
    let external = ends(&view.memory, |p| p.external_bytes);
    html! {
        @if let Some(chart) = chart::memory(&view.memory, &limits) {
            section.card {
                h2 { "Memory of the process" }
                div.scroll { div.broad { (chart) } }
                div.scroll { table.ledger {
                    thead { tr { th { "Ledger" } th.num { "Start" } th.num { "End" } th.num { "Change" } } }
                    tbody {
                        @for (label, row) in [("V8 heap used", heap), ("External (buffers JavaScript holds)", external)] {
                            @if let Some((first, last)) = row { (ledger_row(label, first.into(), last.into())) }
                        }
                        @if let (Some(rss), Some(heap), Some(external)) = (rss, heap, external) {
                            (ledger_row(
                                "The rest: native memory, code, stacks, free heap pages",
                                i128::from(rss.0) - i128::from(heap.0) - i128::from(external.0),
                                i128::from(rss.1) - i128::from(heap.1) - i128::from(external.1),
                            ))
                        }
                    }
                    @if let Some((first, last)) = rss {
                        tfoot { (ledger_row("RSS", first.into(), last.into())) }
                    }
                } }
            }
        }
    }
}

fn ledger_row(label: &str, first: i128, last: i128) -> Markup {
    let plain = |n: i128| u64::try_from(n).map(figures::bytes).unwrap_or_else(|_| figures::signed_bytes(n));
    html! {
        tr {
            td { (label) }
            td.num { (plain(first)) }
            td.num { (plain(last)) }
            td.num { (figures::signed_bytes(last - first)) }
        }
    }
}

fn bounded(view: &VerdictView) -> Markup {
    let bounded = &view.diagnosis.bounded;
    html! {
        @if !bounded.is_empty() {
            section.card {
                h2 { "Looked at and not a leak" }
                div.scroll { table {
                    thead { tr { th { "Holder" } th { "Declared in" } th { "Why not" } th.num { "Members" } th.num { "Retained" } } }
                    tbody {
                        @for entry in bounded.iter().take(MOST_ROWS) {
                            tr {
                                td { (name(&wording::holder(&entry.holder, NAME), NAME)) }
                                td { @if let Some(file) = &entry.holder.file { (location(file, entry.holder.line)) } }
                                td { (sentence(&entry.reason)) }
                                @match (entry.series.first(), entry.series.last()) {
                                    (Some(first), Some(last)) => {
                                        td.num { (figures::count(first.members)) " → " (figures::count(last.members)) }
                                        td.num { (figures::bytes(first.retained_bytes)) " → " (figures::bytes(last.retained_bytes)) }
                                    },
                                    _ => { td.num { "–" } td.num { "–" } },
                                }
                            }
                        }
                        (more_row(5, MOST_ROWS, bounded.len(), "holders"))
                    }
                } }
            }
        }
    }
}

fn captures(view: &VerdictView) -> Markup {
    html! {
        @if !view.captures.is_empty() {
            section.card {
                h2 { "What the measurement cost" }
                p.hint { "What each capture did to the process, against what was expected before it started." }
                div.scroll { table {
                    thead { tr {
                        th { "Capture" } th { "File" } th.num { "Size" }
                        th.num { "Pause" } th.num { "expected" } th.num { "Extra memory" } th.num { "expected" }
                    } }
                    tbody {
                        @for capture in view.captures.iter().take(MOST_ROWS) {
                            tr {
                                td { (names::cut_middle(&capture.phase, 24)) }
                                td { (name(&capture.file, 48)) }
                                (number(capture.bytes, figures::bytes(capture.bytes)))
                                td.num { (figures::duration(capture.pause_seconds)) }
                                td.num.muted { (capture.expected_pause_seconds.map_or_else(dash, figures::duration)) }
                                td.num { (capture.extra_memory_bytes.map_or_else(dash, figures::bytes)) }
                                td.num.muted { (capture.expected_extra_memory_bytes.map_or_else(dash, figures::bytes)) }
                            }
                        }
                        (more_row(7, MOST_ROWS, view.captures.len(), "captures"))
                    }
                } }
            }
        }
    }
}

fn dash() -> String {
    "–".to_owned()
}

fn snapshots(view: &VerdictView) -> Markup {
    let snapshots = &view.diagnosis.snapshots;
    html! {
        @if !snapshots.is_empty() {
            section.card {
                h2 { "Snapshots" }
                div.scroll { table {
                    thead { tr {
                        th { "Phase" } th { "File" } th.num { "Time" } th.num { "Nodes" } th.num { "Edges" }
                        th.num { "Total size" } th.num { "of it off the heap" }
                    } }
                    tbody {
                        @for snapshot in snapshots.iter().take(MOST_ROWS) {
                            tr {
                                td { (names::cut_middle(&snapshot.phase, 24)) }
                                td { (name(&snapshot.file, 48)) }
                                td.num {
                                    (snapshot.seconds.map_or_else(dash, |s| format!("+{}", figures::duration(s))))
                                }
                                (number(snapshot.nodes, figures::count(snapshot.nodes)))
                                (number(snapshot.edges, figures::count(snapshot.edges)))
                                (number(snapshot.total_bytes, figures::bytes(snapshot.total_bytes)))
                                (number(snapshot.native_bytes, figures::bytes(snapshot.native_bytes)))
                            }
                        }
                        (more_row(7, MOST_ROWS, snapshots.len(), "snapshots"))
                    }
                } }
            }
        }
    }
}

fn foot(view: &VerdictView) -> Markup {
    html! {
        footer {
            p { (wording::model(&view.diagnosis.model)) }
            p {
                "leakhound " (names::cut_middle(&view.leakhound, 40)) " · " (names::cut_middle(&view.schema, 40))
                @if let Some(dir) = &view.evidence_dir { " · evidence in " (name(dir, FILE)) }
            }
            p { "Names, file names and source lines in this page come from the target: share it as you would share its logs." }
        }
    }
}
