//! What an allocation recording adds to a snapshot. `traces`: the stacks that allocated what is alive.
//! `timeline`: when it was allocated.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use leakhound_heap::format::Traces;
use leakhound_heap::query::{TraceTotal, TraceTotals};
use leakhound_heap::{Heap, Model, NodeId};
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{Dump, Exploration};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError, names};

/// What is asked of `traces`.
#[derive(Clone, Debug)]
pub struct TracesOptions {
    /// The dump.
    pub file: PathBuf,
    /// The rules.
    pub model: Model,
    /// Only objects of the classes whose name matches.
    pub class: Option<Regex>,
    /// Levels of the tree of stacks.
    pub depth: usize,
    /// Functions, and branches of the tree.
    pub limit: usize,
}

/// `leakhound.traces/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TracesView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// Functions that allocated, before the limit.
    pub matching: u64,
    /// Functions that allocated, by what is alive of it.
    pub functions: Vec<AllocatorView>,
    /// Objects alive that have no stack: born before the recording, or V8 has lost it (some releases lose
    /// those of objects that move).
    pub untraced_count: u64,
    /// Bytes of these.
    pub untraced_size: u64,
    /// The stacks, from the outermost function inwards.
    pub stacks: Vec<StackView>,
}

/// What was allocated in one function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AllocatorView {
    /// Name of the function.
    pub function: String,
    /// `file:line:column`, counting from 1.
    pub location: Option<String>,
    /// Objects alive.
    pub live_count: u64,
    /// Bytes alive: shallow sizes.
    pub live_size: u64,
    /// Objects allocated since the recording began; 0 with a class, which V8 does not record.
    pub count: u64,
    /// Bytes allocated.
    pub size: u64,
}

/// One function of a stack, with what it and its callees allocated.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StackView {
    /// The function; sums include what it called.
    #[serde(flatten)]
    pub function: AllocatorView,
    /// How many functions it called that allocated something alive.
    pub callee_count: u64,
    /// Those that allocated most of what is alive.
    pub callees: Vec<StackView>,
}

/// `leakhound.timeline/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TimelineView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// One entry a sample of V8's clock, in order.
    pub buckets: Vec<BucketView>,
    /// Objects born after the last sample, bytes of them: in no bucket.
    pub later_count: u64,
    /// Bytes of these.
    pub later_size: u64,
}

/// What was allocated between two samples and is alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketView {
    /// When the bucket ends, in microseconds of the recording.
    pub timestamp_us: u64,
    /// Objects with ids up to this one.
    pub last_id: u32,
    /// Objects alive.
    pub live_count: u64,
    /// Bytes alive: shallow sizes.
    pub live_size: u64,
}

fn not_recorded(file: &Path, what: &str) -> WorkbenchError {
    WorkbenchError::usage(
        format!("look for {what} in {}", file.display()),
        format!("it has no {what}: V8 writes them only while allocations are recorded"),
        "record with HeapProfiler.startTrackingHeapObjects({trackAllocations: true}), or in Chrome DevTools: \
         Memory, \"Allocations on timeline\" with stacks",
    )
}

/// Lists what allocated, by what of it is alive.
///
/// # Errors
/// When the dump cannot be read or holds no stacks.
pub async fn traces(
    options: TracesOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<TracesView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&options.file, options.model, &cancel, sender)?;
        let (heap, lens) = (exploration.heap(), exploration.lens());
        let Some(traces) = heap.traces().filter(|traces| !traces.nodes.is_empty()) else {
            return Err(not_recorded(&options.file, "allocation stacks"));
        };
        let matching: Option<Vec<bool>> = options
            .class
            .as_ref()
            .map(|class| exploration.classes().keys().iter().map(|key| class.is_match(&key.name)).collect());
        let counts = |node: NodeId| match &matching {
            Some(matching) => matching[exploration.classes().of(node) as usize],
            None => true,
        };
        let totals = TraceTotals::of(heap, traces, counts, |node| lens.size(heap, node));
        let sizes = lens.sizes(heap);
        let (mut untraced_count, mut untraced_size) = (0, 0);
        for node in heap.nodes().filter(|&node| heap.trace_node(node).is_none() && counts(node)) {
            untraced_count += 1;
            untraced_size += sizes.get(node);
        }
        let stacks = Stacks { heap, traces, totals: &totals, class: options.class.is_some() };
        let mut functions: Vec<AllocatorView> = (0..totals.functions.len())
            .map(|at| stacks.allocator(Some(at as u32), totals.functions[at]))
            .filter(|function| function.live_count > 0 || function.count > 0)
            .collect();
        functions.sort_by_key(|function| Reverse((function.live_size, function.size)));
        let found = functions.len() as u64;
        functions.truncate(options.limit);
        let sums = stacks.sums();
        let roots: Vec<usize> =
            (0..traces.nodes.len()).filter(|&at| traces.nodes[at].parent.is_none()).collect();
        let tops: Vec<usize> = roots.iter().flat_map(|&root| traces.children(root)).collect();
        let tops = if tops.is_empty() { roots } else { tops };
        Ok(TracesView {
            schema: "leakhound.traces/1".into(),
            model: options.model.as_str().into(),
            matching: found,
            functions,
            untraced_count,
            untraced_size,
            stacks: stacks.tree(tops, &sums, options.depth, options.limit).1,
            dump: exploration.dump(),
        })
    })
    .await
}

struct Stacks<'a> {
    heap: &'a Heap,
    traces: &'a Traces,
    totals: &'a TraceTotals,
    /// Whether only some classes count: V8 does not record what it allocated by class.
    class: bool,
}

impl Stacks<'_> {
    fn allocator(&self, function: Option<u32>, total: TraceTotal) -> AllocatorView {
        let strings = self.heap.strings();
        let known = function.and_then(|function| self.traces.functions.get(function as usize));
        let name = known.map_or("(unknown)".into(), |known| strings.get(known.name).into_owned());
        let file =
            known.map(|known| strings.get(known.script_name).into_owned()).filter(|file| !file.is_empty());
        AllocatorView {
            function: if name.is_empty() { "(anonymous)".into() } else { name },
            location: known
                .zip(file)
                .map(|(known, file)| format!("{}:{}:{}", names::file(&file), known.line, known.column)),
            live_count: total.live_count,
            live_size: total.live_size,
            count: if self.class { 0 } else { total.count },
            size: if self.class { 0 } else { total.size },
        }
    }

    /// Of every trace node, what it and all below it allocated.
    fn sums(&self) -> Vec<TraceTotal> {
        let mut sums = self.totals.nodes.clone();
        // Children come behind their parents.
        for at in (0..sums.len()).rev() {
            let own = sums[at];
            if let Some(parent) =
                self.traces.nodes[at].parent.and_then(|parent| sums.get_mut(parent as usize))
            {
                parent.count = parent.count.saturating_add(own.count);
                parent.size = parent.size.saturating_add(own.size);
                parent.live_count += own.live_count;
                parent.live_size += own.live_size;
            }
        }
        sums
    }

    fn tree(
        &self,
        mut nodes: Vec<usize>,
        sums: &[TraceTotal],
        depth: usize,
        limit: usize,
    ) -> (u64, Vec<StackView>) {
        nodes.retain(|&node| sums[node].live_count > 0);
        let count = nodes.len() as u64;
        if depth == 0 {
            return (count, Vec::new());
        }
        nodes.sort_by_key(|&node| Reverse(sums[node].live_size));
        nodes.truncate(limit);
        let views = nodes.into_iter().map(|node| {
            let (callee_count, callees) =
                self.tree(self.traces.children(node).collect(), sums, depth - 1, limit);
            let function = self.allocator(self.traces.nodes[node].function, sums[node]);
            StackView { function, callee_count, callees }
        });
        (count, views.collect())
    }
}

/// Says when what is alive was allocated.
///
/// # Errors
/// When the dump cannot be read or holds no samples of V8's clock.
pub async fn timeline(
    file: PathBuf,
    model: Model,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<TimelineView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&file, model, &cancel, sender)?;
        let (heap, lens) = (exploration.heap(), exploration.lens());
        if heap.samples().is_empty() {
            return Err(not_recorded(&file, "samples of the allocation timeline"));
        }
        let mut buckets: Vec<BucketView> = (heap.samples().iter())
            .map(|sample| BucketView {
                timestamp_us: sample.timestamp_us,
                last_id: sample.last_id,
                live_count: 0,
                live_size: 0,
            })
            .collect();
        let sizes = lens.sizes(heap);
        let (mut later_count, mut later_size) = (0, 0);
        // Only V8's own objects have ids that tell when they were born.
        for node in heap.nodes().filter(|&node| heap.id(node) % 2 == 1) {
            let bucket = leakhound_heap::format::Sample::of(heap.samples(), heap.id(node));
            match bucket.and_then(|at| buckets.get_mut(at)) {
                Some(bucket) => {
                    bucket.live_count += 1;
                    bucket.live_size += sizes.get(node);
                }
                None => {
                    later_count += 1;
                    later_size += sizes.get(node);
                }
            }
        }
        Ok(TimelineView {
            schema: "leakhound.timeline/1".into(),
            model: model.as_str().into(),
            dump: exploration.dump(),
            buckets,
            later_count,
            later_size,
        })
    })
    .await
}
