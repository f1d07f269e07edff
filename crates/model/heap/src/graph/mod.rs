//! The graph: nodes and edges as columns of 32-bit ordinals.

#[expect(unsafe_code, reason = "memory that is not the allocator's")]
mod arena;
mod bits;
mod column;
mod heap;
mod ids;
mod kinds;
mod locations;
mod reverse;

pub use bits::NodeSet;
pub(crate) use bits::StringSet;
pub use column::{Buffer, Column, Value};
pub use heap::{Edge, Heap, Model, NodeId};
pub(crate) use heap::{EdgeColumns, NodeColumns};
pub use ids::IdSet;
pub use kinds::{EdgeKind, NodeKind};
pub use locations::Location;
pub(crate) use locations::Locations;
pub use reverse::Reverse;
