//! What hangs from what: distances, dominators, retained sizes. Each is computed on demand.

mod distances;
mod dominators;
#[cfg(test)]
mod tests;

pub use distances::Distances;
pub use dominators::Dominators;
