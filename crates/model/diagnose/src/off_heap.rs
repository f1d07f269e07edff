//! Memory that grows outside the JavaScript heap without a holder in it.

use crate::case::Case;
use crate::write::bytes;

/// Less growth than this is the allocator's ordinary breathing.
const LEAST: u64 = 32 << 20;

/// A headline and what to look at next.
pub(crate) struct NativeGrowth {
    pub(crate) headline: String,
    pub(crate) next_steps: Vec<String>,
}

/// Compares process memory with what the heap explains. `grown` is the growth inside the heap.
pub(crate) fn native_growth(case: &Case<'_>, grown: u64) -> Option<NativeGrowth> {
    let memory = case.memory?;
    let delta = |(from, to): (u64, u64)| to.saturating_sub(from);
    let external = delta(memory.external);
    if external >= LEAST && external > 4 * grown {
        return Some(NativeGrowth {
            headline: format!(
                "{} more memory outside the heap (Buffers), without a growing holder",
                bytes(external)
            ),
            next_steps: vec!["hunt longer: the holder of the Buffers did not stand out from noise".into()],
        });
    }
    let unexplained = delta(memory.rss).saturating_sub(delta(memory.heap_used) + external);
    if unexplained >= 4 * LEAST && unexplained > 4 * (grown + external) {
        return Some(NativeGrowth {
            headline: format!("resident memory grew by {} that neither heap nor Buffers explain", bytes(unexplained)),
            next_steps: vec![
                "native memory grows: look at native add-ons, and try MALLOC_ARENA_MAX=2 or another allocator".into(),
                "hunt longer: a heap that has just grown keeps resident pages for a while".into(),
            ],
        });
    }
    None
}
