//! Node processes: find them, attach to them safely, capture heap snapshots and sampled allocations.
//!
//! **Who calls it.** `leakhound-workbench`, which decides what to capture and what it means.
//!
//! | question | answered in |
//! |---|---|
//! | which Node processes are here? | [`list_node_processes`], [`NodeProcess`] |
//! | what does the user point at? | [`Target::parse`], [`Target::resolve`] |
//! | may it be attached to, and how is it let go? | [`attach()`], [`Attached::close`] |
//! | what is it, how much memory does it use? | [`Attached::facts`], [`Attached::memory`] |
//! | how much room has its container? | [`CgroupMemory`], [`Headroom`] |
//! | what will a snapshot cost, and is that safe? | [`estimate()`], [`policy`] |
//! | what does the heap hold? | [`capture_heap_snapshot`] |
//! | who allocates? | [`sampling`] |
//!
//! **Cost.** For us: a few megabytes, whatever the size of the snapshot, which is checked and written as it
//! arrives. For the target: attaching costs two short evaluations; a memory sample well under a millisecond;
//! a heap snapshot stops its main thread and can need thirteen times its heap, which is why [`estimate()`]
//! and [`policy`] exist and should always be asked first. This crate's functions do as they are told: the
//! policy is the caller's to apply.
//!
//! **What it never does.** It never signals a process that is not Node or that the signal would kill, never
//! touches another user's process, never overwrites a file, never leaves an inspector open that it opened
//! (if it is killed, a lease inside the target closes it), never closes one that was open before, and never
//! enables the debugger.
//!
//! ```no_run
//! use leakhound_capture::{
//!     AttachOptions, Cancel, CaptureError, Headroom, Target, Tolerance, attach, capture_heap_snapshot,
//!     estimate, policy,
//! };
//! use std::path::Path;
//!
//! # async fn example() -> Result<(), CaptureError> {
//! let cancel = Cancel::new();
//! let target = Target::parse("server.js")?.resolve()?;
//! let mut attached = attach(&target, &AttachOptions::default(), &cancel).await?;
//! let captured = async {
//!     let cost = estimate(attached.facts());
//!     let room = match attached.process() {
//!         Some(process) => Headroom::of(process.pid, Some(Path::new("."))),
//!         None => Headroom::reported(attached.facts(), Some(Path::new("."))),
//!     };
//!     policy(&cost, &room, &Tolerance::default()).into_result()?;
//!     let file = Path::new("server.heapsnapshot");
//!     capture_heap_snapshot(&mut attached, file, Some(&cost), &cancel, |_| {}).await
//! }
//! .await;
//! // On every path: the inspector is closed again.
//! attached.close().await?;
//! let outcome = captured?;
//! # let _ = outcome;
//! # Ok(())
//! # }
//! ```

mod attach;
mod binary;
mod cancel;
mod cgroup;
mod chunk;
mod error;
mod estimate;
mod lease;
mod process;
mod runtime;
pub mod sampling;
mod scan;
mod signal;
mod snapshot;
mod takeover;
mod target;

pub use attach::{AttachOptions, Attached, attach};
pub use cancel::Cancel;
pub use cgroup::CgroupMemory;
pub use error::CaptureError;
pub use estimate::{Decision, Headroom, Range, Refusal, SnapshotEstimate, Tolerance, estimate, policy};
pub use leakhound_inspector::{Endpoint, ErrorKind, InspectorError};
pub use process::{Listener, NodeProcess, SignalState, list_node_processes};
pub use runtime::{HeapSpace, MemorySample, RuntimeFacts};
pub use scan::ScanError;
pub use snapshot::{SnapshotOutcome, SnapshotProgress, capture_heap_snapshot};
pub use target::{Resolved, Target};
