//! `diff`: what came and went between two dumps of one process.

use std::path::PathBuf;

use leakhound_heap::Model;
use leakhound_heap::query::Comparison;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::Dump;
use super::exploration::Exploration;
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// What is asked.
#[derive(Clone, Debug)]
pub struct DiffOptions {
    /// The older dump.
    pub older: PathBuf,
    /// The newer dump.
    pub newer: PathBuf,
    /// The rules.
    pub model: Model,
    /// Only classes whose name matches.
    pub filter: Option<Regex>,
    /// At most so many rows.
    pub limit: Option<usize>,
}

/// `leakhound.diff/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DiffView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The older dump.
    pub older: Dump,
    /// The newer dump.
    pub newer: Dump,
    /// Classes that match and in which something came or went, before the limit.
    pub matching: u64,
    /// The rows, the largest growth first.
    pub classes: Vec<DiffRowView>,
}

/// One class. Sizes are shallow.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "what each holds is its name")]
pub struct DiffRowView {
    pub name: String,
    /// What tells it apart across snapshots, as DevTools spells it.
    pub key: String,
    pub added: u64,
    pub removed: u64,
    pub count_delta: i64,
    pub added_size: u64,
    pub removed_size: u64,
    pub size_delta: i64,
}

/// Compares two dumps, object by object.
///
/// # Errors
/// When one of them cannot be read.
pub async fn diff(
    options: DiffOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<DiffView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let older = Exploration::open(&options.older, options.model, &cancel, sender)?;
        let newer = Exploration::open(&options.newer, options.model, &cancel, sender)?;
        Ok(compare(&older, &newer, &options))
    })
    .await
}

fn compare(older: &Exploration, newer: &Exploration, options: &DiffOptions) -> DiffView {
    let mut rows = Comparison::new((older.heap(), older.lens()), (newer.heap(), newer.lens())).rows;
    if let Some(filter) = &options.filter {
        rows.retain(|row| filter.is_match(&row.key.name));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.size_delta()));
    let matching = rows.len() as u64;
    rows.truncate(options.limit.unwrap_or(usize::MAX));
    DiffView {
        schema: "leakhound.diff/1".into(),
        model: options.model.as_str().into(),
        older: older.dump(),
        newer: newer.dump(),
        matching,
        classes: (rows.iter())
            .map(|row| DiffRowView {
                name: row.key.name.clone(),
                key: row.key.to_string(),
                added: row.added,
                removed: row.removed,
                count_delta: row.count_delta(),
                added_size: row.added_size,
                removed_size: row.removed_size,
                size_delta: row.size_delta(),
            })
            .collect(),
    }
}
