//! What a diagnosis rests on: the evidence as it comes in.

use std::sync::Arc;

use leakhound_heap::Heap;
use leakhound_profile::AllocationProfile;

/// One heap snapshot of the process, in order of time.
pub struct Snapshot {
    /// The heap.
    pub heap: Heap,
    /// File it was read from, for people.
    pub file: String,
    /// What it stands for: `baseline`, `target`, `final`, `snapshot 4`.
    pub phase: String,
    /// Seconds since the first snapshot; absent for files without times.
    pub seconds: Option<f64>,
    /// Whether the process was under load since the snapshot before; `None` when nobody knows.
    pub load_before: Option<bool>,
}

/// Limits the growth runs into.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// V8's heap limit in bytes.
    pub heap_limit: Option<u64>,
    /// V8 heap used at the end, in bytes.
    pub heap_used: Option<u64>,
    /// The container's memory limit in bytes.
    pub container_limit: Option<u64>,
    /// The container's usage at the end, in bytes.
    pub container_used: Option<u64>,
}

/// Process memory over the hunt, first and last reading in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessMemory {
    /// Resident set size.
    pub rss: (u64, u64),
    /// V8 heap used.
    pub heap_used: (u64, u64),
    /// Memory outside the heap that JavaScript objects account for.
    pub external: (u64, u64),
}

/// Gives source texts and package versions; the pure crates do no I/O.
pub trait Sources {
    /// The text of the script V8 knows by `url` (a path, a `file:` URL, or anything a loader made up).
    fn text(&self, url: &str) -> Option<Arc<str>>;
    /// Version of the npm package that the file at `url` belongs to.
    fn package_version(&self, url: &str) -> Option<String>;
}

/// No sources at hand.
impl Sources for () {
    fn text(&self, _url: &str) -> Option<Arc<str>> {
        None
    }
    fn package_version(&self, _url: &str) -> Option<String> {
        None
    }
}

/// All the evidence about one process.
pub struct Case<'a> {
    /// One snapshot: suspects. Two or more: growth.
    pub snapshots: &'a [Snapshot],
    /// Sampled allocations made after the first snapshot and still alive at the end.
    pub allocations: Option<&'a AllocationProfile>,
    /// Source texts.
    pub sources: &'a dyn Sources,
    /// Limits of the process.
    pub limits: Limits,
    /// Process memory over the hunt.
    pub memory: Option<ProcessMemory>,
}
