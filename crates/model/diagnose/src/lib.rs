//! Evidence in, findings out: which holder grows, in which line, how fast, how sure.
//!
//! *Who calls it*: `leakhound-workbench`, with one snapshot (suspects) or several of one process (growth),
//! sampled allocations and process memory where they exist, and a way to source texts.
//!
//! *How it decides* (three or more snapshots):
//! 1. Objects are followed by V8's stable ids. *Growth* is what was born after the first snapshot, seen
//!    again, and alive in the last. Never a comparison by class name.
//! 2. Collections that replace their members ([bounded windows](growth)) own nothing: their edges are cut.
//! 3. Dominators over what is left say who owns the growth. Walking down, growth fans out into members at
//!    an *accumulation point*; recursive structures are climbed to their top.
//! 4. The variable nearest above is the *holder*; its declaration and the statement that adds to it come
//!    from the source, weighed with who allocates.
//! 5. The holder's history decides: still growing is a leak, stopped under load is bounded, drained is a
//!    backlog. Weak evidence is `inconclusive`: a false accusation costs more than a missed one.
//!
//! *Costs*: about 60 bytes a node and 16 an edge of the last heap while it runs, one dominator tree a
//! snapshot.
//!
//! *What it never does*: no I/O (sources come through [`Sources`]), no printing, no guessing of lines
//! without a source.

mod accused;
#[cfg(test)]
mod behaviour;
mod case;
mod classes;
mod diagnosis;
mod finding;
mod growth;
mod judge;
mod naming;
mod off_heap;
mod path;
mod sampled;
mod source;
mod suspects;
#[cfg(test)]
mod testing;
mod write;

pub use case::{Case, Limits, ProcessMemory, Snapshot, Sources};
pub use diagnosis::diagnose;
pub use finding::*;
pub use sampled::sampled_growth;
pub use source::{
    Addition, AdditionKind, Binding, BindingId, BindingKind, Deletion, DeletionKind, Function, FunctionId,
    FunctionKind, Initializer, MAX_PARSED, Position, Property, PropertyKind, Range, SourceText, Via,
    is_node_internal, package_of,
};
