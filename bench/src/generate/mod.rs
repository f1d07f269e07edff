//! Synthetic heap snapshots with the mix of a real server's heap.
//!
//! A heap is a prelude (roots, the global object, shapes and prototypes of all classes) and many units.
//! A unit is what one module of a program keeps: it is made from its own number and the seed alone, so
//! that each section of the file makes it anew and nothing is held but one unit.

mod edges;
mod prelude;
mod random;
mod unit;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use edges::many_edges;
pub(crate) use write::{Layout, Recipe, snapshot};
