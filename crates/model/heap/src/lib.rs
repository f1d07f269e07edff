//! V8 heap snapshots: from the bytes of a `.heapsnapshot` to columns, dominators, retained sizes,
//! distances, classes and differences.
//!
//! *Who calls it*: `leakhound-diagnose` (growth and suspects) and `leakhound-workbench` (views).
//!
//! *What it promises*: input is hostile, so everything is checked once while reading; afterwards a
//! [`Heap`] is consistent (every edge points at an existing node, every name at an existing string) and
//! the later stages cannot fail. No allocation per node, edge or string: number arrays become columns
//! (about 26 bytes a node, 9 an edge), strings stay in the file's bytes and are decoded when shown.
//! Dominators need about 28 bytes a node and 4 an edge while they are computed.
//!
//! *What it never does*: no I/O, no threads of its own beyond rayon's pool, no printing.
//!
//! Sizes are bytes. A [`NodeId`] is a node's ordinal in its file; [`Heap::id`] is V8's stable object id
//! (the `@12345` that DevTools shows), comparable between snapshots of one process.
//!
//! ```
//! let text = br#"{"snapshot":{"meta":{"node_fields":["type","name","id","self_size","edge_count"],
//!   "node_types":[["hidden","object","synthetic"],"string","number","number","number"],
//!   "edge_fields":["type","name_or_index","to_node"],
//!   "edge_types":[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"]},
//!   "node_count":2,"edge_count":1},
//!   "nodes":[2,0,1,0,1, 1,1,3,24,0],"edges":[2,1,5],"strings":["","Leak"]}"#;
//! let heap = leakhound_heap::Heap::read(text.to_vec().into(), &())?;
//! assert_eq!(heap.node_count(), 2);
//! let dominators = leakhound_heap::Dominators::new(&heap, leakhound_heap::Model::Gc);
//! assert_eq!(dominators.retained(&heap)[heap.root().index()], 24);
//! # Ok::<(), leakhound_heap::SnapshotError>(())
//! ```

mod error;
pub mod format;
pub mod graph;
pub mod index;
pub mod order;
pub mod query;
pub mod v8;

pub use error::SnapshotError;
pub use format::{Loss, Observer, Progress, SnapshotBytes, Stage};
pub use graph::{Edge, EdgeKind, Heap, IdSet, Location, Model, NodeId, NodeKind, NodeSet, Reverse};
pub use index::Store;
pub use order::{Distances, Dominators, Levels};
pub use v8::Lens;
