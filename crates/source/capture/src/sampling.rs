//! Sampled allocations: who allocated what is still alive, for a few per cent of CPU and no pause.
//!
//! Sampling ends by itself when the connection ends, so that nothing stays on if leakhound dies.

use std::time::Duration;

use leakhound_inspector::protocol;

use crate::attach::Attached;
use crate::cancel::Cancel;
use crate::error::CaptureError;

/// Mean bytes between samples for a short session; for one that is always on use [`ALWAYS_ON`].
pub const SHORT_SESSION: u64 = 32 << 10;
/// Mean bytes between samples at which no cost was measurable.
pub const ALWAYS_ON: u64 = 512 << 10;
/// Frames per stack asked for where the version allows asking (Node 26); 128 is what the others do.
const STACK_DEPTH: u32 = 128;
/// A profile costs a full collection, about a second per GB of heap, more on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Starts sampling with a mean of `interval` bytes between samples. Works on a busy loop too.
///
/// # Errors
/// [`CaptureError::Inspector`], [`CaptureError::Cancelled`].
pub async fn start(attached: &mut Attached, interval: u64, cancel: &Cancel) -> Result<(), CaptureError> {
    let stack_depth = (attached.facts().major() >= 26).then_some(STACK_DEPTH);
    let command = protocol::StartSampling { sampling_interval: interval.max(1) as f64, stack_depth };
    tokio::select! {
        started = attached.client.call(&command, PATIENCE) => { started?; Ok(()) }
        () = cancel.cancelled() => Err(cancelled()),
    }
}

/// The profile so far: the bytes of a `.heapprofile` file. Forces a full collection in the target, so that
/// only what is still alive is in it.
///
/// # Errors
/// [`CaptureError::Inspector`], [`CaptureError::Cancelled`].
pub async fn take(attached: &mut Attached, cancel: &Cancel) -> Result<Vec<u8>, CaptureError> {
    tokio::select! {
        profile = attached.client.call(&protocol::GetSamplingProfile {}, PATIENCE) => Ok(bytes(profile?)),
        () = cancel.cancelled() => Err(cancelled()),
    }
}

/// Stops sampling and returns the last profile.
///
/// # Errors
/// [`CaptureError::Inspector`], [`CaptureError::Cancelled`].
pub async fn stop(attached: &mut Attached, cancel: &Cancel) -> Result<Vec<u8>, CaptureError> {
    tokio::select! {
        profile = attached.client.call(&protocol::StopSampling {}, PATIENCE) => Ok(bytes(profile?)),
        () = cancel.cancelled() => Err(cancelled()),
    }
}

fn bytes(profile: protocol::SamplingProfile) -> Vec<u8> {
    String::from(Box::<str>::from(profile.profile)).into_bytes()
}

fn cancelled() -> CaptureError {
    CaptureError::Cancelled { what: "sampling allocations", partial: None }
}
