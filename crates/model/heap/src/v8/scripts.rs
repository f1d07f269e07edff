//! From a script id or a closure to `file:line:column`, from the dump alone.

use rustc_hash::FxHashMap;

use super::Landmarks;
use crate::{Heap, NodeId, NodeKind};

/// A position in a script.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// URL or path of the script, as V8 knows it.
    pub url: String,
    /// 0-based line.
    pub line: u32,
    /// 0-based column, in UTF-16 units.
    pub column: u32,
}

/// The scripts of one heap, found through their functions: closure → `shared` → `script`
/// (`script_or_debug_info` before Node 22), whose name is the URL.
pub struct Scripts {
    by_id: FxHashMap<u32, NodeId>,
}

impl Scripts {
    /// One look at every closure that has a location.
    pub fn new(heap: &Heap, marks: &Landmarks) -> Self {
        let mut by_id = FxHashMap::default();
        for (node, location) in heap.locations() {
            if heap.kind(node) == NodeKind::Closure
                && !by_id.contains_key(&location.script_id)
                && let Some(script) = marks.script_of_closure(heap, node)
            {
                by_id.insert(location.script_id, script);
            }
        }
        Self { by_id }
    }

    /// URL or path of a script; `None` when no function of it is alive.
    pub fn url(&self, heap: &Heap, script_id: u32) -> Option<String> {
        self.by_id.get(&script_id).map(|&script| heap.name(script).into_owned()).filter(|url| !url.is_empty())
    }

    /// The script node.
    pub fn node(&self, script_id: u32) -> Option<NodeId> {
        self.by_id.get(&script_id).copied()
    }

    /// Where a closure's function, or an object's constructor, stands.
    pub fn place(&self, heap: &Heap, node: NodeId) -> Option<Place> {
        let location = heap.location(node)?;
        let url = self.url(heap, location.script_id)?;
        Some(Place { url, line: location.line, column: location.column })
    }

    /// All scripts known by id.
    pub fn all(&self) -> impl Iterator<Item = (u32, NodeId)> + '_ {
        self.by_id.iter().map(|(&id, &node)| (id, node))
    }
}
