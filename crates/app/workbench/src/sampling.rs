//! The weaker verdict that needs no snapshot: who allocates what stays alive.

use std::path::{Path, PathBuf};

use leakhound_diagnose::{Diagnosis, sampled_growth};
use leakhound_profile::AllocationProfile;

use crate::WorkbenchError;
use crate::evidence::{self, Record};
use crate::sources::DiskSources;
use crate::view::{VERDICT_SCHEMA, VerdictView};

/// Judges two profiles of one sampling run, taken in its middle and at its end.
pub(crate) fn judge(
    folder: &Path,
    record: &Record,
    middle: &[u8],
    last: &[u8],
    root: Option<PathBuf>,
) -> Result<VerdictView, WorkbenchError> {
    let path = folder.join(evidence::PROFILE);
    let parse = |bytes| {
        AllocationProfile::parse(bytes)
            .map_err(|source| WorkbenchError::Profile { path: path.clone(), source })
    };
    let sources = DiskSources::new(root);
    let seconds =
        record.memory.last().zip(record.memory.first()).map(|(last, first)| last.seconds - first.seconds);
    let mut diagnosis: Diagnosis = sampled_growth(&parse(middle)?, &parse(last)?, &sources, seconds);
    diagnosis.warnings.splice(0..0, record.warnings.clone());
    if let Err(error) = sources.keep(folder) {
        diagnosis.warnings.push(format!("the sources could not be kept: {error}"));
    }
    Ok(VerdictView {
        schema: VERDICT_SCHEMA.into(),
        leakhound: env!("CARGO_PKG_VERSION").into(),
        created: evidence::now(),
        target: record.target.clone(),
        diagnosis,
        memory: record.memory.clone(),
        captures: Vec::new(),
        partial: false,
        evidence_dir: Some(folder.display().to_string()),
    })
}
