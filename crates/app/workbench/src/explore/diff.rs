//! `diff`: what came and went between dumps of one process, or how dumps of several processes differ.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;

use leakhound_heap::query::{Comparison, Key};
use leakhound_heap::{Heap, IdSet, Model, NodeId, NodeKind};
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::exploration::Exploration;
use super::object::reference;
use super::{Dump, ReferenceView};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// How objects of two dumps are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffBy {
    /// Object by object, by V8's ids: within one process.
    Identity,
    /// Class by class, by name: between processes.
    Class,
}

impl DiffBy {
    /// As JSON and faces spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Class => "class",
        }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct DiffOptions {
    /// The dumps, oldest first; at least two. Rows compare the first with the last.
    pub files: Vec<PathBuf>,
    /// The rules.
    pub model: Model,
    /// How objects are matched; found out where it is not said.
    pub by: Option<DiffBy>,
    /// Whether to look for objects that are in both and keep more alive in the newer one.
    pub grown: bool,
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
    /// How objects were matched: `identity` or `class`.
    pub by: String,
    /// Why so.
    pub why: String,
    /// The oldest dump.
    pub older: Dump,
    /// The dumps between, oldest first.
    pub between: Vec<Dump>,
    /// The newest dump.
    pub newer: Dump,
    /// Classes that match and in which something came or went, before the limit.
    pub matching: u64,
    /// The rows, the largest growth first.
    pub classes: Vec<DiffRowView>,
    /// Objects that are in both and keep more alive in the newer one, when asked: the most growth first.
    /// Those whose growth is all within one of the others are left out.
    pub grown: Vec<GrownView>,
}

/// One class. Sizes are shallow.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "what each holds is its name")]
pub struct DiffRowView {
    pub name: String,
    /// What tells it apart across snapshots: as DevTools spells it, or by class the name.
    pub key: String,
    /// By class, these and the next are net figures.
    pub added: u64,
    pub removed: u64,
    pub count_delta: i64,
    pub added_size: u64,
    pub removed_size: u64,
    pub size_delta: i64,
    /// Objects in every dump, oldest first.
    pub counts: Vec<u64>,
    /// Bytes of them.
    pub sizes: Vec<u64>,
}

/// An object that grew.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GrownView {
    /// As it is in the newer dump.
    #[serde(flatten)]
    pub node: ReferenceView,
    /// Bytes that it kept alive in the older one.
    pub retained_before: u64,
    /// Bytes that it keeps alive more.
    pub growth: u64,
}

/// Compares dumps.
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
        let open = |path: &PathBuf| Exploration::open(path, options.model, &cancel, sender);
        let dumps = options.files.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let [older, .., newer] = dumps.as_slice() else {
            return Err(WorkbenchError::usage("compare", "one dump is no comparison", "give two or more"));
        };
        Ok(compare(&dumps, older, newer, &options))
    })
    .await
}

/// Sums of one class in all dumps.
#[derive(Default)]
struct Series {
    counts: Vec<u64>,
    sizes: Vec<u64>,
}

fn compare(
    dumps: &[Exploration],
    older: &Exploration,
    newer: &Exploration,
    options: &DiffOptions,
) -> DiffView {
    let (found, why) = one_process(dumps);
    let (by, why) = match options.by {
        Some(by) if by == found => (by, why),
        Some(by) => (by, format!("asked for, although {why}")),
        None => (found, why),
    };
    let mut rows = match by {
        DiffBy::Identity => by_identity(dumps, older, newer),
        DiffBy::Class => by_class(dumps),
    };
    if let Some(filter) = &options.filter {
        rows.retain(|row| filter.is_match(&row.name));
    }
    rows.sort_by_key(|row| Reverse(row.size_delta));
    let matching = rows.len() as u64;
    let limit = options.limit.unwrap_or(usize::MAX);
    rows.truncate(limit);
    let between = dumps.get(1..dumps.len() - 1).unwrap_or_default();
    DiffView {
        schema: "leakhound.diff/1".into(),
        model: options.model.as_str().into(),
        by: by.as_str().into(),
        why,
        older: older.dump(),
        between: between.iter().map(Exploration::dump).collect(),
        newer: newer.dump(),
        matching,
        classes: rows,
        grown: match by {
            DiffBy::Identity if options.grown => grown(older, newer, limit),
            _ => Vec::new(),
        },
    }
}

/// Whether all dumps can be of one process, in this order.
fn one_process(dumps: &[Exploration]) -> (DiffBy, String) {
    for pair in dumps.windows(2) {
        let [older, newer] = pair else { continue };
        let (older, newer) = (older.heap(), newer.heap());
        if !is_later(older, newer) {
            let why = match is_later(newer, older) {
                true => "their ids are those of one process in the opposite order",
                false => "their ids are not those of one process",
            };
            return (DiffBy::Class, why.into());
        }
    }
    (DiffBy::Identity, "their ids are those of one process, oldest first".into())
}

/// Objects that are looked at, at most.
const SAMPLE: usize = 200_000;
/// One in so many may be called otherwise than before: functions and V8's own structures can be renamed.
const RENAMED: usize = 50;

/// Whether `newer` can be a later snapshot of the process that `older` is one of. V8 numbers objects when it
/// first meets them: what the later one has and the earlier one lacks has a larger id than all that the
/// earlier one has, and who has the same id has the same type and name.
fn is_later(older: &Heap, newer: &Heap) -> bool {
    let known = IdSet::of(older);
    let mut by_id: Vec<(u32, NodeId)> =
        older.nodes().map(|node| (older.id(node), node)).filter(|(id, _)| id % 2 == 1).collect();
    by_id.sort_unstable();
    let largest = by_id.last().map_or(0, |&(id, _)| id);
    let step = newer.node_count().div_ceil(SAMPLE).max(1);
    let (mut shared, mut others) = (0, 0);
    for node in newer.nodes() {
        let id = newer.id(node);
        if id.is_multiple_of(2) || id > largest {
            continue;
        }
        if !known.contains(id) {
            return false;
        }
        if node.index() % step == 0
            && let Ok(at) = by_id.binary_search_by_key(&id, |&(id, _)| id)
        {
            let before = by_id[at].1;
            shared += 1;
            let same = older.kind(before) == newer.kind(node)
                && older.strings().raw(older.name_index(before))
                    == newer.strings().raw(newer.name_index(node));
            others += usize::from(!same);
        }
    }
    others * RENAMED <= shared
}

fn by_identity(dumps: &[Exploration], older: &Exploration, newer: &Exploration) -> Vec<DiffRowView> {
    let comparison = Comparison::new((older.heap(), older.lens()), (newer.heap(), newer.lens()));
    let series = if dumps.len() > 2 { Some(series(dumps, ToString::to_string)) } else { None };
    let rows = comparison.rows.iter().map(|row| {
        let key = row.key.to_string();
        let series = series.as_ref().and_then(|series| series.get(&key));
        DiffRowView {
            name: row.key.name.clone(),
            added: row.added,
            removed: row.removed,
            count_delta: row.count_delta(),
            added_size: row.added_size,
            removed_size: row.removed_size,
            size_delta: row.size_delta(),
            counts: series.map_or_else(Vec::new, |series| series.1.counts.clone()),
            sizes: series.map_or_else(Vec::new, |series| series.1.sizes.clone()),
            key,
        }
    });
    rows.collect()
}

fn by_class(dumps: &[Exploration]) -> Vec<DiffRowView> {
    // Neither numbers of scripts nor folders nor lines are the same in two deployments; names are.
    let rows = series(dumps, |key| key.name.clone()).into_iter().filter_map(|(key, (name, series))| {
        let delta = |values: &[u64]| {
            let (first, last) = (values.first().copied()?, values.last().copied()?);
            Some((last.saturating_sub(first), first.saturating_sub(last)))
        };
        let (added, removed) = delta(&series.counts)?;
        let (added_size, removed_size) = delta(&series.sizes)?;
        let changed = added + removed + added_size + removed_size > 0;
        changed.then(|| DiffRowView {
            name,
            key,
            added,
            removed,
            count_delta: added.cast_signed() - removed.cast_signed(),
            added_size,
            removed_size,
            size_delta: added_size.cast_signed() - removed_size.cast_signed(),
            counts: series.counts,
            sizes: series.sizes,
        })
    });
    rows.collect()
}

/// Of every class its name and what each dump has of it.
fn series(dumps: &[Exploration], key: impl Fn(&Key) -> String) -> BTreeMap<String, (String, Series)> {
    let mut all: BTreeMap<String, (String, Series)> = BTreeMap::new();
    for (at, dump) in dumps.iter().enumerate() {
        for row in dump.rows(true) {
            let class = row.key(dump.classes());
            let (_, series) =
                all.entry(key(class)).or_insert_with(|| (class.name.clone(), Series::default()));
            series.counts.resize(dumps.len(), 0);
            series.sizes.resize(dumps.len(), 0);
            series.counts[at] += row.count;
            series.sizes[at] += row.shallow;
        }
    }
    all
}

/// Objects of both dumps that keep more alive in the newer one.
fn grown(older: &Exploration, newer: &Exploration, limit: usize) -> Vec<GrownView> {
    older.prepare();
    newer.prepare();
    let (before, after) = (older.order().1, newer.order());
    let mut known: Vec<(u32, u64)> = (older.heap().nodes())
        .map(|node| (older.heap().id(node), before[node.index()]))
        .filter(|(id, _)| id % 2 == 1)
        .collect();
    known.sort_unstable();
    let heap = newer.heap();
    let growth = |node: NodeId| {
        let at = known.binary_search_by_key(&heap.id(node), |&(id, _)| id).ok()?;
        after.1[node.index()].checked_sub(known[at].1).filter(|&growth| growth > 0)
    };
    let growths: Vec<u64> = heap.nodes().map(|node| growth(node).unwrap_or(0)).collect();
    // Stores and V8's own structures are told of as what they belong to.
    let is_told = |node: NodeId| {
        !matches!(
            heap.kind(node),
            NodeKind::Array | NodeKind::Hidden | NodeKind::Code | NodeKind::Synthetic | NodeKind::ObjectShape
        )
    };
    // The growth of a whole chain of owners is told once, by the last of them.
    let mut within = vec![0u64; growths.len()];
    let mut nodes = Vec::new();
    for node in after.0.top_down().rev() {
        let (own, below) = (growths[node.index()], within[node.index()]);
        let told = is_told(node) && own > 0;
        if told && below < own - own / 10 {
            nodes.push(node);
        }
        if let Some(parent) = after.0.parent(node) {
            let most = &mut within[parent.index()];
            *most = (if told { own } else { below }).max(*most);
        }
    }
    nodes.sort_by_key(|node| Reverse(growths[node.index()]));
    nodes.truncate(limit);
    let views = nodes.into_iter().map(|node| {
        let growth = growths[node.index()];
        GrownView { node: reference(newer, node), retained_before: after.1[node.index()] - growth, growth }
    });
    views.collect()
}
