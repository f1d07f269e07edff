//! One finding on the page: who holds, where it grows, what keeps it alive, who allocates, why we think so.

use leakhound_diagnose::{AllocationSite, Finding, PathStep, PopulationPoint};
use maud::{Markup, html};

use super::chart::{self, Column, Measure};
use super::parts::{bar, class_table, location, more_item, name, sentence, source_line};
use super::wording::{self, Step};
use crate::{figures, names};

const MOST_STEPS: usize = 24;
const MOST_SITES: usize = 8;
const MOST_FRAMES: usize = 12;
const MOST_CLASSES: usize = 12;
const MOST_REASONS: usize = 30;

/// The section of one finding; `ordinal` counts from 1, `phases` names the snapshots of the series.
pub(super) fn section(finding: &Finding, ordinal: usize, phases: &[String]) -> Markup {
    html! {
        section.card.finding id={ "finding-" (ordinal) } {
            header.finding-head {
                p.eyebrow {
                    "Finding " (ordinal) " · " (wording::kind(finding.kind)) " · "
                    span class={ "confidence " (finding.confidence.as_str()) } { (finding.confidence.as_str()) }
                }
                h2 { (names::cut_middle(&finding.title, 200)) }
                // The tiles above the first finding say this already.
                @if ordinal > 1 {
                    p.figures {
                        @for (i, part) in wording::growth(&finding.growth).iter().enumerate() {
                            @if i > 0 { span.dot-sep { " · " } }
                            span { (part) }
                        }
                        @if let Some(runs_out) = &finding.runs_out {
                            span.dot-sep { " · " }
                            span { "runs out: " (wording::runs_out(runs_out)) }
                        }
                    }
                }
            }
            (places(finding))
            (growth_charts(finding, ordinal, phases))
            (kept_alive(&finding.path))
            (allocations(&finding.allocations))
            @if !finding.classes.is_empty() {
                h3 { "What accumulates below the holder" }
                (class_table(&finding.classes, MOST_CLASSES))
            }
            (reasons(finding))
            @if !finding.advice.is_empty() {
                div.advice {
                    h3 { "What to do" }
                    ul {
                        @for advice in finding.advice.iter().take(MOST_REASONS) { li { (sentence(advice)) } }
                        (more_item(MOST_REASONS, finding.advice.len(), "hints"))
                    }
                }
            }
            p.id { "Fingerprint " (name(&finding.id, 48)) ", the same in the next deploy" }
        }
    }
}

/// The two lines that matter: where the holder is declared, and where it grows.
fn places(finding: &Finding) -> Markup {
    let holder = &finding.holder;
    html! {
        div.places {
            div.place.held {
                h3 { "Held in" }
                p.where {
                    @match &holder.file {
                        Some(file) => (location(file, holder.line)),
                        None => span.muted { "no source line known" },
                    }
                    (package(holder.package.as_deref()))
                }
                @if let Some(source) = &holder.source { (source_line(holder.line, source)) }
                p.note {
                    (name(&holder.expression, 72)) " · "
                    (name(holder.collection.as_deref().unwrap_or(&holder.class), 48))
                    @if holder.object_id != 0 { span.muted { " @" (holder.object_id) } }
                }
            }
            div.place.grows {
                h3 { "Grows at" }
                @match &finding.grows_at {
                    Some(at) => {
                        p.where { (location(&at.file, Some(at.line))) (package(at.package.as_deref())) }
                        @if let Some(source) = &at.source { (source_line(Some(at.line), source)) }
                        p.note {
                            @match &at.function {
                                Some(function) => { "in " (name(&format!("{function}()"), 60)) },
                                None => "at module level",
                            }
                            @if let Some(share) = at.share_of_sampled_growth {
                                " · " strong { (figures::percent(share)) } " of sampled growth"
                            }
                        }
                    },
                    None => p.where { span.muted { "the statement that adds to it was not found" } },
                }
            }
        }
    }
}

fn package(package: Option<&str>) -> Markup {
    html! { @if let Some(package) = package { " " span.package { (names::cut_middle(package, 48)) } } }
}

fn growth_charts(finding: &Finding, ordinal: usize, phases: &[String]) -> Markup {
    let series = &finding.growth.series;
    let columns = |value: fn(&PopulationPoint) -> u64| -> Vec<Column> {
        let label = |i: usize, p: &PopulationPoint| match (phases.get(i), p.seconds) {
            (Some(phase), _) if phases.len() == series.len() => {
                names::cut_middle(phase.strip_prefix("snapshot ").unwrap_or(phase), 9)
            }
            (_, Some(seconds)) => figures::duration(seconds),
            _ => (i + 1).to_string(),
        };
        series.iter().enumerate().map(|(i, p)| Column { label: label(i, p), value: value(p) }).collect()
    };
    let retained = chart::population(
        &format!("retained-{ordinal}"),
        "Bytes retained by the holder, by snapshot",
        Measure::Bytes,
        &columns(|p| p.retained_bytes),
    );
    let members = chart::population(
        &format!("members-{ordinal}"),
        "Members of the holder, by snapshot",
        Measure::Members,
        &columns(|p| p.members),
    );
    html! {
        @if let (Some(retained), Some(members)) = (retained, members) {
            div.panels {
                figure { figcaption { "Retained by the holder" } (retained) }
                figure { figcaption { "Members of the holder" } (members) }
            }
        }
    }
}

/// The chain from the root to the holder and on to a member.
fn kept_alive(path: &[PathStep]) -> Markup {
    html! {
        @if !path.is_empty() {
            h3 { "What keeps it alive" }
            ol.chain {
                @for step in wording::steps(path, MOST_STEPS) {
                    @match step {
                        Step::Hidden(n) => li.cut { "… " (figures::count(n as u64)) " more steps" },
                        Step::Shown(step) => li class=[step.is_holder.then_some("holder")] {
                            @if !step.edge.is_empty() { (name(&step.edge, 72)) }
                            @if step.class != step.edge {
                                span.class { (names::cut_middle(&step.class, 60)) }
                            }
                            @if step.object_id != 0 { span.object { "@" (step.object_id) } }
                            @if step.is_holder { span.tag { "holder" } }
                        },
                    }
                }
            }
        }
    }
}

fn allocations(sites: &[AllocationSite]) -> Markup {
    html! {
        @if !sites.is_empty() {
            h3 { "Who allocates it" }
            p.hint { "Sampled allocations that are still alive, by stack; innermost function first." }
            @for (i, site) in sites.iter().take(MOST_SITES).enumerate() {
                details.stack open[i == 0] {
                    summary {
                        span.share { (figures::percent(site.share)) }
                        (bar(site.share))
                        span.bytes { (figures::bytes(site.bytes)) }
                        @if let Some(frame) = site.frames.first() { (name(&frame.function, 48)) }
                    }
                    ol.frames {
                        @for frame in site.frames.iter().take(MOST_FRAMES) {
                            li class=[is_internal(&frame.file).then_some("internal")] {
                                (name(&frame.function, 60))
                                @if !frame.file.is_empty() { " " (location(&frame.file, Some(frame.line))) }
                            }
                        }
                        (more_item(MOST_FRAMES, site.frames.len(), "frames"))
                    }
                }
            }
            @if sites.len() > MOST_SITES {
                p.hint { "… and " (figures::count((sites.len() - MOST_SITES) as u64)) " more stacks" }
            }
        }
    }
}

/// Frames of Node.js itself and of built-ins: context, not culprits.
fn is_internal(file: &str) -> bool {
    file.is_empty() || file.starts_with("node:")
}

fn reasons(finding: &Finding) -> Markup {
    let list = |supports: bool| finding.evidence.iter().filter(move |e| e.supports == supports);
    html! {
        @if !finding.evidence.is_empty() {
            div.reasons {
                @for (supports, title, class) in [(true, "Speaks for it", "for"), (false, "Limits it", "against")] {
                    @let all = list(supports).count();
                    @if all > 0 {
                        div class=(class) {
                            h3 { (title) }
                            ul {
                                @for reason in list(supports).take(MOST_REASONS) { li { (sentence(&reason.text)) } }
                                (more_item(MOST_REASONS, all, "reasons"))
                            }
                        }
                    }
                }
            }
        }
    }
}
