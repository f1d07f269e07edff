//! The command line as typed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use regex::Regex;

use crate::terminal::ColorChoice;

/// The views, in two columns: one line each would not fit a screen.
const VIEWS: &str = "Views of a snapshot (FILE; - for standard input):
  summary     classes, packages, shapes  diff          what came and went
  object      one object                 dominators    what it alone keeps alive
  retainers   what keeps it alive        retained-set  what would be freed
  paths       how the roots reach it     containment   what it refers to
  closures    functions, what they hold  contexts      captured variables
  strings     repeated and pinned texts  search        names, texts, properties
  statistics  where the bytes are        roots realms  collector's roots; vm contexts
  traces      who allocated it           timeline      when it was allocated";

/// Finds the leaking line of a Node.js service, with no code change and without hurting it.
#[derive(Debug, Parser)]
#[command(
    name = "leakhound",
    version,
    max_term_width = 100,
    infer_subcommands = false,
    disable_help_subcommand = true
)]
#[command(after_help = VIEWS, after_long_help = format!("{VIEWS}\n\n{}", "TARGET is a pid, a process name, host:port or ws://… of an inspector.\n\
    Exit codes: 0 done · 1 a leak (--fail-on) · 2 usage · 3 unreadable input\n  \
    4 target missing or refusing · 5 refused for safety · 6 partial result\n  \
    70 our bug · 130 interrupted\n\n\
    Examples:\n  leakhound demo\n  leakhound hunt server.js --for 2m"))]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Print the answer as JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Colours: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: ColorChoice,
    /// Say nothing but the answer and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more (twice: debug)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Show no progress
    #[arg(long, global = true, hide_short_help = true)]
    pub no_progress: bool,
    /// Neither read nor write FILE.lhx, the index of a dump
    #[arg(long, global = true)]
    pub no_index: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "one value, made once")]
pub enum Command {
    /// Find the leak of a running process: snapshots, growth, verdict, line
    Hunt(Hunt),
    /// Start a program with capture armed, or hunt it (--hunt)
    Run(Run),
    /// Capture one artefact, safely
    #[command(
        subcommand,
        after_long_help = "Examples:\n  leakhound capture heap 4711\n  \
        leakhound capture heap server.js --out /var/tmp/before.heapsnapshot"
    )]
    Capture(Capture),
    /// The verdict from files: one snapshot (suspects), two or more (growth)
    Analyze(Analyze),
    /// The classes of a snapshot: count, distance, shallow and retained size
    #[command(hide = true)]
    Summary(Summary),
    /// Where a snapshot's bytes are: code, strings, arrays, buffers
    #[command(hide = true)]
    Statistics(Statistics),
    /// One object: its fields, what keeps it alive, and why
    #[command(hide = true)]
    Object(Object),
    /// What keeps an object alive, up to the roots
    #[command(hide = true)]
    Retainers(Retainers),
    /// How the roots reach an object, or all objects of a class
    #[command(hide = true)]
    Paths(Paths),
    /// What an object alone keeps alive: the dominator tree downwards
    #[command(hide = true)]
    Dominators(Dominators),
    /// What an object refers to, as a tree
    #[command(hide = true)]
    Containment(Containment),
    /// What would be freed together with some objects
    #[command(hide = true)]
    RetainedSet(RetainedSet),
    /// What the garbage collector starts from
    #[command(hide = true)]
    Roots(Roots),
    /// Functions by what their closures keep alive
    #[command(hide = true)]
    Closures(Closures),
    /// Captured variables by what they keep alive
    #[command(hide = true)]
    Contexts(Contexts),
    /// Texts that exist more than once, large strings that slices keep alive
    #[command(hide = true)]
    Strings(Strings),
    /// Objects by name, by the text of a string or the name of a property
    #[command(hide = true)]
    Search(Search),
    /// The native contexts (vm contexts, frames) and what is theirs
    #[command(hide = true)]
    Realms(Roots),
    /// The stacks that allocated what is alive (recorded allocations)
    #[command(hide = true)]
    Traces(Traces),
    /// When what is alive was allocated (recorded allocations)
    #[command(hide = true)]
    Timeline(Timeline),
    /// What came and went between two snapshots of one process
    #[command(hide = true)]
    Diff(Diff),
    /// The Node processes here, and whether they can be hunted
    #[command(after_long_help = "Examples:\n  leakhound ps\n  leakhound ps --json | jq '.processes[].pid'")]
    Ps,
    /// The whole product in one minute: hunt a small leaking server
    Demo(Demo),
    /// Runs a command and ends it when standard input closes
    #[command(hide = true)]
    Guard(Guard),
}

/// How a hunt watches.
#[derive(Clone, Debug, Args)]
pub struct Watching {
    /// Time from the first to the last snapshot [default: 60s]
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
    /// Watch until heap and buffers have grown by this much
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub until_growth: Option<u64>,
    /// Number of snapshots [default: 3]
    #[arg(long, value_name = "N", default_value_t = 3, hide_default_value = true, value_parser = clap::value_parser!(u64).range(2..=20))]
    pub snapshots: u64,
    /// Make the evidence folder in DIR
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Only sample allocations: no pause, a weaker verdict
    #[arg(long)]
    pub sampling_only: bool,
    /// Take snapshots even where they could kill the target
    #[arg(long)]
    pub force: bool,
    /// Refuse a longer pause [default: 60s]
    #[arg(long, value_name = "TIME", default_value = "60s", hide_default_value = true, value_parser = duration)]
    pub max_pause: Duration,
    /// Exit 1 on a leak: medium, high or certain
    #[arg(long, value_enum, value_name = "CONFIDENCE", hide_possible_values = true)]
    pub fail_on: Option<FailOn>,
}

impl Watching {
    /// The first option given that means something to a hunt only.
    pub fn first_given(&self) -> Option<&'static str> {
        let given = [
            (self.duration.is_some(), "--for"),
            (self.until_growth.is_some(), "--until-growth"),
            (self.sampling_only, "--sampling-only"),
            (self.force, "--force"),
            (self.fail_on.is_some(), "--fail-on"),
        ];
        given.into_iter().find_map(|(given, option)| given.then_some(option))
    }
}

/// Threshold of `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Anything accused.
    Medium,
    /// All indications but one.
    High,
    /// All indications.
    Certain,
}

/// `hunt`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Each snapshot pauses the target and needs memory in it; both are estimated, printed first, and refused\n\
    (exit 5) where they could kill it. Nothing is left behind: the inspector is closed again.\n\n\
    Examples:\n  leakhound hunt 4711 --for 2m\n  \
    leakhound hunt server.js --for 30s -- npx autocannon -d 30 http://localhost:3000"
)]
pub struct Hunt {
    /// pid, process name, host:port or ws://… of an inspector
    pub target: String,
    /// How to watch.
    #[command(flatten)]
    pub watching: Watching,
    /// Command that makes load, ended with the hunt
    #[arg(last = true, value_name = "LOAD COMMAND")]
    pub load: Vec<OsString>,
}

/// `run`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Armed, Node writes a heap snapshot near V8's heap limit and a report on a fatal error. Standard streams,\n\
    signals and the exit code are the program's own. With --hunt it is ended when the verdict is in.\n\n\
    Examples:\n  leakhound run -- node server.js\n  \
    leakhound run --hunt --for 30s -- node server.js"
)]
pub struct Run {
    /// Hunt the program from its start, then end it
    #[arg(long)]
    pub hunt: bool,
    /// How to watch (with --hunt).
    #[command(flatten)]
    pub watching: Watching,
    /// The program: node and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub command: Vec<OsString>,
}

/// `capture`.
#[derive(Debug, Subcommand)]
pub enum Capture {
    /// A heap snapshot; pauses the target, the expected cost is printed first
    #[command(after_long_help = "Examples:\n  leakhound capture heap 4711\n  \
        leakhound capture heap 127.0.0.1:9229 --out before.heapsnapshot")]
    Heap(CaptureHeap),
}

/// `capture heap`.
#[derive(Debug, Args)]
pub struct CaptureHeap {
    /// pid, process name, host:port or ws://… of an inspector
    pub target: String,
    /// File to write; never overwritten
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Capture even where it could kill the target
    #[arg(long)]
    pub force: bool,
    /// Refuse a longer pause [default: 60s]
    #[arg(long, value_name = "TIME", default_value = "60s", hide_default_value = true, value_parser = duration)]
    pub max_pause: Duration,
}

/// `analyze`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  leakhound analyze baseline.heapsnapshot target.heapsnapshot final.heapsnapshot\n  \
    leakhound analyze leakhound-server.js-4711-20260101T120000Z/"
)]
pub struct Analyze {
    /// Snapshots in order of time, at most one .heapprofile; or a hunt's folder
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Write report.html, report.md and verdict.json into DIR
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Exit 1 on a leak: medium, high or certain
    #[arg(long, value_enum, value_name = "CONFIDENCE", hide_possible_values = true)]
    pub fail_on: Option<FailOn>,
}

/// The rules that sizes and retainers follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ModelChoice {
    /// What the garbage collector keeps, and nothing else.
    #[default]
    Gc,
    /// Number for number what Chrome DevTools shows.
    Devtools,
}

/// What a view looks at, and how.
#[derive(Clone, Copy, Debug, Args)]
pub struct Viewing {
    /// gc (default): true reachability; devtools: Chrome's numbers
    #[arg(
        long,
        value_enum,
        value_name = "MODEL",
        default_value = "gc",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub model: ModelChoice,
    /// At most N rows, 0 for all [default: 30, all with --json]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// `summary`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  leakhound summary heap.heapsnapshot --model devtools\n  \
    leakhound summary heap.heapsnapshot --filter '^Session$' --sort count\n  \
    leakhound summary heap.heapsnapshot --by package")]
pub struct Summary {
    /// The snapshot
    pub file: PathBuf,
    /// How it is seen.
    #[command(flatten)]
    pub viewing: Viewing,
    /// Order: retained (default), shallow, count, distance or name
    #[arg(
        long,
        value_enum,
        value_name = "COLUMN",
        default_value = "retained",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub sort: Sort,
    /// Rows: class (default), location, package or shape (hidden class)
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value = "class",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub by: By,
    /// Only rows whose name matches this regular expression
    #[arg(long, value_name = "REGEX", value_parser = regex)]
    pub filter: Option<Regex>,
    /// contexts, detached, console, event-handlers, duplicated-strings
    #[arg(long, value_enum, value_name = "WHAT", hide_possible_values = true)]
    pub only: Option<Only>,
    /// Shallow sizes only: several times faster
    #[arg(long)]
    pub shallow: bool,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the groups' own names")]
pub enum By {
    Class,
    Location,
    Package,
    Shape,
}

/// Objects that a table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "what keeps them is the name")]
pub enum Only {
    Contexts,
    Detached,
    Console,
    EventHandlers,
    DuplicatedStrings,
}

/// Columns that a table can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the columns' own names")]
pub enum Sort {
    Retained,
    Shallow,
    Count,
    Distance,
    Name,
}

/// `statistics`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  leakhound statistics heap.heapsnapshot\n  \
    leakhound statistics heap.heapsnapshot --model devtools --json")]
pub struct Statistics {
    /// The snapshot
    pub file: PathBuf,
    /// gc (default): true reachability; devtools: Chrome's numbers
    #[arg(
        long,
        value_enum,
        value_name = "MODEL",
        default_value = "gc",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub model: ModelChoice,
}

/// `object`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  leakhound object heap.heapsnapshot @12345 --explain\n  \
    leakhound object heap.heapsnapshot 12345 --model devtools --limit 0")]
pub struct Object {
    /// The snapshot
    pub file: PathBuf,
    /// The object's id, as in @12345
    #[arg(value_parser = leakhound_workbench::explore::object_id)]
    pub id: u32,
    /// How it is seen.
    #[command(flatten)]
    pub viewing: Viewing,
    /// Say which rule made each number; list every incoming edge
    #[arg(long)]
    pub explain: bool,
}

/// How much of a tree is shown.
#[derive(Clone, Copy, Debug, Args)]
pub struct Branching {
    /// gc (default): true reachability; devtools: Chrome's numbers
    #[arg(
        long,
        value_enum,
        value_name = "MODEL",
        default_value = "gc",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub model: ModelChoice,
    /// Levels
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub depth: u16,
    /// Branches of each object
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

/// `retainers`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  leakhound retainers heap.heapsnapshot @12345\n  \
    leakhound retainers heap.heapsnapshot 12345 --depth 10 --limit 2")]
pub struct Retainers {
    /// The snapshot
    pub file: PathBuf,
    /// The object's id, as in @12345
    #[arg(value_parser = leakhound_workbench::explore::object_id)]
    pub id: u32,
    /// How much is shown.
    #[command(flatten)]
    pub branching: Branching,
}

/// `paths`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "For an object: the shortest path through each of its retainers. For a class: the shortest\n\
    paths to all of its objects, merged as far as they are the same.\n\n\
    Examples:\n  leakhound paths heap.heapsnapshot @12345\n  \
    leakhound paths heap.heapsnapshot --class Session --depth 12"
)]
pub struct Paths {
    /// The snapshot
    pub file: PathBuf,
    /// The object's id, as in @12345
    #[arg(value_parser = leakhound_workbench::explore::object_id, required_unless_present = "class", conflicts_with = "class")]
    pub id: Option<u32>,
    /// All objects of this class instead
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    /// gc (default): true reachability; devtools: Chrome's numbers
    #[arg(
        long,
        value_enum,
        value_name = "MODEL",
        default_value = "gc",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub model: ModelChoice,
    /// Levels of a class's tree
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub depth: u16,
    /// Paths to an object; branches of a class's tree
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

/// `search`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  leakhound search heap.heapsnapshot '^Session$' --in names\n  \
    leakhound search heap.heapsnapshot 'eyJ[A-Za-z0-9_-]+' --in strings")]
pub struct Search {
    /// The snapshot
    pub file: PathBuf,
    /// A regular expression
    #[arg(value_parser = regex)]
    pub pattern: Regex,
    /// Where: names, strings or properties [default: everywhere]
    #[arg(long = "in", value_enum, value_name = "WHERE", hide_possible_values = true)]
    pub within: Option<Within>,
    /// How it is seen.
    #[command(flatten)]
    pub viewing: Viewing,
}

/// Where a text may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the places' own names")]
pub enum Within {
    Names,
    Strings,
    Properties,
}

/// `dominators`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  leakhound dominators heap.heapsnapshot\n  \
    leakhound dominators heap.heapsnapshot @12345 --depth 2 --limit 20")]
pub struct Dominators {
    /// The snapshot
    pub file: PathBuf,
    /// The object's id, as in @12345 [default: the root]
    #[arg(value_parser = leakhound_workbench::explore::object_id)]
    pub id: Option<u32>,
    /// How much is shown.
    #[command(flatten)]
    pub branching: Branching,
}

/// `strings`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "V8 writes the first 1,024 units of a string; longer ones that begin alike count as one text\n\
    only when their sizes are equal, and are marked.\n\n\
    Examples:\n  leakhound strings heap.heapsnapshot\n  leakhound strings heap.heapsnapshot --limit 100"
)]
pub struct Strings {
    /// The snapshot
    pub file: PathBuf,
    /// At most N rows, 0 for all [default: 30, all with --json]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// `diff`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Within one process objects are told apart by their ids; between processes classes are compared.\n\
    Which it is, the ids say. With more than two files, rows compare the first with the last.\n\n\
    Examples:\n  leakhound diff before.heapsnapshot after.heapsnapshot --grown\n  \
    leakhound diff 1.heapsnapshot 2.heapsnapshot 3.heapsnapshot --model devtools --limit 0"
)]
pub struct Diff {
    /// The oldest snapshot
    pub older: PathBuf,
    /// The newer ones
    #[arg(required = true)]
    pub newer: Vec<PathBuf>,
    /// How they are seen.
    #[command(flatten)]
    pub viewing: Viewing,
    /// identity (one process) or class (several) [default: the ids say]
    #[arg(long, value_enum, value_name = "HOW", hide_possible_values = true)]
    pub by: Option<DiffHow>,
    /// Also objects in both that keep more alive in the newer one
    #[arg(long)]
    pub grown: bool,
    /// Only classes whose name matches this regular expression
    #[arg(long, value_name = "REGEX", value_parser = regex)]
    pub filter: Option<Regex>,
}

/// How objects are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the ways' own names")]
pub enum DiffHow {
    Identity,
    Class,
}

/// `containment`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  leakhound containment heap.heapsnapshot\n  \
    leakhound containment heap.heapsnapshot @12345 --depth 2 --limit 20")]
pub struct Containment {
    /// The snapshot
    pub file: PathBuf,
    /// The object's id, as in @12345 [default: the root]
    #[arg(value_parser = leakhound_workbench::explore::object_id)]
    pub id: Option<u32>,
    /// How much is shown.
    #[command(flatten)]
    pub branching: Branching,
}

/// `retained-set`.
#[derive(Debug, Args)]
#[command(after_long_help = "Everything that the roots reach through the selected objects only.\n\n\
    Examples:\n  leakhound retained-set heap.heapsnapshot @12345 @12399\n  \
    leakhound retained-set heap.heapsnapshot --class '^Session$'")]
pub struct RetainedSet {
    /// The snapshot
    pub file: PathBuf,
    /// Objects, as in @12345
    #[arg(value_name = "ID", value_parser = leakhound_workbench::explore::object_id, required_unless_present = "class")]
    pub ids: Vec<u32>,
    /// All objects of the classes whose name matches, too
    #[arg(long, value_name = "REGEX", value_parser = regex)]
    pub class: Option<Regex>,
    /// How it is seen.
    #[command(flatten)]
    pub viewing: Viewing,
}

/// `roots`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  leakhound roots heap.heapsnapshot\n  \
    leakhound roots heap.heapsnapshot --json | jq '.roots[0]'")]
pub struct Roots {
    /// The snapshot
    pub file: PathBuf,
    /// How it is seen.
    #[command(flatten)]
    pub viewing: Viewing,
}

/// `closures`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  leakhound closures heap.heapsnapshot\n  \
    leakhound closures heap.heapsnapshot --limit 5 --json")]
pub struct Closures {
    /// The snapshot
    pub file: PathBuf,
    /// How it is seen.
    #[command(flatten)]
    pub viewing: Viewing,
}

/// `contexts`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  leakhound contexts heap.heapsnapshot\n  \
    leakhound contexts heap.heapsnapshot --limit 5 --json")]
pub struct Contexts {
    /// The snapshot
    pub file: PathBuf,
    /// How it is seen.
    #[command(flatten)]
    pub viewing: Viewing,
}

/// `traces`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "V8 writes stacks only while allocations are recorded (.heaptimeline, or a snapshot taken meanwhile).\n\n\
    Examples:\n  leakhound traces recording.heaptimeline\n  \
    leakhound traces recording.heaptimeline --class '^Session$' --depth 10"
)]
pub struct Traces {
    /// The snapshot
    pub file: PathBuf,
    /// Only objects of the classes whose name matches
    #[arg(long, value_name = "REGEX", value_parser = regex)]
    pub class: Option<Regex>,
    /// How much is shown.
    #[command(flatten)]
    pub branching: Branching,
}

/// `timeline`.
#[derive(Debug, Args)]
#[command(after_long_help = "V8 writes its clock only while allocations are recorded.\n\n\
    Examples:\n  leakhound timeline recording.heaptimeline\n  \
    leakhound timeline recording.heaptimeline --model devtools --json")]
pub struct Timeline {
    /// The snapshot
    pub file: PathBuf,
    /// How it is seen.
    #[command(flatten)]
    pub viewing: Viewing,
}

/// A regular expression.
fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| error.to_string())
}

/// `guard`.
#[derive(Debug, Args)]
pub struct Guard {
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `demo`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Needs `node` on PATH. The server's source and the evidence stay, in folders called leakhound-…\n\n\
    Examples:\n  leakhound demo\n  leakhound demo --for 30s --out /tmp"
)]
pub struct Demo {
    /// Watch for this long
    #[arg(long = "for", value_name = "TIME", default_value = "16s", value_parser = duration)]
    pub duration: Duration,
    /// Make the evidence folder in DIR
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `90`, `90s`, `5m`, `500ms`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let scale = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("use a number with ms, s, m or h, for example 90s".into()),
    };
    number
        .parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number * scale).ok())
        .filter(|duration| !duration.is_zero() && *duration <= Duration::from_secs(7 * 86_400))
        .ok_or_else(|| "use a positive time of at most a week, for example 90s".into())
}

/// `64MB`, `64MiB`, `1.5G`, `4096`: binary units.
fn size(text: &str) -> Result<u64, String> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1024.0 * 1024.0,
        "g" | "gb" | "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err("use a number with KB, MB or GB, for example 64MB".into()),
    };
    number
        .parse::<f64>()
        .ok()
        .map(|number| (number * scale) as u64)
        .filter(|&bytes| bytes > 0)
        .ok_or_else(|| "use a positive size, for example 64MB".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_and_sizes_are_read() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(duration("-3s").is_err() && duration("0").is_err() && duration("9e99h").is_err());
        assert_eq!(size("64MB"), Ok(64 << 20));
        assert_eq!(size("1.5k"), Ok(1536));
        assert!(size("many").is_err() && size("0").is_err());
    }
}
