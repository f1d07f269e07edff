//! `strings`: texts that exist more than once, and large strings that small slices keep alive.

use std::path::PathBuf;

use leakhound_heap::query::StringReport;
use leakhound_heap::{Heap, Model, NodeId};
use serde::{Deserialize, Serialize};

use super::{Dump, Exploration};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// Characters of a text that a view keeps.
const PREVIEW: usize = 200;

/// `leakhound.strings/1`. Sizes are the strings' own, in bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "what each holds is its name")]
pub struct StringsView {
    pub schema: String,
    /// The rules: `gc`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// Flat strings.
    pub flat: CountView,
    /// Concatenated strings that were never flattened.
    pub concatenated: CountView,
    /// Slices of other strings.
    pub sliced: CountView,
    /// Bytes that would be saved if every text existed once.
    pub wasted_size: u64,
    /// Texts that exist more than once, before the limit.
    pub duplicate_texts: u64,
    /// The most wasteful of them.
    pub duplicates: Vec<DuplicateView>,
    /// Strings that have slices, before the limit.
    pub sliced_parents: u64,
    /// The largest of them.
    pub parents: Vec<ParentView>,
}

/// How many, how large.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "what each holds is its name")]
pub struct CountView {
    pub count: u64,
    pub shallow_size: u64,
}

/// One text that exists more than once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DuplicateView {
    /// Its beginning.
    pub text: String,
    /// One of the strings.
    pub id: u32,
    /// How many there are.
    pub count: u64,
    /// Bytes of all of them.
    pub shallow_size: u64,
    /// Bytes of all but one.
    pub wasted_size: u64,
    /// V8 wrote only its first 1,024 units: the strings may differ behind them. They are of equal size.
    pub cut: bool,
}

/// One string that has slices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ParentView {
    /// Its beginning.
    pub text: String,
    /// Its id.
    pub id: u32,
    /// Its bytes.
    pub shallow_size: u64,
    /// Slices of it.
    pub slices: u64,
    /// One of the slices.
    pub slice_id: u32,
    /// Beginning of that slice.
    pub slice_text: String,
    /// Nothing but its slices keeps it alive.
    pub pinned: bool,
}

/// Rows of each table that are kept for the next time.
const KEPT: usize = 1000;

/// Looks at the strings of a dump.
///
/// # Errors
/// When the dump cannot be read.
pub async fn strings(
    file: PathBuf,
    limit: Option<usize>,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<StringsView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&file, Model::Gc, &cancel, sender)?;
        let limit = limit.unwrap_or(usize::MAX);
        let shelf = exploration.shelf();
        if limit <= KEPT
            && let Some(mut kept) = shelf.value::<StringsView>("strings")
        {
            kept.dump = exploration.dump();
            kept.duplicates.truncate(limit);
            kept.parents.truncate(limit);
            return Ok(kept);
        }
        let mut view = view(&exploration, limit.max(KEPT));
        let mut kept = view.clone();
        kept.duplicates.truncate(KEPT);
        kept.parents.truncate(KEPT);
        shelf.keep_value("strings", &kept);
        view.duplicates.truncate(limit);
        view.parents.truncate(limit);
        Ok(view)
    })
    .await
}

fn view(exploration: &Exploration, limit: usize) -> StringsView {
    let heap = exploration.heap();
    let report = StringReport::new(heap);
    let count = |(count, shallow_size): (u64, u64)| CountView { count, shallow_size };
    StringsView {
        schema: "leakhound.strings/1".into(),
        model: Model::Gc.as_str().into(),
        dump: exploration.dump(),
        flat: count(report.flat),
        concatenated: count(report.ropes),
        sliced: count(report.slices),
        wasted_size: report.wasted(),
        duplicate_texts: report.duplicates.len() as u64,
        duplicates: (report.duplicates.iter().take(limit))
            .map(|text| DuplicateView {
                text: preview(heap, text.example),
                id: heap.id(text.example),
                count: text.count,
                shallow_size: text.size,
                wasted_size: text.wasted,
                cut: text.is_cut,
            })
            .collect(),
        sliced_parents: report.parents.len() as u64,
        parents: (report.parents.iter().take(limit))
            .map(|parent| ParentView {
                text: preview(heap, parent.parent),
                id: heap.id(parent.parent),
                shallow_size: parent.size,
                slices: parent.slices,
                slice_id: heap.id(parent.example),
                slice_text: preview(heap, parent.example),
                pinned: parent.is_pinned,
            })
            .collect(),
    }
}

fn preview(heap: &Heap, node: NodeId) -> String {
    heap.name(node).chars().take(PREVIEW).collect()
}
