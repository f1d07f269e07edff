//! One artefact, safely.

use std::path::{Path, PathBuf};
use std::time::Duration;

use leakhound_capture::{
    AttachOptions, Cancel, CaptureError, Decision, Target, Tolerance, attach, capture_heap_snapshot,
    estimate, policy,
};
use serde::{Deserialize, Serialize};

use crate::event::{Event, Listener, Plan};
use crate::hunt::{headroom, release, target_view};
use crate::view::{CaptureCost, TargetView};
use crate::{WorkbenchError, evidence};

/// Version of the JSON that `capture` prints.
pub const CAPTURE_SCHEMA: &str = "leakhound.capture/1";

/// How to capture a heap snapshot.
#[derive(Clone, Debug)]
pub struct CaptureOptions {
    /// The target as typed.
    pub target: String,
    /// File to write; `NAME-PID-TIME.heapsnapshot` in the working directory by default. Never overwritten.
    pub out: Option<PathBuf>,
    /// Capture even where the policy refuses.
    pub force: bool,
    /// Longest tolerated pause.
    pub max_pause: Duration,
}

/// A heap snapshot that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaptureView {
    /// [`CAPTURE_SCHEMA`].
    pub schema: String,
    /// The process.
    pub target: TargetView,
    /// The file.
    pub path: String,
    /// Nodes in it.
    pub nodes: u64,
    /// Edges in it.
    pub edges: u64,
    /// What it cost, against what was expected.
    pub cost: CaptureCost,
}

/// Takes one heap snapshot.
///
/// # Errors
/// As [`crate::hunt::hunt`].
pub async fn heap(
    options: &CaptureOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<CaptureView, WorkbenchError> {
    let resolved = Target::parse(&options.target)?.resolve()?;
    if let Some(path) = &options.out {
        check(path)?;
    }
    let mut attached = attach(&resolved, &AttachOptions::default(), cancel).await?;
    let target = target_view(&attached);
    events(Event::Attached(target.clone()));
    attached.warnings().iter().for_each(|warning| events(Event::Warning(warning.clone())));
    let captured = async {
        let path = options.out.clone().unwrap_or_else(|| default_name(&target));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let cost = estimate(attached.facts());
        let headroom = headroom(&attached, Some(folder));
        let warnings = match policy(&cost, &headroom, &Tolerance::pause(options.max_pause)) {
            Decision::Refused(refusal) if options.force => {
                vec![format!("forced although {}", refusal.reason)]
            }
            decision => decision.into_result()?,
        };
        events(Event::Plan(Plan {
            snapshots: 1,
            duration: Duration::ZERO,
            estimate: Some(cost),
            headroom,
            warnings: warnings.clone(),
        }));
        warnings.into_iter().for_each(|warning| events(Event::Warning(warning)));
        events(Event::SnapshotStarted { phase: "heap".into(), expected_bytes: cost.file_bytes.likely });
        let taken = capture_heap_snapshot(&mut attached, &path, Some(&cost), cancel, |progress| {
            events(Event::Snapshot(progress));
        })
        .await?;
        events(Event::SnapshotDone {
            phase: "heap".into(),
            bytes: taken.bytes,
            pause: taken.pause,
            extra_memory: taken.extra_memory,
        });
        Ok::<_, WorkbenchError>((taken, cost))
    }
    .await;
    release(attached, events).await;
    let (taken, expected) = captured?;
    Ok(CaptureView {
        schema: CAPTURE_SCHEMA.into(),
        target,
        path: taken.path.display().to_string(),
        nodes: taken.nodes,
        edges: taken.edges,
        cost: CaptureCost {
            phase: "heap".into(),
            file: taken.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            bytes: taken.bytes,
            pause_seconds: taken.pause.as_secs_f64(),
            expected_pause_seconds: Some(expected.pause_seconds.likely),
            extra_memory_bytes: taken.extra_memory,
            expected_extra_memory_bytes: Some(expected.extra_bytes.likely),
        },
    })
}

/// What can be seen to fail is said before the target is touched.
fn check(path: &Path) -> Result<(), WorkbenchError> {
    if path.symlink_metadata().is_ok() {
        return Err(CaptureError::Exists { path: path.to_owned() }.into());
    }
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) if !folder.is_dir() => {
            let source = std::io::Error::from(std::io::ErrorKind::NotFound);
            Err(WorkbenchError::file("create", path)(source))
        }
        _ => Ok(()),
    }
}

fn default_name(target: &TargetView) -> PathBuf {
    let name: String = target
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .take(40)
        .collect();
    let pid = target.pid.map(|pid| format!("-{pid}")).unwrap_or_default();
    PathBuf::from(format!("{name}{pid}-{}.heapsnapshot", evidence::now().replace([':', '-'], "")))
}
