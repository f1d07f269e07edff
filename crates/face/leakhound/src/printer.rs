//! The two streams: data on stdout, everything else on stderr; progress only where a person looks.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use leakhound_workbench::view::MemoryPoint;
use leakhound_workbench::{Event, Plan, WorkbenchError, figures, names};

use crate::arguments::Global;
use crate::terminal::Style;

/// Columns of a note's label.
const LABEL: usize = 11;
/// Columns of `error:` and `hint:`.
const PREFIX: usize = 7;
/// A target that says nothing for so long is worth a word.
const SILENCE: Duration = Duration::from_secs(2);
const BUILDING: &str = "{msg:<32} {wide_bar} {elapsed:>4}";
const BYTES: &str = "{msg:<32} {wide_bar} {bytes}/{total_bytes} {elapsed:>4}";
const WATCHING: &str = "{msg} {wide_bar}";

/// Prints for people and for programs.
pub struct Printer {
    json: bool,
    quiet: bool,
    verbose: bool,
    live: bool,
    style: Style,
    bar: Option<ProgressBar>,
    /// Phase of the snapshot under way.
    phase: String,
    /// Bytes that are expected of it.
    expected: u64,
    /// First reading, so that growth can be shown while watching.
    first: Option<MemoryPoint>,
}

impl Printer {
    /// For the given options.
    pub fn new(global: &Global) -> Self {
        Self {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose > 0,
            live: !global.quiet && !global.no_progress && std::io::stderr().is_terminal(),
            style: global.color.for_stdout(),
            bar: None,
            phase: String::new(),
            expected: 0,
            first: None,
        }
    }

    /// Whether answers are JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Colours of stdout.
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// Columns of the terminal, 100 where there is none.
    pub fn width(&self) -> usize {
        if !std::io::stdout().is_terminal() {
            return 100;
        }
        usize::from(console_columns()).clamp(48, 120)
    }

    /// Writes the answer. A reader that went away is no error.
    ///
    /// # Errors
    /// Any other write error.
    pub fn answer(&mut self, text: &str) -> std::io::Result<()> {
        self.clear();
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// A line for people on stderr.
    pub fn note(&mut self, text: &str) {
        if self.quiet {
            return;
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text, LABEL)),
            None => say(text, LABEL),
        }
    }

    /// An error with its hint.
    pub fn error(&mut self, error: &WorkbenchError) {
        self.clear();
        say(&format!("error: failed to {}", names::visible(&with_causes(error))), PREFIX);
        if let Some(hint) = error.hint() {
            say(&format!("hint:  {}", names::visible(&hint)), PREFIX);
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.first = None;
    }

    /// Tells what a use case does.
    pub fn event(&mut self, event: Event) {
        match event {
            Event::Attached(target) => {
                let version = target.node_version.unwrap_or_default();
                let pid = target.pid.map(|pid| format!("pid {pid}, ")).unwrap_or_default();
                self.note(&format!("attached   {} ({pid}Node {version})", names::visible(&target.name)));
            }
            Event::Warning(text) => self.note(&format!("warning    {}", names::visible(&text))),
            Event::Plan(plan) => self.plan(&plan),
            Event::Evidence(folder) if self.verbose => {
                self.note(&format!("evidence   {}", folder.display()));
            }
            Event::SnapshotStarted { phase, expected_bytes } => {
                self.start(&format!("{phase}: building"), BUILDING, 100);
                self.phase = phase;
                self.expected = expected_bytes;
            }
            Event::Snapshot(progress) => self.snapshot(progress),
            Event::SnapshotDone { phase, bytes, pause, extra_memory } => {
                self.clear();
                let extra = extra_memory
                    .map(|bytes| format!(", +{} at its peak", figures::bytes(bytes)))
                    .unwrap_or_default();
                self.note(&format!(
                    "{phase:<10} {} written, paused {}{extra}",
                    figures::bytes(bytes),
                    seconds(pause)
                ));
            }
            Event::Watching { elapsed, until, memory } => self.watching(elapsed, until, memory),
            Event::LoadEnded { code } => {
                let how = code.map_or("by a signal".into(), |code| format!("with {code}"));
                self.note(&format!("load       ended {how}"));
            }
            Event::Releasing => {
                self.clear();
                if self.live {
                    let bar = ProgressBar::new_spinner();
                    bar.set_message("letting go of the target, once it has time for it");
                    bar.enable_steady_tick(Duration::from_millis(120));
                    self.bar = Some(bar);
                }
            }
            Event::Released => {
                self.clear();
                self.note("released   the inspector is closed again, nothing is left in the target");
            }
            Event::Reading { file, bytes, total } => {
                if self.bar.as_ref().is_none_or(|bar| bar.length() != Some(total)) {
                    self.start("reading", BYTES, total);
                }
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("reading {}", names::visible(&file)));
                    bar.set_position(bytes);
                }
            }
            Event::Judging => {
                self.clear();
                if self.live {
                    let bar = ProgressBar::new_spinner();
                    bar.set_message("judging: dominators, growth, holders, lines");
                    bar.enable_steady_tick(Duration::from_millis(120));
                    self.bar = Some(bar);
                }
            }
            Event::Written(path) => {
                self.clear();
                if self.verbose {
                    self.note(&format!("report     {}", path.display()));
                }
            }
            _ => {}
        }
    }

    fn plan(&mut self, plan: &Plan) {
        let room = match (plan.headroom.limit, plan.headroom.available) {
            (Some(limit), Some(left)) => {
                format!("{} left of the container's {}", figures::bytes(left), figures::bytes(limit))
            }
            (None, Some(left)) => {
                format!("{} left on this machine, no container limit", figures::bytes(left))
            }
            _ => "headroom unknown".into(),
        };
        match &plan.estimate {
            Some(cost) => {
                let count = if plan.snapshots == 1 {
                    "1 snapshot".into()
                } else {
                    format!("{} snapshots", plan.snapshots)
                };
                self.note(&format!(
                    "plan       {count}, each ≈ {} pause, +{} memory (at most +{})",
                    seconds(Duration::from_secs_f64(cost.pause_seconds.likely.clamp(0.0, 1e6))),
                    figures::bytes(cost.extra_bytes.likely),
                    figures::bytes(cost.extra_bytes.high),
                ));
                self.note(&format!("headroom   {room}"));
            }
            None => self.note(&format!("plan       sampled allocations only, no pause; {room}")),
        }
    }

    fn start(&mut self, message: &str, template: &str, total: u64) {
        self.clear();
        if !self.live {
            return;
        }
        let bar = ProgressBar::new(total.max(1));
        restyle(&bar, template);
        bar.set_message(message.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.bar = Some(bar);
    }

    fn snapshot(&mut self, progress: leakhound_workbench::SnapshotProgress) {
        use leakhound_workbench::SnapshotProgress as Progress;
        let Some(bar) = &self.bar else { return };
        match progress {
            Progress::Building { done, total } => {
                // V8's total is an estimate and may be passed.
                let percent = (done.saturating_mul(100) / total.max(1)).min(99);
                bar.set_message(format!("{}: building {percent} %", self.phase));
                bar.set_position(percent);
            }
            Progress::Writing { bytes } => {
                restyle(bar, BYTES);
                bar.set_message(format!("{}: writing", self.phase));
                bar.set_length(self.expected.max(bytes));
                bar.set_position(bytes);
            }
            Progress::Waiting { silent } if silent >= SILENCE => {
                bar.set_message(format!("{}: no news for {}", self.phase, seconds(silent)));
            }
            _ => {}
        }
    }

    fn watching(&mut self, elapsed: Duration, until: Duration, memory: MemoryPoint) {
        if !self.live {
            return;
        }
        let first = *self.first.get_or_insert(memory);
        if self.bar.is_none() {
            let bar = ProgressBar::new(until.as_millis() as u64);
            restyle(&bar, WATCHING);
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            let heap = memory.heap_used_bytes.unwrap_or(0);
            let from = first.heap_used_bytes.unwrap_or(0);
            let sign = if heap >= from { "+" } else { "-" };
            bar.set_length(until.as_millis() as u64);
            bar.set_position(elapsed.as_millis() as u64);
            bar.set_message(format!(
                "watching {}  heap {} ({sign}{})  rss {}",
                seconds(elapsed),
                figures::bytes(heap),
                figures::bytes(heap.abs_diff(from)),
                figures::bytes(memory.rss_bytes)
            ));
        }
    }
}

/// A line on stderr, on a terminal broken between words with `indent` columns in front of what follows.
/// A reader that went away is no error, and no reason to panic.
fn say(text: &str, indent: usize) {
    let terminal = console::Term::stderr();
    let text = match terminal.is_term() {
        true => broken(text, indent, usize::from(terminal.size().1)),
        false => text.to_owned(),
    };
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Breaks a line between words; a word that is too long (a path) stays whole.
fn broken(text: &str, indent: usize, width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_inclusive(' ') {
        let wide = names::width(word.trim_end());
        if column > indent && column + wide > width {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        }
        out.push_str(word);
        column += names::width(word);
    }
    out
}

fn restyle(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

/// An error and what it came from, each cause once.
fn with_causes(error: &WorkbenchError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}

/// Columns of the controlling terminal, by `COLUMNS` or the terminal itself.
fn console_columns() -> u16 {
    indicatif::TermLike::width(&console_term())
}

fn console_term() -> impl indicatif::TermLike {
    console::Term::stdout()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_broken_between_words_and_indented() {
        let line = "warning    the quick brown fox jumps";
        assert_eq!(broken(line, LABEL, 24), "warning    the quick\n           brown fox\n           jumps");
        assert_eq!(broken(line, LABEL, 80), line);
        assert_eq!(broken("left       /a/path/that/is/long", LABEL, 20), "left       /a/path/that/is/long");
    }
}
