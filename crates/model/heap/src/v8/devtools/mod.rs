//! What Chrome DevTools does to a snapshot before it counts anything, one rule a file.

mod detachedness;
mod page_owned;
mod roots;
mod shallow;
#[cfg(test)]
mod tests;

pub(super) use detachedness::Detachedness;
pub(super) use page_owned::{page_owned, page_owned_from};
pub(super) use roots::user_roots;
pub use shallow::Merges;
pub(in crate::v8) use shallow::Shallow;
