//! `summary`: the class table. `statistics`: where the bytes are.

use std::path::PathBuf;

use leakhound_heap::Model;
use leakhound_heap::query::{ClassRow, Classes, Filter, RowSource, Statistics};
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::grouping::groups;
use super::{Dump, Exploration, GroupBy};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// What the table is sorted by; numbers descend, names ascend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns' own names")]
pub enum SummarySort {
    #[default]
    Retained,
    Shallow,
    Count,
    Distance,
    Name,
}

/// Objects that the table is about, where it is not about all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummaryOnly {
    /// What the roots reach only through the variables of functions.
    Contexts,
    /// What the roots reach only through detached objects (known to the devtools model only).
    Detached,
    /// What the roots reach only through Chrome's console.
    Console,
    /// What the roots reach only through listeners of a page's events.
    EventHandlers,
    /// Strings whose text occurs more than once.
    DuplicatedStrings,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct SummaryOptions {
    /// The dump.
    pub file: PathBuf,
    /// The rules.
    pub model: Model,
    /// What a row is.
    pub by: GroupBy,
    /// Order of the rows.
    pub sort: SummarySort,
    /// Only classes whose name matches.
    pub filter: Option<Regex>,
    /// Only what is kept in this way.
    pub only: Option<SummaryOnly>,
    /// At most so many rows.
    pub limit: Option<usize>,
    /// Shallow sizes only: without distances and retained sizes, which take most of the time.
    pub shallow_only: bool,
}

/// `leakhound.summary/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SummaryView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// What a row is: `class`, `location`, `package` or `shape`.
    #[serde(default = "class")]
    pub by: String,
    /// Rows that match, before the limit.
    pub matching: u64,
    /// The rows.
    pub classes: Vec<ClassRowView>,
}

/// One class.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClassRowView {
    /// Its name: the constructor, an interface `{a, b}`, or a kind in parentheses.
    pub name: String,
    /// What tells it apart across snapshots, as DevTools spells it.
    pub key: String,
    /// Objects that have a size.
    pub count: u64,
    /// The smallest distance from a root; −5 when one of them cannot be reached.
    pub distance: Option<i32>,
    /// Bytes of the objects themselves.
    pub shallow_size: u64,
    /// Bytes that they keep alive together.
    pub retained_size: Option<u64>,
    /// Where the constructor stands, counting from 1.
    pub location: Option<String>,
}

/// Makes the class table.
///
/// # Errors
/// When the dump cannot be read.
pub async fn summary(
    options: SummaryOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<SummaryView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&options.file, options.model, &cancel, sender)?;
        Ok(table(&exploration, &options))
    })
    .await
}

fn table(exploration: &Exploration, options: &SummaryOptions) -> SummaryView {
    let grouped;
    let classes = match options.by {
        GroupBy::Class => exploration.classes(),
        by => {
            grouped = groups(exploration, by);
            &grouped
        }
    };
    let mut rows = match options.only {
        None if options.by == GroupBy::Class => exploration.rows(options.shallow_only),
        None => RowSource { classes, ..exploration.row_source(options.shallow_only) }.rows(),
        Some(only) => {
            let filter = match only {
                SummaryOnly::Contexts => Filter::Contexts,
                SummaryOnly::Detached => Filter::Detached,
                SummaryOnly::Console => Filter::Console,
                SummaryOnly::EventHandlers => Filter::EventHandlers,
                SummaryOnly::DuplicatedStrings => Filter::DuplicatedStrings,
            };
            let nodes = filter.nodes(exploration.heap(), exploration.lens(), exploration.levels());
            RowSource { only: Some(&nodes), classes, ..exploration.row_source(options.shallow_only) }.rows()
        }
    };
    if let Some(filter) = &options.filter {
        rows.retain(|row| filter.is_match(&row.key(classes).name));
    }
    let name = |row: &ClassRow| &row.key(classes).name;
    // Stable: of equals, the first to appear in the file stays first.
    match options.sort {
        SummarySort::Retained => {
            rows.sort_by_key(|row| std::cmp::Reverse(row.retained.unwrap_or(row.shallow)));
        }
        SummarySort::Shallow => rows.sort_by_key(|row| std::cmp::Reverse(row.shallow)),
        SummarySort::Count => rows.sort_by_key(|row| std::cmp::Reverse(row.count)),
        SummarySort::Distance => rows.sort_by_key(|row| row.distance),
        SummarySort::Name => rows.sort_by(|one, other| name(one).cmp(name(other))),
    }
    let matching = rows.len() as u64;
    rows.truncate(options.limit.unwrap_or(usize::MAX));
    SummaryView {
        schema: "leakhound.summary/1".into(),
        model: options.model.as_str().into(),
        by: options.by.as_str().into(),
        dump: exploration.dump(),
        matching,
        classes: rows.iter().map(|row| row_view(exploration, classes, row)).collect(),
    }
}

fn class() -> String {
    GroupBy::Class.as_str().into()
}

fn row_view(exploration: &Exploration, classes: &Classes, row: &ClassRow) -> ClassRowView {
    let key = row.key(classes);
    ClassRowView {
        name: key.name.clone(),
        key: key.to_string(),
        count: row.count,
        distance: row.distance,
        shallow_size: row.shallow,
        retained_size: row.retained,
        location: key.location.and_then(|location| exploration.place_of(location)),
    }
}

/// `leakhound.statistics/1`: sums of shallow sizes, in bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatisticsView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// What V8's own heap holds.
    pub v8_heap: u64,
    /// Compiled code.
    pub code: u64,
    /// Strings of every kind.
    pub strings: u64,
    /// Arrays and the elements that are theirs alone.
    pub js_arrays: u64,
    /// V8's own structures.
    pub system: u64,
    /// The rest of V8's heap: objects, closures, contexts, numbers.
    pub other_js: u64,
    /// Native memory: buffers and the embedder's objects.
    pub native: u64,
    /// Contents of array buffers (part of `native`).
    pub typed_arrays: u64,
    /// The rest of `native`.
    pub other_native: u64,
}

/// Makes the statistics.
///
/// # Errors
/// When the dump cannot be read.
pub async fn statistics(
    file: PathBuf,
    model: Model,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<StatisticsView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&file, model, &cancel, sender)?;
        let sums = Statistics::new(exploration.heap(), exploration.lens());
        Ok(StatisticsView {
            schema: "leakhound.statistics/1".into(),
            model: model.as_str().into(),
            dump: exploration.dump(),
            v8_heap: sums.v8_heap,
            code: sums.code,
            strings: sums.strings,
            js_arrays: sums.js_arrays,
            system: sums.system,
            other_js: sums.other_js(),
            native: sums.native,
            typed_arrays: sums.typed_arrays,
            other_native: sums.other_native(),
        })
    })
    .await
}
