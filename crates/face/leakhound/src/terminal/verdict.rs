//! The verdict on one screen.

use leakhound_workbench::report::wording::{self, Step};
use leakhound_workbench::view::{Confidence, Finding, MemoryPoint, PathStep, Verdict, VerdictView};
use leakhound_workbench::{figures, names};

use super::format::{Line, flow, wrap};
use super::style::{Role, Style};

/// Column where labels begin.
const INDENT: usize = 7;
/// Columns of a label and the gap behind it.
const LABEL: usize = 12;
/// A verdict wider than this is hard to read on a wide screen.
const WIDEST: usize = 120;
/// Below this the layout has no room; lines are this wide then.
const NARROWEST: usize = 48;
/// Steps shown of what keeps a holder alive.
const MOST_STEPS: usize = 9;
/// Findings after the first.
const MOST_MORE: usize = 4;
/// Warnings, next steps and excused holders shown; the report has the rest.
const MOST_REMARKS: usize = 4;

/// The verdict as lines of at most `width` columns (48 at least), with a line break at its end.
///
/// First what leaks, where it is held and grows, how fast and until when; then what else grows,
/// what to mind, what to do next, and where the report is. Without findings: what was seen instead.
pub fn verdict(view: &VerdictView, style: &Style, width: usize) -> String {
    let mut page = Page { out: String::new(), style: *style, width: width.clamp(NARROWEST, WIDEST) };
    let diagnosis = &view.diagnosis;
    let role = match diagnosis.verdict {
        Verdict::Leak | Verdict::OffHeapLeak => Role::Bad,
        Verdict::Backlog | Verdict::Inconclusive => Role::Care,
        Verdict::Bounded | Verdict::NoLeak => Role::Good,
    };
    let badge = diagnosis.verdict.as_str().to_uppercase();
    match diagnosis.findings.split_first() {
        Some((first, rest)) => {
            page.title(role, &badge, &first.title, first.confidence);
            page.finding(first, true);
            page.measured(view);
            page.excused(view);
            for finding in rest.iter().take(MOST_MORE) {
                page.blank();
                page.title(role, "ALSO", &finding.title, finding.confidence);
                page.finding(finding, false);
            }
            if let Some(hidden) = rest.len().checked_sub(MOST_MORE).filter(|n| *n > 0) {
                page.blank();
                page.field(
                    "",
                    vec![Line::new(Role::Quiet, format!("… and {hidden} more findings in the report"))],
                );
            }
        }
        None => {
            page.title(role, &badge, &diagnosis.headline, diagnosis.confidence);
            page.below_title(&badge, wording::meaning(diagnosis.verdict));
            page.memory(view);
            page.measured(view);
            page.excused(view);
        }
    }
    page.remarks(view);
    page.out
}

/// What is printed so far, and how.
struct Page {
    out: String,
    style: Style,
    width: usize,
}

impl Page {
    /// Columns of a value beside its label.
    fn room(&self) -> usize {
        self.width.saturating_sub(INDENT + LABEL)
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }

    /// `LEAK   what grows ...                      certain`.
    fn title(&mut self, role: Role, badge: &str, title: &str, confidence: Confidence) {
        let sure = match confidence {
            Confidence::Certain => "certain".to_owned(),
            other => format!("{} confidence", other.as_str()),
        };
        let left = title_column(badge);
        let room = self.width.saturating_sub(left + names::width(&sure) + 3);
        for (i, text) in wrap(title, room, 3).into_iter().enumerate() {
            let mut line = Line::default();
            if i == 0 {
                line.push(role, badge);
            }
            line.pad_to(left);
            line.push(Role::Strong, text);
            if i == 0 {
                line.pad_to(self.width.saturating_sub(names::width(&sure)));
                line.push(role, sure.as_str());
            }
            line.print(self.style, &mut self.out);
        }
    }

    /// A quiet sentence that explains the title.
    fn below_title(&mut self, badge: &str, sentence: &str) {
        let left = title_column(badge);
        for text in wrap(sentence, self.width.saturating_sub(left), 3) {
            note(left, Role::Quiet, text).print(self.style, &mut self.out);
        }
    }

    /// A label and its value's lines.
    fn field(&mut self, label: &str, lines: Vec<Line>) {
        self.field_as(Role::Quiet, label, lines);
    }

    fn field_as(&mut self, role: Role, label: &str, lines: Vec<Line>) {
        for (i, value) in lines.into_iter().enumerate() {
            let mut line = Line::new(Role::Plain, " ".repeat(INDENT));
            if i == 0 {
                line.push(role, label);
            }
            line.pad_to(INDENT + LABEL);
            line.append(value);
            line.print(self.style, &mut self.out);
        }
    }

    /// A label and a sentence.
    fn sentences(&mut self, label: &str, role: Role, sentence: &str) {
        let lines = wrap(sentence, self.room(), 4).into_iter().map(|text| Line::new(role, text)).collect();
        self.field(label, lines);
    }

    /// Where it is held and grows, how fast; for the first finding also what follows from it.
    fn finding(&mut self, finding: &Finding, first: bool) {
        self.places(finding);
        let parts = wording::growth(&finding.growth);
        let parts = parts.iter().map(|part| Line::new(Role::Plain, names::cut_middle(part, self.room())));
        self.field("growth", flow(parts.collect(), " · ", false, self.room()));
        if !first {
            return;
        }
        if let Some(runs_out) = &finding.runs_out {
            self.sentences("runs out", Role::Plain, &wording::runs_out(runs_out));
        }
        if !finding.path.is_empty() {
            let steps = steps(&finding.path, self.room());
            self.field("kept alive", flow(steps, " → ", true, self.room()));
        }
        for reason in finding.evidence.iter().filter(|e| !e.supports).take(2) {
            self.sentences("but", Role::Plain, &reason.text);
        }
        if let Some(advice) = finding.advice.first() {
            self.sentences("to do", Role::Plain, advice);
        }
    }

    /// `held in` and `grows at`, their source lines below each other where there is room.
    fn places(&mut self, finding: &Finding) {
        let room = self.room();
        let holder = &finding.holder;
        let held =
            holder.file.as_deref().map(|file| names::cut_middle(&names::location(file, holder.line), room));
        let grows = finding
            .grows_at
            .as_ref()
            .map(|at| names::cut_middle(&names::location(&at.file, Some(at.line)), room));
        let widest =
            [&held, &grows].into_iter().flatten().map(|place| names::width(place)).max().unwrap_or(0);
        let column = widest + 4;
        // Source stands beside its place where all of it fits, else below where more of it fits.
        let source =
            [holder.source.as_deref(), finding.grows_at.as_ref().and_then(|at| at.source.as_deref())];
        let longest = source.into_iter().flatten().map(|s| names::width(&names::cut_end(s, room))).max();
        let beside = column + longest.unwrap_or(0).max(28) <= room;

        let mut notes = Vec::new();
        if let Some(source) = &holder.source {
            notes.push((Role::Plain, source.clone()));
        }
        if let Some(package) = &holder.package {
            notes.push((Role::Quiet, format!("in package {package}")));
        }
        let place = match held {
            Some(place) => Line::new(Role::Place, place),
            None => Line::new(
                Role::Plain,
                names::cut_end(&format!("{}, no source line known", wording::holder(holder, 40)), room),
            ),
        };
        self.field("held in", placed(place, &notes, beside, column, room));

        let (Some(place), Some(at)) = (grows, &finding.grows_at) else { return };
        let mut notes = Vec::new();
        if let Some(source) = &at.source {
            notes.push((Role::Plain, source.clone()));
        }
        let mut about = Vec::new();
        match &at.function {
            Some(function) => about.push(format!("in {}()", names::cut_middle(function, 32))),
            None => about.push("at module level".to_owned()),
        }
        if let Some(share) = at.share_of_sampled_growth {
            about.push(format!("{} of sampled growth", figures::percent(share)));
        }
        if let Some(package) = at.package.as_ref().filter(|p| Some(*p) != holder.package.as_ref()) {
            about.push(names::cut_middle(package, 40));
        }
        notes.push((Role::Quiet, about.join(" · ")));
        self.field("grows at", placed(Line::new(Role::Place, place), &notes, beside, column, room));
    }

    /// What the process's memory did, where no finding says it better.
    fn memory(&mut self, view: &VerdictView) {
        let change = |name: &str, value: fn(&MemoryPoint) -> Option<u64>| {
            let mut known = view.memory.iter().filter_map(value);
            let (first, last) = (known.next()?, known.next_back()?);
            let text = format!("{name} {} → {}", figures::bytes(first), figures::bytes(last));
            Some(Line::new(Role::Plain, text))
        };
        let parts: Vec<Line> = [
            change("RSS", |p| Some(p.rss_bytes)),
            change("heap used", |p| p.heap_used_bytes),
            change("external", |p| p.external_bytes),
        ]
        .into_iter()
        .flatten()
        .collect();
        self.field("memory", flow(parts, " · ", false, self.room()));
    }

    /// What the verdict rests on.
    fn measured(&mut self, view: &VerdictView) {
        let diagnosis = &view.diagnosis;
        let counted = |n: usize, what: &str| {
            let plural = if n == 1 { "" } else { "s" };
            (n > 0).then(|| format!("{} {what}{plural}", figures::count(n as u64)))
        };
        let span = diagnosis.snapshots.last().and_then(|s| s.seconds).filter(|s| *s > 0.0);
        let sampled = diagnosis.findings.iter().any(|f| !f.allocations.is_empty());
        let parts: Vec<Line> = [
            counted(diagnosis.snapshots.len(), "snapshot").map(|text| match span {
                Some(span) => format!("{text} over {}", figures::duration(span)),
                None => text,
            }),
            sampled.then(|| "sampled allocations".to_owned()),
            counted(view.memory.len(), "memory sample"),
        ]
        .into_iter()
        .flatten()
        .map(|text| Line::new(Role::Plain, text))
        .collect();
        self.field("evidence", flow(parts, " · ", false, self.room()));
    }

    /// What was looked at and is no leak.
    fn excused(&mut self, view: &VerdictView) {
        let bounded = &view.diagnosis.bounded;
        let mut lines: Vec<Line> = bounded
            .iter()
            .take(MOST_REMARKS)
            .flat_map(|b| wrap(&format!("{}: {}", wording::holder(&b.holder, 40), b.reason), self.room(), 2))
            .map(|text| Line::new(Role::Plain, text))
            .collect();
        if bounded.len() > MOST_REMARKS {
            let hidden = figures::count((bounded.len() - MOST_REMARKS) as u64);
            lines.push(Line::new(Role::Quiet, format!("… and {hidden} more")));
        }
        self.field("not a leak", lines);
    }

    /// Warnings, next steps, and where the rest is.
    fn remarks(&mut self, view: &VerdictView) {
        let diagnosis = &view.diagnosis;
        if !diagnosis.warnings.is_empty() || !diagnosis.next_steps.is_empty() || view.evidence_dir.is_some() {
            self.blank();
        }
        for (role, label, all) in
            [(Role::Care, "careful", &diagnosis.warnings), (Role::Quiet, "next", &diagnosis.next_steps)]
        {
            for remark in all.iter().take(MOST_REMARKS) {
                let lines = wrap(remark, self.room(), 4);
                self.field_as(
                    role,
                    label,
                    lines.into_iter().map(|text| Line::new(Role::Plain, text)).collect(),
                );
            }
            if all.len() > MOST_REMARKS {
                let hidden = figures::count((all.len() - MOST_REMARKS) as u64);
                self.field("", vec![Line::new(Role::Quiet, format!("… and {hidden} more in the report"))]);
            }
        }
        if let Some(dir) = &view.evidence_dir {
            let file = names::cut_middle(&format!("{}/report.html", dir.trim_end_matches('/')), self.room());
            self.field("report", vec![Line::new(Role::Place, file)]);
        }
    }
}

/// Column where a title begins behind its badge.
fn title_column(badge: &str) -> usize {
    INDENT.max(names::width(badge) + 3)
}

/// A place with notes beside it from `column` on, or below it.
fn placed(mut place: Line, notes: &[(Role, String)], beside: bool, column: usize, room: usize) -> Vec<Line> {
    let column = if beside { column } else { 2 };
    let mut notes =
        notes.iter().map(|(role, text)| (*role, names::cut_end(text, room.saturating_sub(column))));
    let mut lines = Vec::new();
    if beside && let Some((role, text)) = notes.next() {
        // A place that is no location may be longer than its column.
        place.pad_to(column.max(place.width() + 2));
        if place.width() + names::width(&text) <= room {
            place.push(role, text);
            lines.push(place);
        } else {
            lines.push(place);
            lines.push(note(column, role, text));
        }
    } else {
        lines.push(place);
    }
    lines.extend(notes.map(|(role, text)| note(column, role, text)));
    lines
}

fn note(column: usize, role: Role, text: String) -> Line {
    let mut line = Line::new(Role::Plain, " ".repeat(column));
    line.push(role, text);
    line
}

/// The path's steps, the holder marked, the last one by its class.
fn steps(path: &[PathStep], room: usize) -> Vec<Line> {
    let shown = wording::steps(path, MOST_STEPS);
    let last = shown.len().saturating_sub(1);
    let step = |(i, step): (usize, &Step<'_>)| match step {
        Step::Hidden(n) => Line::new(Role::Quiet, format!("… {} steps", figures::count(*n as u64))),
        Step::Shown(step) => {
            let edge = names::cut_middle(step.edge.strip_prefix("variable ").unwrap_or(&step.edge), 48);
            let class = names::cut_middle(&step.class, 32);
            let (role, text) = match step.is_holder {
                true => (Role::Strong, format!("{edge} ({class})")),
                // Roots and contexts are reached by no edge of a name.
                false if i == last || edge.is_empty() => (Role::Plain, class),
                false => (Role::Plain, edge),
            };
            Line::new(role, names::cut_middle(&text, room.saturating_sub(2)))
        }
    };
    shown.iter().enumerate().map(step).collect()
}
