//! V8's sampled allocation profiles (`.heapprofile`): who allocated the memory that is still alive.
//!
//! *Who calls it*: `leakhound-diagnose`, to join who allocates with who retains.
//!
//! *What it promises*: one pass over the JSON, one entry a call-tree node; hostile nesting is refused
//! before it can exhaust the stack.
//!
//! *What it never does*: no I/O, no symbolising: lines and columns are V8's own, 0-based, and they are the
//! position where a frame's *function* begins, not of the call inside it (V8 records no more).
//!
//! ```
//! let json = br#"{"head":{"callFrame":{"functionName":"(root)","scriptId":"0","url":"","lineNumber":-1,
//!   "columnNumber":-1},"selfSize":0,"id":1,"children":[{"callFrame":{"functionName":"handle","scriptId":"9",
//!   "url":"file:///app.js","lineNumber":20,"columnNumber":15},"selfSize":4096,"id":2,"children":[]}]},
//!   "samples":[]}"#;
//! let profile = leakhound_profile::AllocationProfile::parse(json)?;
//! assert_eq!(profile.total_bytes(), 4096);
//! # Ok::<(), leakhound_profile::ProfileError>(())
//! ```

mod allocations;

pub use allocations::{AllocationProfile, Frame, ProfileError, Sample, Stack};
