//! Which functions see a context, and whose code they are.

use leakhound_heap::v8::Place;
use leakhound_heap::{EdgeKind, NodeId, NodeKind};
use rustc_hash::FxHashSet;

use crate::growth::Scene;
use crate::source::{is_node_internal, package_of};

/// Whose code a script is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Author {
    /// The application's own.
    User,
    /// An npm package's.
    Package,
    /// Node.js itself, or code without a file.
    Node,
}

impl Author {
    pub(crate) fn of(url: &str) -> Self {
        if url.is_empty() || is_node_internal(url) || url.starts_with("evalmachine.") {
            Self::Node
        } else if package_of(url).is_some() {
            Self::Package
        } else {
            Self::User
        }
    }
}

/// Looks functions up by the context they see.
pub(crate) struct Closures<'s, 'a> {
    scene: &'s Scene<'a>,
}

/// Contexts looked at before giving up; deeper nesting does not occur in written code.
const MAX_CONTEXTS: usize = 512;

impl<'s, 'a> Closures<'s, 'a> {
    pub(crate) fn new(scene: &'s Scene<'a>) -> Self {
        Self { scene }
    }

    /// A function that sees the variables of `context`, with its place: directly, or through the contexts
    /// inside it.
    pub(crate) fn seeing(&self, context: NodeId) -> Option<(NodeId, Place)> {
        let scene = self.scene;
        let mut seen = FxHashSet::from_iter([context]);
        let mut queue = vec![context];
        let mut at = 0;
        while let Some(&context) = queue.get(at) {
            at += 1;
            for (source, edge) in scene.reverse.retainers(scene.heap, context) {
                if edge.kind != EdgeKind::Internal {
                    continue;
                }
                if scene.heap.kind(source) == NodeKind::Closure {
                    if let Some(place) = scene.scripts.place(scene.heap, source) {
                        return Some((source, place));
                    }
                } else if scene.marks.is_context(scene.heap, source)
                    && scene.marks.outer_context(scene.heap, source) == Some(context)
                    && seen.len() < MAX_CONTEXTS
                    && seen.insert(source)
                {
                    queue.push(source);
                }
            }
        }
        None
    }

    /// Whether the context belongs to a module's or script's top level.
    pub(crate) fn is_module_level(&self, context: NodeId) -> bool {
        match self.scene.marks.outer_context(self.scene.heap, context) {
            None => true,
            Some(outer) => !self.scene.marks.is_context(self.scene.heap, outer),
        }
    }
}
