//! The folder of one hunt: dumps, profile, sources, reports, and what was done when.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::view::{CaptureCost, MemoryPoint, TargetView, VerdictView};
use crate::{WorkbenchError, report};

/// Name of the record inside the folder.
pub(crate) const RECORD: &str = "hunt.json";
/// Name of the sampled allocations inside the folder.
pub(crate) const PROFILE: &str = "allocations.heapprofile";

/// What was done when: enough to judge the folder again later.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// `leakhound.hunt/1`.
    pub(crate) schema: String,
    pub(crate) target: TargetView,
    pub(crate) snapshots: Vec<RecordedSnapshot>,
    pub(crate) memory: Vec<MemoryPoint>,
    pub(crate) captures: Vec<CaptureCost>,
    pub(crate) container_used_bytes: Option<u64>,
    pub(crate) warnings: Vec<String>,
}

/// One snapshot of the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RecordedSnapshot {
    pub(crate) file: String,
    pub(crate) phase: String,
    /// Seconds since the first snapshot.
    pub(crate) seconds: f64,
    /// Whether the target was busy since the snapshot before.
    pub(crate) load_before: Option<bool>,
}

/// Makes a new folder `leakhound-NAME-PID-TIME/`, readable by its owner only; an empty parent is the working
/// directory.
pub(crate) fn folder(parent: &Path, name: &str, pid: Option<u32>) -> Result<PathBuf, WorkbenchError> {
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '-' })
        .take(40)
        .collect();
    let time = now().replace([':', '-'], "");
    let pid = pid.map(|pid| format!("-{pid}")).unwrap_or_default();
    if !parent.as_os_str().is_empty() {
        std::fs::create_dir_all(parent).map_err(WorkbenchError::file("create", parent))?;
    }
    let path = parent.join(format!("leakhound-{name}{pid}-{time}"));
    // A folder of its own also for the second one of the same second.
    for again in 1.. {
        let path = if again == 1 { path.clone() } else { path.with_added_extension(again.to_string()) };
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && again < 100 => {}
            Err(error) => return Err(WorkbenchError::file("create", &path)(error)),
        }
    }
    Ok(path)
}

/// UTC, RFC 3339, whole seconds.
pub(crate) fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// Writes a file that only its owner may read, through a temporary name.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = std::fs::remove_file(&partial);
        return Err(error);
    }
    std::fs::rename(&partial, path)
}

/// Reads the record of an evidence folder.
pub(crate) fn record(folder: &Path) -> Option<Record> {
    serde_json::from_slice(&std::fs::read(folder.join(RECORD)).ok()?).ok()
}

/// Writes the record.
pub(crate) fn keep_record(folder: &Path, record: &Record) -> Result<(), WorkbenchError> {
    let path = folder.join(RECORD);
    let json =
        serde_json::to_vec_pretty(record).map_err(|error| WorkbenchError::Internal(error.to_string()))?;
    write_private(&path, &json).map_err(WorkbenchError::file("write", &path))
}

/// Writes the verdict as HTML, Markdown and JSON; returns the HTML's path.
pub(crate) fn keep_reports(folder: &Path, view: &VerdictView) -> Result<PathBuf, WorkbenchError> {
    let html = folder.join("report.html");
    let files = [
        (html.clone(), report::html(view)),
        (folder.join("report.md"), report::markdown(view)),
        (folder.join("verdict.json"), report::json(view)),
    ];
    for (path, text) in files {
        write_private(&path, text.as_bytes()).map_err(WorkbenchError::file("write", &path))?;
    }
    Ok(html)
}
