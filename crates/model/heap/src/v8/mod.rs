//! Everything that knows V8's and Node.js' habits: how functions reach their scripts, what a context is
//! called, which nodes are plumbing. The stages before this one know none of it.

mod devtools;
mod landmarks;
mod lens;
mod scripts;
#[cfg(test)]
mod tests;

pub use devtools::Merges;
pub use landmarks::Landmarks;
pub use lens::{EdgeRule, Lens, Sizes};
pub use scripts::{Place, Scripts};
