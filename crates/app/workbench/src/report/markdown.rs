//! The verdict as Markdown for a ticket or a pull request.

use std::fmt::Write as _;

use leakhound_diagnose::{ClassGrowth, Finding};

use super::wording::{self, Step};
use crate::view::VerdictView;
use crate::{figures, names};

const MOST_FINDINGS: usize = 10;
const MOST_STEPS: usize = 16;
const MOST_SITES: usize = 3;
const MOST_FRAMES: usize = 6;
const MOST_CLASSES: usize = 10;
const MOST_ROWS: usize = 20;

/// The verdict as GitHub-flavoured Markdown.
///
/// Names from the target stand in code spans and everything else is escaped, so that no class name
/// becomes a link, a mention, a table cell or HTML.
pub fn markdown(view: &VerdictView) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, view);
    out
}

fn write(out: &mut String, view: &VerdictView) -> std::fmt::Result {
    let diagnosis = &view.diagnosis;
    writeln!(out, "# {}: {}\n", diagnosis.verdict.as_str().to_uppercase(), text(&diagnosis.headline))?;
    let mut facts = vec![format!("**{}**", confidence(diagnosis.confidence)), code(&view.target.name, 60)];
    facts.extend(view.target.pid.map(|pid| format!("pid {pid}")));
    facts.extend(view.target.node_version.as_deref().map(|v| format!("Node.js {}", text(v))));
    facts.push(text(&view.created));
    writeln!(out, "{}\n\n{}", facts.join(" · "), wording::meaning(diagnosis.verdict))?;
    list(out, "Read this with care", &diagnosis.warnings)?;
    for (i, finding) in diagnosis.findings.iter().take(MOST_FINDINGS).enumerate() {
        self::finding(out, finding, i + 1)?;
    }
    more(out, diagnosis.findings.len(), MOST_FINDINGS, "findings")?;
    bounded(out, view)?;
    if diagnosis.findings.is_empty() && !diagnosis.classes.is_empty() {
        writeln!(out, "\n## Classes by growth\n")?;
        classes(out, &diagnosis.classes)?;
    }
    snapshots(out, view)?;
    list(out, "What to do next", &diagnosis.next_steps)?;
    write!(
        out,
        "\n---\n\n{} leakhound {}",
        inline(&wording::model(&diagnosis.model)),
        text(&view.leakhound)
    )?;
    if let Some(dir) = &view.evidence_dir {
        write!(out, "; evidence in {}", code(dir, 96))?;
    }
    writeln!(out, ".")
}

fn confidence(confidence: leakhound_diagnose::Confidence) -> String {
    match confidence {
        leakhound_diagnose::Confidence::Certain => "certain".to_owned(),
        other => format!("{} confidence", other.as_str()),
    }
}

fn finding(out: &mut String, finding: &Finding, ordinal: usize) -> std::fmt::Result {
    writeln!(out, "\n## {ordinal}. {}\n", text(&names::cut_middle(&finding.title, 200)))?;
    writeln!(out, "| | |\n|---|---|")?;
    let holder = &finding.holder;
    if let Some(file) = &holder.file {
        write!(out, "| held in | {}", code(&names::location(file, holder.line), 96))?;
        place(out, holder.source.as_deref(), holder.package.as_deref())?;
    } else {
        writeln!(out, "| held by | {} |", code(&wording::holder(holder, 96), 96))?;
    }
    if let Some(at) = &finding.grows_at {
        write!(out, "| grows at | {}", code(&names::location(&at.file, Some(at.line)), 96))?;
        if let Some(function) = &at.function {
            write!(out, " in {}", code(&format!("{function}()"), 60))?;
        }
        if let Some(share) = at.share_of_sampled_growth {
            write!(out, ", {} of sampled growth", figures::percent(share))?;
        }
        place(out, at.source.as_deref(), at.package.as_deref())?;
    }
    writeln!(out, "| growth | {} |", inline(&wording::growth(&finding.growth).join(" · ")))?;
    if let Some(runs_out) = &finding.runs_out {
        writeln!(out, "| runs out | {} |", text(&wording::runs_out(runs_out)))?;
    }
    writeln!(out, "| kind | {}, {} |", wording::kind(finding.kind), confidence(finding.confidence))?;
    writeln!(out, "| fingerprint | {} |", code(&finding.id, 48))?;
    if !finding.path.is_empty() {
        writeln!(out, "\n**Kept alive by**\n")?;
        for step in wording::steps(&finding.path, MOST_STEPS) {
            match step {
                Step::Hidden(n) => writeln!(out, "1. … {} more steps", figures::count(n as u64))?,
                Step::Shown(step) => {
                    // Roots and contexts are reached by no edge of a name.
                    let edge = if step.edge.is_empty() { String::new() } else { code(&step.edge, 72) };
                    let edge = if step.is_holder { format!("**{edge}**") } else { edge };
                    let class = match step.class == step.edge {
                        true => String::new(),
                        false if step.edge.is_empty() => code(&step.class, 60),
                        false => format!(" {}", code(&step.class, 60)),
                    };
                    writeln!(out, "1. {edge}{class}{}", if step.is_holder { " ← holder" } else { "" })?;
                }
            }
        }
    }
    if !finding.allocations.is_empty() {
        writeln!(out, "\n**Allocated by**\n")?;
        for site in finding.allocations.iter().take(MOST_SITES) {
            writeln!(out, "- {} ({})", figures::percent(site.share), figures::bytes(site.bytes))?;
            for frame in site.frames.iter().take(MOST_FRAMES) {
                write!(out, "  - {}", code(&frame.function, 60))?;
                match frame.file.as_str() {
                    "" => writeln!(out)?,
                    file => writeln!(out, " {}", code(&names::location(file, Some(frame.line)), 96))?,
                }
            }
            if site.frames.len() > MOST_FRAMES {
                writeln!(out, "  - … and {} more frames", site.frames.len() - MOST_FRAMES)?;
            }
        }
        more(out, finding.allocations.len(), MOST_SITES, "stacks")?;
    }
    if !finding.classes.is_empty() {
        writeln!(out, "\n**What accumulates below the holder**\n")?;
        classes(out, &finding.classes)?;
    }
    if !finding.evidence.is_empty() {
        writeln!(out, "\n**Evidence**\n")?;
        for reason in finding.evidence.iter().take(MOST_ROWS) {
            writeln!(out, "- {} {}", if reason.supports { "✓" } else { "but:" }, text(&reason.text))?;
        }
        more(out, finding.evidence.len(), MOST_ROWS, "reasons")?;
    }
    if !finding.advice.is_empty() {
        writeln!(out, "\n**What to do**\n")?;
        for advice in finding.advice.iter().take(MOST_ROWS) {
            writeln!(out, "- {}", text(advice))?;
        }
    }
    Ok(())
}

/// The rest of a place's table row: package and source line.
fn place(out: &mut String, source: Option<&str>, package: Option<&str>) -> std::fmt::Result {
    if let Some(package) = package {
        write!(out, " ({})", code(package, 48))?;
    }
    if let Some(source) = source {
        write!(out, "<br>{}", code(&names::cut_end(source, 160), 160))?;
    }
    writeln!(out, " |")
}

fn classes(out: &mut String, classes: &[ClassGrowth]) -> std::fmt::Result {
    writeln!(out, "| class | objects | change | shallow size | change |\n|---|--:|--:|--:|--:|")?;
    for class in classes.iter().take(MOST_CLASSES) {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            code(&class.class, 72),
            figures::count(class.count_after),
            figures::count_between(class.count_before, class.count_after),
            figures::bytes(class.bytes_after),
            figures::bytes_between(class.bytes_before, class.bytes_after)
        )?;
    }
    more(out, classes.len(), MOST_CLASSES, "classes")
}

fn bounded(out: &mut String, view: &VerdictView) -> std::fmt::Result {
    let bounded = &view.diagnosis.bounded;
    if bounded.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Looked at and not a leak\n\n| holder | declared in | why not |\n|---|---|---|")?;
    for entry in bounded.iter().take(MOST_ROWS) {
        let place =
            entry.holder.file.as_deref().map(|file| code(&names::location(file, entry.holder.line), 96));
        writeln!(
            out,
            "| {} | {} | {} |",
            code(&wording::holder(&entry.holder, 72), 72),
            place.unwrap_or_default(),
            text(&entry.reason)
        )?;
    }
    more(out, bounded.len(), MOST_ROWS, "holders")
}

fn snapshots(out: &mut String, view: &VerdictView) -> std::fmt::Result {
    let snapshots = &view.diagnosis.snapshots;
    if snapshots.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n## Snapshots\n\n| phase | time | nodes | size | off the heap | pause |\n|---|--:|--:|--:|--:|--:|"
    )?;
    for snapshot in snapshots.iter().take(MOST_ROWS) {
        let pause = view
            .captures
            .iter()
            .find(|c| c.phase == snapshot.phase)
            .map(|c| figures::duration(c.pause_seconds));
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            text(&snapshot.phase),
            snapshot.seconds.map(|s| format!("+{}", figures::duration(s))).unwrap_or_default(),
            figures::count(snapshot.nodes),
            figures::bytes(snapshot.total_bytes),
            figures::bytes(snapshot.native_bytes),
            pause.unwrap_or_default()
        )?;
    }
    more(out, snapshots.len(), MOST_ROWS, "snapshots")
}

fn list(out: &mut String, title: &str, items: &[String]) -> std::fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## {title}\n")?;
    for item in items.iter().take(MOST_ROWS) {
        writeln!(out, "- {}", text(item))?;
    }
    more(out, items.len(), MOST_ROWS, "items")
}

fn more(out: &mut String, all: usize, shown: usize, what: &str) -> std::fmt::Result {
    match all.saturating_sub(shown) {
        0 => Ok(()),
        hidden => writeln!(out, "\n… and {} more {what}", figures::count(hidden as u64)),
    }
}

/// A name as a code span that nothing inside can end, also within a table.
fn code(name: &str, columns: usize) -> String {
    let shown = names::cut_middle(name, columns).replace('|', "\\|");
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if shown.is_empty() || longest > 0 || shown.starts_with(' ') { " " } else { "" };
    format!("{fence}{pad}{shown}{pad}{fence}")
}

/// A sentence in which no character is markup, a mention or a link, fit to begin a line.
fn text(sentence: &str) -> String {
    let mut out = inline(sentence);
    // Only what begins a line is a heading, a quote or a list.
    if out.starts_with(['#', '>', '+', '-', '=']) {
        out.insert(0, '\\');
    }
    out
}

/// [`text`] that stands behind something else on its line.
fn inline(sentence: &str) -> String {
    let shown: Vec<char> = names::cut_end(sentence, 600).chars().collect();
    let mut out = String::with_capacity(shown.len() + 8);
    for (i, &c) in shown.iter().enumerate() {
        let word = |i: Option<usize>| i.and_then(|i| shown.get(i)).is_some_and(|c| c.is_alphanumeric());
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '@' => out.push_str("&#64;"),
            // A link needs `://` or `www.`; a line number after a colon stays as it is.
            ':' if shown.get(i + 1) == Some(&'/') => out.push_str("&#58;"),
            '.' if i >= 3
                && shown.get(i - 3..i).is_some_and(|w| w.iter().all(|c| matches!(c, 'w' | 'W'))) =>
            {
                out.push_str("&#46;");
            }
            // Within a word an underscore is no emphasis.
            '_' if word(i.checked_sub(1)) && word(Some(i + 1)) => out.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans_cannot_be_left() {
        assert_eq!(code("Map", 20), "`Map`");
        assert_eq!(code("a`b``c", 20), "``` a`b``c ```");
        assert_eq!(code("a|b\nc", 20), "`a\\|b\\nc`");
        assert_eq!(code("", 20), "`  `");
    }

    #[test]
    fn sentences_hold_no_markup() {
        assert_eq!(text("<img src=x> [a](b) *c* @team"), "&lt;img src=x> \\[a\\](b) \\*c\\* &#64;team");
        assert_eq!(text("node_modules and _x_"), "node_modules and \\_x\\_");
        assert_eq!(
            text("see http://evil.example or www.evil.example"),
            "see http&#58;//evil.example or www&#46;evil.example"
        );
        assert_eq!(text("# no heading"), "\\# no heading");
        assert_eq!(text("+5,000 in src/a.js:17"), "\\+5,000 in src/a.js:17");
    }
}
