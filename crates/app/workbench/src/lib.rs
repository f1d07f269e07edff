//! The use cases behind every face: hunt a process, analyze files, capture a snapshot, list processes.
//!
//! *Who calls it*: the command line today; the terminal UI, the server and the assistant's tools later. A
//! face calls one function, hears [`Event`]s while it runs, and gets a [view](view) to format.
//!
//! *What it promises*: errors carry a hint and an exit code ([`WorkbenchError`]); whatever was opened in a
//! target is closed again on every path, also when cancelled; evidence is written with mode 0600 and never
//! overwrites.
//!
//! *What it never does*: no printing, no argument parsing, no process exit.

pub mod analyze;
pub mod capture;
mod error;
mod event;
mod evidence;
pub mod explore;
pub mod figures;
pub mod hunt;
mod index;
mod load;
mod mapped;
pub mod names;
mod open;
pub mod processes;
pub mod report;
pub mod run;
mod sampling;
mod sources;
mod unpacked;
pub mod view;

pub use error::WorkbenchError;
pub use event::{Event, Listener, Plan};
pub use index::IndexUse;
pub use leakhound_capture::{Cancel, SnapshotProgress};
