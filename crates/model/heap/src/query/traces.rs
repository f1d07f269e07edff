//! What the call stacks of an allocation recording still hold.

use rustc_hash::FxHashMap;

use crate::format::Traces;
use crate::graph::{Heap, NodeId};

/// Allocated and still alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceTotal {
    /// Objects allocated.
    pub count: u64,
    /// Bytes allocated.
    pub size: u64,
    /// Objects alive in the snapshot.
    pub live_count: u64,
    /// Bytes of those.
    pub live_size: u64,
}

/// The totals of every trace node and every function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceTotals {
    /// As [`Traces::nodes`].
    pub nodes: Vec<TraceTotal>,
    /// As [`Traces::functions`]; one more at the end for functions that the file does not hold.
    pub functions: Vec<TraceTotal>,
}

impl TraceTotals {
    /// Sums up, with the sizes of a model (`|node| lens.size(&heap, node)`). As DevTools does, a function's
    /// total leaves out trace nodes that allocated nothing themselves.
    pub fn new(heap: &Heap, traces: &Traces, size: impl Fn(NodeId) -> u64) -> Self {
        Self::of(heap, traces, |_| true, size)
    }

    /// The same; of what is alive, only the nodes that count.
    pub fn of(
        heap: &Heap,
        traces: &Traces,
        counts: impl Fn(NodeId) -> bool,
        size: impl Fn(NodeId) -> u64,
    ) -> Self {
        let mut nodes: Vec<TraceTotal> = traces
            .nodes
            .iter()
            .map(|node| TraceTotal { count: node.count, size: node.size, ..TraceTotal::default() })
            .collect();
        let positions: FxHashMap<u32, usize> =
            traces.nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
        for node in heap.nodes().filter(|&node| counts(node)) {
            let position = heap.trace_node(node).and_then(|id| positions.get(&id));
            if let Some(total) = position.and_then(|&at| nodes.get_mut(at)) {
                total.live_count += 1;
                total.live_size += size(node);
            }
        }
        let mut functions = vec![TraceTotal::default(); traces.functions.len() + 1];
        for (node, total) in traces.nodes.iter().zip(&nodes).filter(|(node, _)| node.count > 0) {
            let at = node.function.map_or(traces.functions.len(), |function| function as usize);
            if let Some(sum) = functions.get_mut(at) {
                // Counts come from the file and may be anything.
                sum.count = sum.count.saturating_add(total.count);
                sum.size = sum.size.saturating_add(total.size);
                sum.live_count += total.live_count;
                sum.live_size += total.live_size;
            }
        }
        Self { nodes, functions }
    }
}
