//! What a heap snapshot will cost the target, and whether it can afford it.
//!
//! V8 builds the snapshot's graph in native memory beside the heap, at a cost per *node*, not per heap byte:
//! 0.01 times the heap for long strings, 6 times for records with strings, 13 times for small objects. The
//! coefficients are measured on Node 18 to 26 (`docs`: capture, section 4.1). The number of nodes is not
//! known before, so that every figure is a range; the policy uses the high end.
//!
//! One long array, or one large `Map`, `Set` or dictionary, makes it dearer still: V8 names each of its slots
//! and keeps a buffer of a kibibyte for every name. A `Map` of 250,000 entries in a heap of 23 MB needs 700 MB.
//! Such tables lie in the large object space, whose size therefore bounds the number of names.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::cgroup::CgroupMemory;
use crate::runtime::RuntimeFacts;

/// Heap bytes per node of small objects: as dense as heaps get.
const DENSE: f64 = 33.0;
/// Of ordinary service heaps, between the measured shapes.
const ORDINARY: f64 = 60.0;
/// Of records with strings of a few hundred bytes.
const SPARSE: f64 = 94.0;
/// Node's own heap has about this many nodes whatever the program does.
const FLOOR: f64 = 40_000.0;
/// A `.heapsnapshot` has about this many bytes per node, strings included.
const FILE_PER_NODE: f64 = 75.0;
/// The same where nodes have many edges.
const FILE_PER_NODE_MOST: f64 = 112.0;
/// Bytes that V8 keeps for the name of one slot: its formatting buffer and a table's entry.
const NAME: f64 = 1150.0;
/// Microseconds that it takes to make one.
const NAME_MICROS: f64 = 2.0;
/// Bytes of a slot in a table.
const SLOT: f64 = 8.0;
/// More slots in use than this per node is not seen: a key and a value count for themselves.
const NAMES_PER_NODE: f64 = 1.5;
/// Room for what was not measured.
const MARGIN: f64 = 1.1;

/// A figure that is known only within bounds.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
pub struct Range<T> {
    /// Few, large objects.
    pub low: T,
    /// An ordinary service.
    pub likely: T,
    /// Nothing but small objects.
    pub high: T,
}

/// The expected cost of one heap snapshot through the inspector.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SnapshotEstimate {
    /// Nodes in the snapshot.
    pub nodes: Range<u64>,
    /// Seconds for which the target's main thread stands still, on a whole core.
    pub pause_seconds: Range<f64>,
    /// Bytes by which the target's resident set grows at the peak.
    pub extra_bytes: Range<u64>,
    /// Bytes of the file.
    pub file_bytes: Range<u64>,
}

/// (first major, native bytes per dense node, per sparse node, microseconds per node)
const COEFFICIENTS: [(u32, f64, f64, f64); 4] =
    [(26, 470.0, 650.0, 3.0), (24, 470.0, 650.0, 3.0), (20, 465.0, 610.0, 3.2), (0, 465.0, 610.0, 22.0)];

/// Estimates from a target's facts; costs nothing.
pub fn estimate(facts: &RuntimeFacts) -> SnapshotEstimate {
    let (_, dense, sparse, micros) = COEFFICIENTS
        .into_iter()
        .find(|(first, ..)| facts.major() >= *first)
        .unwrap_or((0, 465.0, 650.0, 22.0));
    // A large object is one node. Its slots may still be edges, which the high end pays for below.
    let large = facts.used_in(|name| name.contains("large_object")) as f64;
    let used = facts.memory.heap_used.max(facts.used_in(|_| true)) as f64;
    let countable = (used - large).max(0.0);
    let nodes = Range {
        low: (countable / SPARSE / 2.0).max(FLOOR),
        likely: (countable / ORDINARY).max(FLOOR),
        high: (countable / DENSE).max(FLOOR),
    };
    // A slot has a name if it refers to something. Much more large space than that is text or numbers.
    let slots = large / SLOT;
    let names = Range {
        low: 0.0,
        likely: if slots > nodes.high * NAMES_PER_NODE { 0.0 } else { slots.min(nodes.likely) / 2.0 },
        high: slots.min(nodes.high * NAMES_PER_NODE),
    };
    let extra = Range {
        low: nodes.low * dense,
        likely: nodes.likely * (dense + sparse) / 2.0 + names.likely * NAME,
        // The denser the heap the more nodes, the sparser the dearer each: take the worse product.
        high: (nodes.high * dense).max(countable / SPARSE * sparse) * MARGIN + names.high * NAME + large,
    };
    let bytes = |value: f64| value.round() as u64;
    let each = |range: Range<f64>, factor: f64| Range {
        low: bytes(range.low * factor),
        likely: bytes(range.likely * factor),
        high: bytes(range.high * factor),
    };
    SnapshotEstimate {
        nodes: each(nodes, 1.0),
        pause_seconds: Range {
            low: nodes.low * micros * 0.5e-6,
            likely: (nodes.likely * micros + names.likely * NAME_MICROS) * 1e-6,
            high: (nodes.high * micros * MARGIN + names.high * NAME_MICROS) * 1e-6,
        },
        extra_bytes: each(extra, 1.0),
        file_bytes: Range {
            low: bytes(nodes.low * FILE_PER_NODE),
            likely: bytes(nodes.likely * FILE_PER_NODE),
            high: bytes(nodes.high * FILE_PER_NODE_MOST),
        },
    }
}

/// The room a target has, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Headroom {
    /// The limit that would kill it; `None` when there is none or it is not known.
    pub limit: Option<u64>,
    /// Used of that limit.
    pub used: Option<u64>,
    /// What is left until the limit, or of the machine's memory if that is less.
    pub available: Option<u64>,
    /// Free disk space where the file goes.
    pub free_disk: Option<u64>,
}

impl Headroom {
    /// Measures a local process's headroom, and the disk's below `directory`.
    pub fn of(pid: i32, directory: Option<&Path>) -> Self {
        let memory = CgroupMemory::of(pid);
        let machine = machine_available();
        let available = match (memory.available(), machine) {
            (Some(group), Some(machine)) => Some(group.min(machine)),
            (group, machine) => group.or(machine),
        };
        Self { limit: memory.limit, used: memory.used, available, free_disk: directory.and_then(free_disk) }
    }

    /// What a target that is not on this machine says about itself: less exact, since its page cache is
    /// unknown.
    pub fn reported(facts: &RuntimeFacts, directory: Option<&Path>) -> Self {
        let limit = facts.constrained_memory;
        Self {
            limit,
            used: limit.map(|_| facts.memory.rss),
            available: limit.map(|limit| limit.saturating_sub(facts.memory.rss)),
            free_disk: directory.and_then(free_disk),
        }
    }
}

/// Bytes free for us on the file system of a directory.
pub(crate) fn free_disk(directory: &Path) -> Option<u64> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let stat = rustix::fs::statvfs(directory).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

fn machine_available() -> Option<u64> {
    use procfs::Current;
    procfs::Meminfo::current().ok()?.mem_available
}

/// What the user is willing to bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tolerance {
    /// The longest expected pause; 60 s unless told otherwise.
    pub max_pause: Duration,
}

impl Tolerance {
    /// A tolerance for that long a pause.
    pub fn pause(max_pause: Duration) -> Self {
        Self { max_pause }
    }
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { max_pause: Duration::from_secs(60) }
    }
}

/// Why a snapshot was refused.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[error("{reason}")]
#[non_exhaustive]
pub struct Refusal {
    /// One sentence with the figures in it.
    pub reason: String,
    /// The estimate that led to it.
    pub estimate: SnapshotEstimate,
    /// The room there is.
    pub headroom: Headroom,
    /// What can be done instead.
    pub alternatives: Vec<String>,
}

/// The policy's answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// Go ahead; what to tell the user before.
    Allowed {
        /// Sentences.
        warnings: Vec<String>,
    },
    /// Do not.
    Refused(Box<Refusal>),
}

impl Decision {
    /// The refusal as an error.
    ///
    /// # Errors
    /// [`CaptureError::Refused`](crate::CaptureError::Refused).
    pub fn into_result(self) -> Result<Vec<String>, crate::CaptureError> {
        match self {
            Self::Allowed { warnings } => Ok(warnings),
            Self::Refused(refusal) => Err(crate::CaptureError::Refused(refusal)),
        }
    }
}

/// Decides whether a snapshot is safe. Refuses what could kill the target by memory, fill the disk, or pause
/// longer than tolerated; unknown headroom is a warning.
pub fn policy(estimate: &SnapshotEstimate, headroom: &Headroom, tolerance: &Tolerance) -> Decision {
    let refuse = |reason: String, more: &str| {
        let mut alternatives = vec![
            "hunt it with --sampling-only: sampled allocations need no extra memory and no long pause"
                .to_owned(),
        ];
        if !more.is_empty() {
            alternatives.push(more.to_owned());
        }
        Decision::Refused(Box::new(Refusal {
            reason,
            estimate: *estimate,
            headroom: *headroom,
            alternatives,
        }))
    };
    let need = estimate.extra_bytes;
    if let Some(available) = headroom.available
        && need.high > available
    {
        let limit =
            headroom.limit.map(|limit| format!(" of its limit of {}", size(limit))).unwrap_or_default();
        let reason = format!(
            "it could need {} more memory (likely {}) and {}{limit} are left",
            size(need.high),
            size(need.likely),
            size(available)
        );
        return refuse(reason, "raise the container's memory limit for the time of the capture");
    }
    if let Some(free) = headroom.free_disk
        && estimate.file_bytes.high > free
    {
        let reason =
            format!("the file could have {} and {} are free", size(estimate.file_bytes.high), size(free));
        return refuse(reason, "write to a larger disk");
    }
    let tolerated = tolerance.max_pause.as_secs_f64();
    if estimate.pause_seconds.likely > tolerated {
        let reason = format!(
            "it would stop the process for about {} and {} are tolerated",
            time(estimate.pause_seconds.likely),
            time(tolerated)
        );
        return refuse(reason, "take the process out of its load balancer and allow a longer pause");
    }
    let mut warnings = Vec::new();
    if headroom.available.is_none() {
        warnings.push(format!(
            "the target's memory limit is not known; the snapshot could need {}",
            size(need.high)
        ));
    }
    if estimate.pause_seconds.likely >= 1.0 || estimate.pause_seconds.high >= 5.0 {
        warnings.push(format!(
            "the process may stand still for up to {}; health checks may fail",
            time(estimate.pause_seconds.high)
        ));
    }
    Decision::Allowed { warnings }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 10.0 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1000.0 {
            return if value < 10.0 && unit != "B" {
                format!("{value:.1} {unit}")
            } else {
                format!("{value:.0} {unit}")
            };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{HeapSpace, MemorySample};

    const MB: u64 = 1 << 20;

    fn facts(version: &str, used: u64, large: u64) -> RuntimeFacts {
        let space = |name: &str, used| HeapSpace { name: name.to_owned(), used, size: used };
        RuntimeFacts {
            version: version.to_owned(),
            v8: String::new(),
            pid: 1,
            arch: String::new(),
            argv: Vec::new(),
            exec_argv: Vec::new(),
            cwd: String::new(),
            constrained_memory: None,
            spaces: vec![space("old_space", used - large), space("large_object_space", large)],
            memory: MemorySample { heap_used: used, ..MemorySample::default() },
        }
    }

    #[test]
    fn the_high_end_covers_every_measured_run() {
        // Version, heap MB, extra MB, CPU seconds (0: not measured), file MB; capture, section 4.1.
        let runs = [
            ("v20.20.2", 95, 1234, 7.5, 179),
            ("v20.20.2", 277, 3613, 27.5, 534),
            ("v20.20.2", 927, 11258, 82.5, 1832),
            ("v20.20.2", 93, 598, 3.6, 66),
            ("v20.20.2", 970, 5970, 44.3, 697),
            ("v18.20.8", 94, 1192, 57.0, 177),
            ("v22.23.3", 96, 1183, 7.2, 182),
            ("v24.21.0", 96, 1054, 4.1, 166),
            ("v26.10.0", 90, 1034, 4.6, 155),
            ("v26.10.0", 94, 643, 2.7, 64),
        ];
        for (version, heap, extra, cpu, file) in runs {
            let estimate = estimate(&facts(version, heap * MB, 0));
            let name = format!("{version} {heap} MB");
            assert!(estimate.extra_bytes.high >= extra * MB, "{name}: {:?}", estimate.extra_bytes);
            assert!(estimate.extra_bytes.high <= extra * MB * 3, "{name}: {:?}", estimate.extra_bytes);
            assert!(estimate.extra_bytes.low <= extra * MB, "{name}: {:?}", estimate.extra_bytes);
            assert!(estimate.pause_seconds.high >= cpu, "{name}: {:?}", estimate.pause_seconds);
            assert!(estimate.file_bytes.high >= file * MB, "{name}: {:?}", estimate.file_bytes);
        }
    }

    #[test]
    fn the_high_end_covers_fifteen_million_nodes_on_node_24() {
        // Measured with examples/capture: objects of five nodes each, kept in one large array.
        let estimate = estimate(&facts("v24.21.0", 559_352_000, 50_961_381));
        assert!(estimate.nodes.high >= 15_059_161, "{:?}", estimate.nodes);
        assert!(estimate.extra_bytes.high >= 7_008_096_256, "{:?}", estimate.extra_bytes);
        assert!(estimate.file_bytes.high >= 980_492_806, "{:?}", estimate.file_bytes);
    }

    #[test]
    fn the_high_end_covers_tables_whose_slots_v8_names() {
        // Heap MB, of it in the large object space, extra MB, file MB; one container of small objects each.
        let runs = [
            ("v18.20.8", 12.0, 2.0, 366, 0),      // array of 250,000
            ("v18.20.8", 24.0, 7.3, 701, 0),      // Map of 250,000
            ("v20.20.2", 43.0, 8.6, 1404, 0),     // array of a million
            ("v20.20.2", 105.0, 16.0, 2740, 203), // array of 1.9 million
            ("v20.20.2", 15.0, 5.3, 368, 0),      // Set of 250,000
            ("v20.20.2", 28.0, 12.3, 963, 0),     // dictionary of 250,000
            ("v24.21.0", 24.0, 7.3, 681, 0),
            ("v26.10.0", 24.0, 7.1, 937, 0),
        ];
        for (version, heap, large, extra, file) in runs {
            let bytes = |mb: f64| (mb * MB as f64) as u64;
            let estimate = estimate(&facts(version, bytes(heap), bytes(large)));
            assert!(
                estimate.extra_bytes.high >= extra * MB,
                "{version} {heap} MB: {:?}",
                estimate.extra_bytes
            );
            assert!(
                estimate.extra_bytes.high <= extra * MB * 3,
                "{version} {heap} MB: {:?}",
                estimate.extra_bytes
            );
            assert!(estimate.file_bytes.high >= file * MB, "{version} {heap} MB: {:?}", estimate.file_bytes);
        }
    }

    #[test]
    fn large_objects_cost_next_to_nothing() {
        let estimate = estimate(&facts("v20.20.2", 1000 * MB, 995 * MB));
        assert!(estimate.extra_bytes.likely < 50 * MB, "{:?}", estimate.extra_bytes);
    }

    #[test]
    fn a_sixty_megabyte_heap_in_half_a_gigabyte_is_refused() {
        let estimate = estimate(&facts("v20.20.2", 60 * MB, 0));
        let headroom = Headroom {
            limit: Some(512 * MB),
            used: Some(110 * MB),
            available: Some(402 * MB),
            free_disk: None,
        };
        match policy(&estimate, &headroom, &Tolerance::default()) {
            Decision::Refused(refusal) => {
                assert!(refusal.reason.contains("512 MiB"), "{}", refusal.reason);
                assert!(!refusal.alternatives.is_empty());
            }
            allowed @ Decision::Allowed { .. } => panic!("{allowed:?}"),
        }
    }

    #[test]
    fn room_enough_is_allowed_and_the_pause_is_announced() {
        let estimate = estimate(&facts("v20.20.2", 60 * MB, 0));
        let headroom =
            Headroom { available: Some(4096 * MB), free_disk: Some(u64::MAX), ..Headroom::default() };
        let Decision::Allowed { warnings } = policy(&estimate, &headroom, &Tolerance::default()) else {
            panic!()
        };
        assert!(warnings.iter().any(|warning| warning.contains("stand still")), "{warnings:?}");
    }

    #[test]
    fn a_pause_beyond_the_tolerance_and_a_small_disk_are_refused() {
        let estimate = estimate(&facts("v18.20.8", 300 * MB, 0));
        let roomy = Headroom { available: Some(u64::MAX), ..Headroom::default() };
        assert!(matches!(policy(&estimate, &roomy, &Tolerance::default()), Decision::Refused(_)));
        let patient = Tolerance::pause(Duration::from_secs(3600));
        assert!(matches!(policy(&estimate, &roomy, &patient), Decision::Allowed { .. }));
        let full = Headroom { free_disk: Some(MB), ..roomy };
        assert!(matches!(policy(&estimate, &full, &patient), Decision::Refused(_)));
    }
}
