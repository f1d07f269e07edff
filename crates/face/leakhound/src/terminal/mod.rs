//! Views as text for a terminal: the verdict, the table of processes, the views of a dump.
//!
//! Pure functions from a view, a [`Style`] and a width to a string that ends with a line break;
//! the caller prints it. No line is wider than asked, and nothing that came out of a target
//! reaches the terminal as a control character: every such text goes through
//! [`names`](leakhound_workbench::names) first.

mod explore;
mod format;
mod holders;
mod processes;
mod style;
mod table;
mod trees;
mod verdict;

pub use explore::{diff, object, search, statistics, strings, summary};
pub use holders::{closures, contexts, realms, retained_set, roots, timeline};
pub use processes::processes;
pub use style::{ColorChoice, Style};
pub use trees::{containment, dominators, paths, retainers, traces};
pub use verdict::verdict;
