//! From bytes to a [`Heap`].

use std::ops::Range;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::cursor::Cursor;
use super::edges::read_edges;
use super::header::Header;
use super::locations::read_locations;
use super::nodes::read_nodes;
use super::numbers::{Piece, cut};
use super::samples::{Sample, read_samples};
use super::scopes::{ScopeSections, Scopes, read_scopes};
use super::strings::Strings;
use super::traces::{TraceSections, Traces, read_traces};
use super::{Loss, Observer, SnapshotBytes, Stage, Watch};
use crate::SnapshotError;
use crate::graph::{EdgeColumns, EdgeKind, Heap, Locations, NodeColumns, NodeId, NodeKind, StringSet};

/// Ordinals are 32 bits wide and the largest value is kept free.
const MAXIMUM: u64 = u32::MAX as u64 - 1;

/// The largest sum of all sizes: what a JSON number holds exactly. Sums over any part of the heap fit.
pub(super) const MAXIMUM_BYTES: u64 = 1 << 53;

/// Where the sections stand in the file, in bytes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Layout {
    header: Range<usize>,
    nodes: Option<Section>,
    edges: Option<Section>,
    locations: Option<Section>,
    traces: TraceSections,
    samples: Option<Section>,
    scopes: ScopeSections,
    /// Names of sections that this reader does not know.
    pub(crate) unknown: Vec<String>,
    strings: Option<usize>,
    /// Whether the file goes on to its closing brace, as far as it has been read.
    closed: bool,
}

impl Layout {
    /// The header, read once more.
    pub(crate) fn header(&self, text: &[u8]) -> Option<Header> {
        Header::parse(text.get(self.header.clone())?, self.header.start as u64).ok()
    }

    /// What follows the graph: stacks that allocated, the timeline's clock, scopes of the sources.
    pub(crate) fn side_tables(
        &self,
        text: &[u8],
        header: &Header,
        nodes: usize,
        losses: &mut Vec<Loss>,
    ) -> (Option<Traces>, Vec<Sample>, Option<Scopes>) {
        (
            read_traces(text, &self.traces, header, losses),
            read_samples(text, self.samples.as_ref(), &header.columns, losses),
            read_scopes(text, &self.scopes, &header.columns, nodes, losses),
        )
    }

    /// Why a section is not there.
    fn missing(&self, section: &'static str, length: usize, expected: u64) -> SnapshotError {
        if self.closed {
            SnapshotError::MissingSection { section }
        } else {
            SnapshotError::Truncated { section, offset: length as u64, found: 0, expected }
        }
    }
}

/// Where a section's numbers stand.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Section {
    /// Between its brackets.
    pub(super) range: Range<usize>,
    /// Whether the closing bracket is there.
    pub(super) complete: bool,
}

impl Heap {
    /// Reads a snapshot. `observer` hears of progress and may cancel; pass `&()` for neither.
    ///
    /// # Errors
    /// When no usable graph is in the bytes: not a snapshot, truncated inside nodes or edges, or
    /// contradicting itself. Smaller damage is listed in [`Heap::losses`].
    pub fn read(bytes: SnapshotBytes, observer: &dyn Observer) -> Result<Self, SnapshotError> {
        let text = bytes.as_slice();
        let mut watch = Watch::new(observer, &bytes);
        let mut losses = Vec::new();
        let (header, layout) = find_sections(text, &mut losses)?;
        check_limits(&header)?;

        let columns = &header.columns;
        let numbers = |count: u64, width: usize| count.saturating_mul(width as u64);
        let node_section = layout.nodes.clone().ok_or_else(|| {
            layout.missing("nodes", text.len(), numbers(header.node_count, columns.node_width))
        })?;
        watch.enter(Stage::Nodes, node_section.range.start)?;
        let node_kinds = kinds(&header.columns.node_types, NodeKind::from_name, NodeKind::Unknown);
        let found = pieces(text, &node_section, "nodes", columns.node_width, header.node_count, &mut losses)?;
        let (nodes, total_size) = read_nodes(&found, &header, &watch)?;

        let edge_section = layout.edges.clone().ok_or_else(|| {
            layout.missing("edges", text.len(), numbers(header.edge_count, columns.edge_width))
        })?;
        watch.enter(Stage::Edges, edge_section.range.start)?;
        let edge_kinds = kinds(&header.columns.edge_types, EdgeKind::from_name, EdgeKind::Unknown);
        let found = pieces(text, &edge_section, "edges", columns.edge_width, header.edge_count, &mut losses)?;
        let edges = read_edges(&found, &header, &watch)?;
        if edges.kinds.len() as u64 != u64::from(nodes.first_edges.last().copied().unwrap_or(0)) {
            return Err(SnapshotError::Inconsistent {
                section: "edges",
                index: edges.kinds.len() as u64,
                what: format!(
                    "the nodes' edge counts add up to {}, the file holds {} edges",
                    nodes.first_edges.last().copied().unwrap_or(0),
                    edges.kinds.len()
                ),
            });
        }

        let locations = match &layout.locations {
            Some(section) => read_locations(text, section, &header, nodes.kinds.len(), &mut losses),
            None => Locations::default(),
        };
        let (traces, samples, scopes) = layout.side_tables(text, &header, nodes.kinds.len(), &mut losses);

        watch.enter(Stage::Strings, edge_section.range.end)?;
        if layout.strings.is_none() && layout.closed {
            return Err(SnapshotError::MissingSection { section: "strings" });
        }
        let strings = read_strings(&bytes, layout.strings, &nodes, &edges, &edge_kinds, &mut losses)?;

        let root = header.root_index / header.columns.node_width as u64;
        if root >= nodes.kinds.len() as u64
            || !header.root_index.is_multiple_of(header.columns.node_width as u64)
        {
            return Err(SnapshotError::Inconsistent {
                section: "snapshot",
                index: header.root_index,
                what: format!(
                    "root_index {} is no node index (of {} nodes)",
                    header.root_index,
                    nodes.kinds.len()
                ),
            });
        }
        count_unknown(&nodes.kinds, &node_kinds, NodeKind::Unknown, "nodes", &mut losses);
        count_unknown(&edges.kinds, &edge_kinds, EdgeKind::Unknown, "edges", &mut losses);
        let ephemeron_tables = ephemeron_tables(&strings);
        watch.enter(Stage::Strings, text.len())?;
        Ok(Self {
            header,
            nodes,
            edges,
            locations,
            traces,
            samples,
            scopes,
            layout,
            total_size,
            strings,
            losses,
            node_kinds,
            edge_kinds,
            root: NodeId(root as u32),
            ephemeron_names: StringSet::of(ephemeron_tables.keys().copied()),
            ephemeron_tables,
        })
    }
}

fn find_sections(text: &[u8], losses: &mut Vec<Loss>) -> Result<(Header, Layout), SnapshotError> {
    let mut cursor = Cursor::new(text);
    let mut header = None;
    let mut sections = Layout::default();
    cursor.expect(b'{', "\"{\"")?;
    loop {
        match cursor.peek() {
            Some(b'}') => {
                sections.closed = true;
                break;
            }
            Some(b',') => {
                cursor.at += 1;
                continue;
            }
            None => {
                losses.push(Loss {
                    section: "file",
                    offset: text.len() as u64,
                    what: "the file ends before the closing brace".into(),
                });
                break;
            }
            Some(_) => {}
        }
        let Some(key) = cursor.string()? else { continue };
        // A file that ends between a key and its value is cut off like any other.
        if cursor.peek().is_some() {
            cursor.expect(b':', "\":\"")?;
        }
        if cursor.peek().is_none() {
            continue;
        }
        if header.is_some() && key == b"snapshot"
            || sections.nodes.is_some() && key == b"nodes"
            || sections.edges.is_some() && key == b"edges"
            || sections.locations.is_some() && key == b"locations"
        {
            losses.push(Loss {
                section: "file",
                offset: cursor.at as u64,
                what: format!("a second \"{}\" ignored, the first one rules", String::from_utf8_lossy(key)),
            });
            cursor.value()?;
            continue;
        }
        match key {
            b"snapshot" => {
                let offset = cursor.at as u64;
                let (range, _) = cursor.value()?;
                header = Some(Header::parse(&text[range.clone()], offset)?);
                sections.header = range;
            }
            b"nodes" | b"edges" | b"locations" => {
                let (range, complete) = cursor.flat_array()?;
                let section = Some(Section { range, complete });
                match key {
                    b"nodes" => sections.nodes = section,
                    b"edges" => sections.edges = section,
                    _ => sections.locations = section,
                }
            }
            b"strings" => {
                cursor.expect(b'[', "an array of strings")?;
                sections.strings = Some(cursor.at);
                sections.closed = true;
                // The strings are the last section; where they end is found out when they are read.
                break;
            }
            b"trace_tree" => {
                let (range, complete) = cursor.value()?;
                sections.traces.tree.get_or_insert(Section { range, complete });
            }
            b"trace_function_infos" | b"samples" | b"scopes" | b"scope_context_vars" | b"scope_uses"
                if cursor.peek() == Some(b'[') =>
            {
                let (range, complete) = cursor.flat_array()?;
                let section = match key {
                    b"trace_function_infos" => &mut sections.traces.functions,
                    b"samples" => &mut sections.samples,
                    b"scopes" => &mut sections.scopes.scopes,
                    b"scope_context_vars" => &mut sections.scopes.variables,
                    _ => &mut sections.scopes.uses,
                };
                section.get_or_insert(Section { range, complete });
            }
            _ => {
                sections.unknown.push(String::from_utf8_lossy(key).into_owned());
                cursor.value()?;
            }
        }
    }
    let header = header.ok_or(SnapshotError::MissingSection { section: "snapshot" })?;
    Ok((header, sections))
}

fn check_limits(header: &Header) -> Result<(), SnapshotError> {
    for (what, found) in
        [("the number of nodes", header.node_count), ("the number of edges", header.edge_count)]
    {
        if found > MAXIMUM {
            return Err(SnapshotError::TooLarge { what, found, maximum: MAXIMUM });
        }
    }
    Ok(())
}

/// A number section, cut into runs of whole records.
pub(super) struct Pieces<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
}

/// Splits the first `count` entries off a column.
pub(super) fn take<'a, T>(column: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (head, tail) = std::mem::take(column).split_at_mut(count);
    *column = tail;
    head
}

/// Checks that the section holds the declared numbers and cuts it into pieces.
fn pieces<'a>(
    text: &'a [u8],
    section: &Section,
    name: &'static str,
    width: usize,
    count: u64,
    losses: &mut Vec<Loss>,
) -> Result<Pieces<'a>, SnapshotError> {
    let body = &text[section.range.clone()];
    // A count that the text does not hold is refused before any column of that length is allocated.
    let expected = count.saturating_mul(width as u64);
    let (pieces, found) = cut(body, width, count as usize);
    if found < expected || !section.complete && found == expected && !body.ends_with(b"\n") && count > 0 {
        return Err(short(section, name, found, expected, text.len()));
    }
    if found > expected {
        losses.push(Loss {
            section: name,
            offset: section.range.start as u64,
            what: format!("{} surplus numbers dropped, the header's count rules", found - expected),
        });
    }
    Ok(Pieces { pieces })
}

/// The text between two commas is not one number.
pub(super) fn no_numbers(section: &'static str, piece: &Piece<'_>) -> SnapshotError {
    SnapshotError::Inconsistent {
        section,
        index: piece.first as u64,
        what: format!(
            "something else than whole numbers stands in this or one of the next {} entries",
            piece.records
        ),
    }
}

fn short(section: &Section, name: &'static str, found: u64, expected: u64, length: usize) -> SnapshotError {
    if section.complete {
        SnapshotError::Inconsistent {
            section: name,
            index: found,
            what: format!("{found} numbers present, the header declares {expected}"),
        }
    } else {
        SnapshotError::Truncated { section: name, offset: length as u64, found, expected }
    }
}

pub(crate) fn kinds<K: Copy>(names: &[String], from_name: impl Fn(&str) -> K, unknown: K) -> [K; 256] {
    let mut kinds = [unknown; 256];
    for (slot, name) in kinds.iter_mut().zip(names) {
        *slot = from_name(name);
    }
    kinds
}

fn count_unknown<K: Copy + PartialEq>(
    column: &[u8],
    kinds: &[K; 256],
    unknown: K,
    section: &'static str,
    losses: &mut Vec<Loss>,
) {
    // Most files hold known types only, and a maximum is found in a fraction of the time.
    let known = kinds.iter().position(|&kind| kind == unknown).unwrap_or(kinds.len());
    if column.par_chunks(1 << 20).map(|part| part.iter().copied().max()).max().flatten() < Some(known as u8) {
        return;
    }
    let mut counts = [0u64; 256];
    for &kind in column {
        counts[kind as usize] += 1;
    }
    for (kind, &count) in counts.iter().enumerate() {
        if count > 0 && kinds[kind] == unknown {
            losses.push(Loss {
                section,
                offset: 0,
                what: format!("{count} of an unknown type (number {kind}), kept"),
            });
        }
    }
}

fn read_strings(
    bytes: &SnapshotBytes,
    at: Option<usize>,
    nodes: &NodeColumns,
    edges: &EdgeColumns,
    edge_kinds: &[EdgeKind; 256],
    losses: &mut Vec<Loss>,
) -> Result<Strings, SnapshotError> {
    let end = bytes.as_slice().len();
    let (strings, behind, complete) = Strings::find(bytes.clone(), at.unwrap_or(end))?;
    let node_names = nodes.names.par_iter().copied().max().unwrap_or(0);
    let edge_names = edges
        .names
        .par_iter()
        .zip(&edges.kinds[..])
        // Of an unknown type nobody knows whether its name is a string or a number.
        .filter(|&(_, &kind)| {
            let kind = edge_kinds[kind as usize];
            !kind.is_indexed() && kind != EdgeKind::Unknown
        })
        .map(|(&name, _)| name)
        .max()
        .unwrap_or(0);
    let needed = node_names.max(edge_names) as usize + 1;
    if complete && needed > strings.len() {
        return Err(SnapshotError::Inconsistent {
            section: "strings",
            index: needed as u64 - 1,
            what: format!("a name refers to this string, the table holds {}", strings.len()),
        });
    }
    if !complete {
        losses.push(Loss {
            section: "strings",
            offset: end as u64,
            what: format!("the file ends here; {} of at least {needed} strings are left", strings.len()),
        });
    } else {
        behind_strings(bytes.as_slice(), behind, losses);
    }
    Ok(strings)
}

/// The strings are V8's last section: only the closing brace follows.
fn behind_strings(text: &[u8], at: usize, losses: &mut Vec<Loss>) {
    let mut cursor = Cursor::new(text);
    cursor.at = at;
    let what = match cursor.peek() {
        Some(b'}') => return,
        Some(_) => "what follows the strings is not read",
        None => "the file ends before the closing brace",
    };
    losses.push(Loss { section: "file", offset: cursor.at as u64, what: what.into() });
}

/// Finds the names of ephemeron edges,
/// `17 / part of key (Foo @3) -> value (Bar @5) pair in WeakMap (table @7)`, and the table of each.
fn ephemeron_tables(strings: &Strings) -> FxHashMap<u32, u32> {
    strings
        .containing(" / part of key (")
        .into_iter()
        .filter_map(|index| {
            let name = strings.get(index);
            let (number, rest) = name.split_once(" / part of key (")?;
            let (_, table) = rest.rsplit_once(" pair in WeakMap (table @")?;
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let table = table.strip_suffix(')')?;
            (digits(number) && digits(table))
                .then(|| table.parse().ok().map(|table| (index, table)))
                .flatten()
        })
        .collect()
}
