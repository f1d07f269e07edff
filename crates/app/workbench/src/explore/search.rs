//! `search`: objects by name, by the text of a string, or by the name of a property.

use std::path::PathBuf;

use leakhound_heap::{EdgeKind, Model, NodeId};
use rayon::prelude::*;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::object::reference;
use super::{Dump, Exploration, ReferenceView};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// Where a text may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchIn {
    /// Names of objects, functions and classes.
    Names,
    /// Texts of strings, as far as V8 wrote them.
    Strings,
    /// Names of properties and variables.
    Properties,
}

impl SearchIn {
    fn as_str(self) -> &'static str {
        match self {
            Self::Names => "name",
            Self::Strings => "string",
            Self::Properties => "property",
        }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    /// The dump.
    pub file: PathBuf,
    /// The rules.
    pub model: Model,
    /// What is looked for.
    pub pattern: Regex,
    /// Where; everywhere when not said.
    pub within: Option<SearchIn>,
    /// At most so many matches.
    pub limit: Option<usize>,
}

/// `leakhound.search/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// Matches before the limit.
    pub matching: u64,
    /// The matches that keep most alive.
    pub matches: Vec<MatchView>,
}

/// One match.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MatchView {
    /// What matched: `name`, `string` or `property`.
    pub matched: String,
    /// Name of the property or variable that matched.
    pub property: Option<String>,
    /// The object; the one that has the property.
    #[serde(flatten)]
    pub node: ReferenceView,
}

/// Searches a dump.
///
/// # Errors
/// When the dump cannot be read.
pub async fn search(
    options: SearchOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<SearchView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&options.file, options.model, &cancel, sender)?;
        let mut found = matches(&exploration, &options);
        if !found.is_empty() {
            exploration.prepare();
            let (_, retained) = exploration.order();
            found.sort_by_key(|(node, ..)| (std::cmp::Reverse(retained[node.index()]), *node));
        }
        Ok(SearchView {
            schema: "leakhound.search/1".into(),
            model: options.model.as_str().into(),
            dump: exploration.dump(),
            matching: found.len() as u64,
            matches: (found.iter().take(options.limit.unwrap_or(usize::MAX)))
                .map(|&(node, matched, property)| MatchView {
                    matched: matched.as_str().into(),
                    property: property.map(|index| exploration.heap().strings().get(index).into_owned()),
                    node: reference(&exploration, node),
                })
                .collect(),
        })
    })
    .await
}

fn matches(exploration: &Exploration, options: &SearchOptions) -> Vec<(NodeId, SearchIn, Option<u32>)> {
    let heap = exploration.heap();
    let strings = heap.strings();
    // Every text is looked at once, however often it is used.
    let texts: Vec<bool> = (0..strings.len() as u32)
        .into_par_iter()
        .map(|index| options.pattern.is_match(&strings.get(index)))
        .collect();
    let is_match = |index: u32| texts.get(index as usize).copied().unwrap_or(false);
    let asks = |within: SearchIn| options.within.is_none_or(|asked| asked == within);
    let named = |kind: EdgeKind| matches!(kind, EdgeKind::Property | EdgeKind::Context);
    let matches = |node: NodeId, found: &mut Vec<(NodeId, SearchIn, Option<u32>)>| {
        let within = if heap.kind(node).is_string() { SearchIn::Strings } else { SearchIn::Names };
        if asks(within) && is_match(heap.name_index(node)) {
            found.push((node, within, None));
        }
        if asks(SearchIn::Properties) {
            let edges = heap.edges(node).filter(|edge| named(edge.kind) && is_match(edge.name_or_index));
            found.extend(edges.map(|edge| (node, SearchIn::Properties, Some(edge.name_or_index))));
        }
    };
    const PART: usize = 1 << 16;
    let parts = heap.node_count().div_ceil(PART);
    let found: Vec<Vec<_>> = (0..parts)
        .into_par_iter()
        .map(|part| {
            let mut found = Vec::new();
            for at in part * PART..heap.node_count().min((part + 1) * PART) {
                matches(NodeId::from_index(at), &mut found);
            }
            found
        })
        .collect();
    found.concat()
}
