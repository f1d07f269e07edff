//! View models: what faces print and `--json` writes. Faces format them and compute nothing.

// The words of a verdict are part of the view: a face needs no other crate to read one.
pub use leakhound_diagnose::{
    AllocationSite, BoundedHolder, ClassGrowth, Confidence, Diagnosis, Evidence, Finding, FindingKind,
    GrowsAt, Growth, Holder, PathStep, PopulationPoint, RunsOut, Scope, SnapshotTotals, StackFrame, Verdict,
};
use serde::{Deserialize, Serialize};

/// Version of the JSON that `hunt` and `analyze` print; grows only by adding fields.
pub const VERDICT_SCHEMA: &str = "leakhound.verdict/1";

/// The process the verdict is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetView {
    /// Name for people: the script's file name, or the process name.
    pub name: String,
    /// Process id; absent when only files were analysed.
    pub pid: Option<u32>,
    /// Node.js version, `v20.20.2`.
    pub node_version: Option<String>,
    /// V8 version.
    pub v8_version: Option<String>,
    /// Command line.
    pub command: Option<String>,
    /// V8's heap limit in bytes.
    pub heap_limit_bytes: Option<u64>,
    /// Memory limit of the container (cgroup) in bytes; absent when unlimited.
    pub container_limit_bytes: Option<u64>,
}

/// Process memory at one moment of a hunt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MemoryPoint {
    /// Seconds since the hunt began.
    pub seconds: f64,
    /// Resident set size in bytes.
    pub rss_bytes: u64,
    /// V8 heap used in bytes; absent when the runtime was not asked at that moment.
    pub heap_used_bytes: Option<u64>,
    /// Bytes outside the heap that JavaScript holds (`process.memoryUsage().external`).
    pub external_bytes: Option<u64>,
}

/// What taking one snapshot cost the target, against what was expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaptureCost {
    /// `baseline`, `target`, `final`, …
    pub phase: String,
    /// File name inside the evidence folder.
    pub file: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Seconds the target was paused, as seen from outside.
    pub pause_seconds: f64,
    /// Seconds the estimate said.
    pub expected_pause_seconds: Option<f64>,
    /// Growth of the target's peak RSS in bytes.
    pub extra_memory_bytes: Option<u64>,
    /// Bytes the estimate said.
    pub expected_extra_memory_bytes: Option<u64>,
}

/// What `hunt` and `analyze` answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictView {
    /// [`VERDICT_SCHEMA`].
    pub schema: String,
    /// Version of leakhound that wrote it.
    pub leakhound: String,
    /// UTC time of the verdict, RFC 3339.
    pub created: String,
    /// The process.
    pub target: TargetView,
    /// Verdict, confidence, findings, bounded, classes, snapshots, warnings, next_steps.
    #[serde(flatten)]
    pub diagnosis: Diagnosis,
    /// Process memory over the hunt.
    pub memory: Vec<MemoryPoint>,
    /// One entry a snapshot taken.
    pub captures: Vec<CaptureCost>,
    /// Whether part of the evidence was lost (a truncated snapshot); the warnings say what.
    #[serde(default)]
    pub partial: bool,
    /// Folder that holds the evidence and the reports; absent when nothing was kept.
    pub evidence_dir: Option<String>,
}

/// One Node.js process, as `ps` lists it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessView {
    /// Process id.
    pub pid: u32,
    /// Name for people: the script's file name, or the process name.
    pub name: String,
    /// Node.js version, `v20.20.2`; absent when it could not be told from outside.
    pub node_version: Option<String>,
    /// User the process runs as.
    pub user: Option<String>,
    /// Resident set size in bytes.
    pub rss_bytes: u64,
    /// Memory limit of its container (cgroup) in bytes; absent when unlimited.
    pub container_limit_bytes: Option<u64>,
    /// Memory its container uses, in bytes.
    pub container_used_bytes: Option<u64>,
    /// Address of its inspector when one is open: `127.0.0.1:9229`.
    pub inspector: Option<String>,
    /// `ready`, or the reason why leakhound cannot attach.
    pub attach: String,
    /// Seconds a heap snapshot would pause it.
    pub expected_pause_seconds: Option<f64>,
    /// Bytes a heap snapshot would add to its memory.
    pub expected_extra_memory_bytes: Option<u64>,
    /// Threads, V8's and libuv's included.
    pub threads: u32,
    /// Seconds since it started.
    pub uptime_seconds: f64,
    /// Command line.
    pub command: String,
}

impl VerdictView {
    /// Whether something of the evidence was lost, so that the answer may be incomplete.
    pub fn is_partial(&self) -> bool {
        self.partial
    }
}
