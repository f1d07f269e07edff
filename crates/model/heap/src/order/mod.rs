//! What hangs from what: distances, dominators, retained sizes. Each is computed on demand.

mod distances;
mod dominators;
mod levels;
#[cfg(test)]
mod tests;
mod walk;

pub use distances::Distances;
pub use dominators::Dominators;
pub use levels::Levels;
pub use walk::Answer;
pub(crate) use walk::Walk;
