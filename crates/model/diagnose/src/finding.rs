//! The words of a verdict: what every face prints, the report draws and `--json` serialises.

use serde::{Deserialize, Serialize};

/// The answer to "does it leak?".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// A holder inside the JavaScript heap grows without bound.
    #[serde(rename = "leak")]
    Leak,
    /// Memory outside the JavaScript heap grows: buffers that JavaScript holds, or native memory.
    #[serde(rename = "off-heap leak")]
    OffHeapLeak,
    /// What grew under load is in-flight work and was released again.
    #[serde(rename = "backlog")]
    Backlog,
    /// Something filled and then stopped growing, or replaces its members.
    #[serde(rename = "bounded")]
    Bounded,
    /// Nothing grew beyond noise.
    #[serde(rename = "no leak")]
    NoLeak,
    /// The evidence does not decide; the report says what to measure next.
    #[serde(rename = "inconclusive")]
    Inconclusive,
}

impl Verdict {
    /// The verdict as JSON and faces spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::OffHeapLeak => "off-heap leak",
            Self::Backlog => "backlog",
            Self::Bounded => "bounded",
            Self::NoLeak => "no leak",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// Whether the verdict accuses something.
    pub fn is_leak(self) -> bool {
        matches!(self, Self::Leak | Self::OffHeapLeak)
    }
}

/// How sure a finding is, from what supports and what could refute it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// One indication only; would not be reported as a leak by itself.
    Low,
    /// Several indications, one of the decisive ones missing.
    Medium,
    /// All indications but one point the same way.
    High,
    /// Identity, growth, holder and allocation evidence agree.
    Certain,
}

impl Confidence {
    /// The confidence as JSON and faces spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Certain => "certain",
        }
    }
}

/// What kind of holder leaks; decides the wording and the advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A Map, Set, Array or plain object that only gains members.
    Collection,
    /// Listeners added to an emitter and never removed.
    Listener,
    /// Timers or intervals never cleared.
    Timer,
    /// A closure's context keeps more than the closure needs.
    ClosureContext,
    /// A chain or list of promises that never settle.
    Promise,
    /// Async resources or async-local stores kept.
    AsyncContext,
    /// Small strings that pin big parents.
    StringSlice,
    /// A linked structure (list, tree) that only grows.
    LinkedStructure,
    /// The same module loaded again and again.
    ModuleDuplicated,
    /// Buffers or other memory outside the JavaScript heap.
    OffHeap,
    /// None of the above.
    Other,
}

/// Where a holder's variable lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// A module's top level.
    Module,
    /// A function's local that closures captured.
    Closure,
    /// A property of the global object.
    Global,
    /// A property of a module's exports.
    Exports,
    /// Inside Node.js itself.
    NodeInternal,
    /// No variable is known.
    Unknown,
}

/// The variable or object whose population grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// Name of the variable nearest above the growing collection; absent when nothing names it.
    pub variable: Option<String>,
    /// Variable and properties down to the collection, as one would write it: `registry.items`.
    pub expression: String,
    /// Class (constructor name) of the object in the variable.
    pub class: String,
    /// Class of the collection that gains members when it is not the variable's own object.
    pub collection: Option<String>,
    /// Where the variable lives.
    pub scope: Scope,
    /// Stable object id (`@id`) of the holder in the last snapshot.
    pub object_id: u64,
    /// File that declares the variable: a path, or the URL V8 knows.
    pub file: Option<String>,
    /// 1-based line of the declaration.
    pub line: Option<u32>,
    /// 1-based column of the declaration.
    pub column: Option<u32>,
    /// The source line, trimmed.
    pub source: Option<String>,
    /// `name@version` when the file belongs to an npm package.
    pub package: Option<String>,
}

/// The statement that adds to the holder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GrowsAt {
    /// File of the statement.
    pub file: String,
    /// 1-based line of the statement.
    pub line: u32,
    /// 1-based column, when known.
    pub column: Option<u32>,
    /// The function the statement stands in; absent at module level.
    pub function: Option<String>,
    /// The source line, trimmed.
    pub source: Option<String>,
    /// Share (0 to 1) of the sampled live growth allocated below that function.
    pub share_of_sampled_growth: Option<f64>,
    /// `name@version` when the file belongs to an npm package.
    pub package: Option<String>,
}

/// Population and bytes of a holder in one snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PopulationPoint {
    /// Seconds since the first snapshot; absent for files without times.
    pub seconds: Option<f64>,
    /// Members of the growing collection(s).
    pub members: u64,
    /// Bytes retained by the holder (gc model, bytes outside the heap included).
    pub retained_bytes: u64,
}

/// How much a holder grew between the first and the last snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Class of most of the members that were added.
    pub member_class: String,
    /// Members of that class added and still alive.
    pub members: u64,
    /// All objects added below the holder and still alive.
    pub objects: u64,
    /// Bytes added below the holder, on and off the heap.
    pub bytes: u64,
    /// The part of `bytes` outside the JavaScript heap (array buffers).
    pub external_bytes: u64,
    /// Seconds over which it grew; absent for files without times.
    pub seconds: Option<f64>,
    /// `bytes / seconds`.
    pub bytes_per_second: Option<f64>,
    /// One point a snapshot.
    pub series: Vec<PopulationPoint>,
}

/// When a limit is reached if growth goes on like this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunsOut {
    /// Which limit: `heap limit` or `container limit`.
    pub limit: String,
    /// The limit in bytes.
    pub limit_bytes: u64,
    /// Seconds until it is reached.
    pub seconds: f64,
}

/// One hop of the path from a root to the holder and on to a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathStep {
    /// The edge that leads here, as source would write it: `.items`, `[3]`, `variable responseCache`.
    pub edge: String,
    /// Class name of the object reached.
    pub class: String,
    /// Stable object id, `0` for synthetic roots.
    pub object_id: u64,
    /// Whether the holder is this step.
    pub is_holder: bool,
}

/// Objects of one class below a holder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassGrowth {
    /// Class name.
    pub class: String,
    /// Objects in the first and in the last snapshot.
    pub count_before: u64,
    /// Objects in the last snapshot.
    pub count_after: u64,
    /// Shallow bytes in the first snapshot.
    pub bytes_before: u64,
    /// Shallow bytes in the last snapshot.
    pub bytes_after: u64,
}

/// One frame of an allocation stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StackFrame {
    /// Function name, `(anonymous)` when it has none.
    pub function: String,
    /// URL or path of the script, empty for built-ins.
    pub file: String,
    /// 1-based line where the function starts, 0 for built-ins.
    pub line: u32,
    /// 1-based column where the function starts, 0 for built-ins.
    pub column: u32,
}

/// A stack that allocated memory that is still alive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllocationSite {
    /// Live bytes (V8's estimate from its samples).
    pub bytes: u64,
    /// Share (0 to 1) of all sampled live growth.
    pub share: f64,
    /// Innermost frame first.
    pub frames: Vec<StackFrame>,
}

/// One reason for or against a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// `true`: supports the finding; `false`: speaks against it or limits it.
    pub supports: bool,
    /// A sentence for people.
    pub text: String,
}

/// A holder that grows, with everything that is known about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable fingerprint of the holder (normalised path), the same in the next deploy.
    pub id: String,
    /// The kind of leak.
    pub kind: FindingKind,
    /// How sure.
    pub confidence: Confidence,
    /// One line: `responseCache (Map) grows without bound`.
    pub title: String,
    /// Who holds the memory.
    pub holder: Holder,
    /// Which statement adds to it.
    pub grows_at: Option<GrowsAt>,
    /// How much, how fast.
    pub growth: Growth,
    /// Time to the nearest limit.
    pub runs_out: Option<RunsOut>,
    /// From a root to the holder and on to a typical member.
    pub path: Vec<PathStep>,
    /// What accumulates below the holder, largest growth first.
    pub classes: Vec<ClassGrowth>,
    /// Who allocates it, largest first.
    pub allocations: Vec<AllocationSite>,
    /// What supports the finding and what limits it.
    pub evidence: Vec<Evidence>,
    /// What to do next.
    pub advice: Vec<String>,
}

/// A holder that looked like growth and is not a leak.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundedHolder {
    /// Who it is.
    pub holder: Holder,
    /// Why it is excused: `bounded at 200, replaces its members`.
    pub reason: String,
    /// One point a snapshot.
    pub series: Vec<PopulationPoint>,
}

/// Totals of one snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SnapshotTotals {
    /// File the snapshot was read from.
    pub file: String,
    /// What it stands for: `baseline`, `target`, `final`, or `snapshot 4`.
    pub phase: String,
    /// Seconds since the first snapshot; absent when unknown.
    pub seconds: Option<f64>,
    /// Nodes in the heap.
    pub nodes: u64,
    /// Edges in the heap.
    pub edges: u64,
    /// Sum of all self sizes (bytes).
    pub total_bytes: u64,
    /// The part outside the JavaScript heap (array buffers and other native nodes).
    pub native_bytes: u64,
}

/// Everything the evidence says: the value that `analyze` and `hunt` are about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The answer.
    pub verdict: Verdict,
    /// How sure.
    pub confidence: Confidence,
    /// One sentence.
    pub headline: String,
    /// Which model the sizes follow: `gc`.
    pub model: String,
    /// Strongest first.
    pub findings: Vec<Finding>,
    /// Looked at and excused.
    pub bounded: Vec<BoundedHolder>,
    /// Classes by growth over the whole heap, largest first.
    pub classes: Vec<ClassGrowth>,
    /// One entry a snapshot, in order of time.
    pub snapshots: Vec<SnapshotTotals>,
    /// What the evidence cannot prove, what was lost.
    pub warnings: Vec<String>,
    /// What to measure next (always present when inconclusive).
    pub next_steps: Vec<String>,
}
