//! The verdict from sampled allocations alone: weaker, since nobody sees who holds the memory.

use leakhound_profile::{AllocationProfile, Frame};
use rustc_hash::FxHashMap;

use crate::case::Sources;
use crate::diagnosis::empty;
use crate::finding::{
    AllocationSite, Confidence, Diagnosis, Evidence, Finding, FindingKind, GrowsAt, Growth, Holder, Scope,
    StackFrame, Verdict,
};
use crate::naming::{Author, path_of};
use crate::source::{Position, SourceText};
use crate::write::bytes;

/// Live growth below this is noise of a sampler at 32 KiB.
const LEAST: u64 = 512 << 10;
/// Statements reported.
const MOST: usize = 5;

/// Live bytes of one user function, at both moments.
#[derive(Default)]
struct Survivors {
    middle: u64,
    last: u64,
    callee: String,
    stack: Vec<Frame>,
    heaviest: u64,
}

/// Compares two profiles of one sampling run: `middle` taken halfway, `last` at the end, `seconds` after the
/// start. What leaks keeps its samples from both halves; a cache that filled has them from the first only.
pub fn sampled_growth(
    middle: &AllocationProfile,
    last: &AllocationProfile,
    sources: &dyn Sources,
    seconds: Option<f64>,
) -> Diagnosis {
    let mut diagnosis = empty("");
    let mut functions: FxHashMap<(String, u32, u32, String), Survivors> = FxHashMap::default();
    for (profile, is_last) in [(middle, false), (last, true)] {
        for stack in profile.stacks() {
            let Some((at, frame)) = user_frame(&stack.frames) else { continue };
            let key = (
                frame.url.clone(),
                frame.line.unwrap_or(0),
                frame.column.unwrap_or(0),
                frame.function.clone(),
            );
            let entry = functions.entry(key).or_default();
            if is_last {
                entry.last += stack.bytes;
                if stack.bytes > entry.heaviest {
                    entry.heaviest = stack.bytes;
                    entry.callee = at
                        .checked_sub(1)
                        .map(|inner| stack.frames[inner].function.clone())
                        .unwrap_or_default();
                    entry.stack = stack.frames.iter().take(24).map(|frame| (*frame).clone()).collect();
                }
            } else {
                entry.middle += stack.bytes;
            }
        }
    }
    let total = last.total_bytes().max(1);
    let mut rows: Vec<_> =
        functions.into_iter().filter(|(_, row)| row.last >= LEAST.max(total / 20)).collect();
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.last));
    for ((url, line, column, function), row) in rows.into_iter().take(MOST) {
        let late = row.last.saturating_sub(row.middle) as f64 / row.last as f64;
        // Even growth keeps half of its survivors from each half of the run.
        let (confidence, text) = match late {
            late if late >= 0.3 => (Confidence::Medium, "its survivors come from both halves of the run"),
            _ => (
                Confidence::Low,
                "most of its survivors are from the first half: it may have stopped growing",
            ),
        };
        let source = sources.text(&url).map(|text| SourceText::parse(&url, text));
        let start = Position::new(line, column);
        let at = source.as_ref().and_then(|source| {
            let id = source.function_at(start)?.id;
            let callee = row.callee.rsplit('.').next().unwrap_or_default();
            source.calls_in(id, callee).first().or(source.allocations_in(id).first()).copied()
        });
        let at = at.unwrap_or(start);
        let share = row.last as f64 / total as f64;
        diagnosis.findings.push(Finding {
            id: format!("lh-sampled-{function}"),
            kind: FindingKind::Other,
            confidence,
            title: format!(
                "{} allocated in {} stay alive",
                bytes(row.last),
                if function.is_empty() { "an anonymous function" } else { &function }
            ),
            holder: Holder {
                variable: None,
                expression: "(not looked for: no snapshot was taken)".into(),
                class: String::new(),
                collection: None,
                scope: Scope::Unknown,
                object_id: 0,
                file: None,
                line: None,
                column: None,
                source: None,
                package: None,
            },
            grows_at: Some(GrowsAt {
                file: path_of(&url),
                line: at.line + 1,
                column: Some(at.column + 1),
                function: Some(function).filter(|name| !name.is_empty()),
                source: source.as_ref().map(|source| source.line_text(at.line).to_owned()),
                share_of_sampled_growth: Some(share),
                package: None,
            }),
            growth: Growth {
                member_class: String::new(),
                members: 0,
                objects: 0,
                bytes: row.last,
                external_bytes: 0,
                seconds,
                bytes_per_second: seconds
                    .filter(|&seconds| seconds > 0.0)
                    .map(|seconds| row.last as f64 / seconds),
                series: Vec::new(),
            },
            runs_out: None,
            path: Vec::new(),
            classes: Vec::new(),
            allocations: vec![AllocationSite {
                bytes: row.heaviest,
                share,
                frames: row.stack.iter().map(frame).collect(),
            }],
            evidence: vec![
                Evidence { supports: late >= 0.3, text: text.into() },
                Evidence {
                    supports: false,
                    text: "samples show who allocates, not who holds the memory".into(),
                },
            ],
            advice: vec!["hunt with snapshots when the headroom allows it: they name the holder".into()],
        });
    }
    conclude(&mut diagnosis, total);
    diagnosis
}

fn conclude(diagnosis: &mut Diagnosis, total: u64) {
    match diagnosis.findings.first() {
        Some(first) if first.confidence >= Confidence::Medium => {
            diagnosis.verdict = Verdict::Leak;
            diagnosis.confidence = Confidence::Medium;
            diagnosis.headline = first.title.clone();
        }
        Some(first) => {
            diagnosis.headline = first.title.clone();
            diagnosis.next_steps.push("sample longer: growth that goes on would stand out".into());
        }
        None if total < LEAST => {
            diagnosis.verdict = Verdict::NoLeak;
            diagnosis.confidence = Confidence::Medium;
            diagnosis.headline = format!("only {} of what was allocated stayed alive", bytes(total));
        }
        None => {
            diagnosis.headline = "no function of the application stands out among the survivors".into();
            diagnosis.next_steps.push("sample longer, or hunt with snapshots".into());
        }
    }
}

fn user_frame<'a>(frames: &[&'a Frame]) -> Option<(usize, &'a Frame)> {
    frames
        .iter()
        .enumerate()
        .find(|(_, frame)| Author::of(&frame.url) == Author::User)
        .map(|(at, frame)| (at, *frame))
}

fn frame(frame: &Frame) -> StackFrame {
    StackFrame {
        function: if frame.function.is_empty() { "(anonymous)".into() } else { frame.function.clone() },
        file: path_of(&frame.url),
        line: frame.line.map_or(0, |line| line + 1),
        column: frame.column.map_or(0, |column| column + 1),
    }
}
