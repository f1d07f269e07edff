//! From bytes to a [`Heap`].

use std::ops::Range;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::cursor::Cursor;
use super::header::Header;
use super::numbers::{Numbers, Piece, cut};
use super::strings::Strings;
use super::{Loss, Observer, Progress, SnapshotBytes, Stage};
use crate::SnapshotError;
use crate::graph::{EdgeColumns, EdgeKind, Heap, Location, NodeColumns, NodeId, NodeKind};

/// Ordinals are 32 bits wide and the largest value is kept free.
const MAXIMUM: u64 = u32::MAX as u64 - 1;

/// The largest sum of all sizes: what a JSON number holds exactly. Sums over any part of the heap fit.
const MAXIMUM_BYTES: u64 = 1 << 53;

/// Where the sections stand.
#[derive(Default)]
struct Sections {
    nodes: Option<Section>,
    edges: Option<Section>,
    locations: Option<Section>,
    strings: Option<usize>,
    /// Whether the file goes on to its closing brace, as far as it has been read.
    closed: bool,
}

impl Sections {
    /// Why a section is not there.
    fn missing(&self, section: &'static str, length: usize, expected: u64) -> SnapshotError {
        if self.closed {
            SnapshotError::MissingSection { section }
        } else {
            SnapshotError::Truncated { section, offset: length as u64, found: 0, expected }
        }
    }
}

#[derive(Clone)]
struct Section {
    range: Range<usize>,
    complete: bool,
}

impl Heap {
    /// Reads a snapshot. `observer` hears of progress and may cancel; pass `&()` for neither.
    ///
    /// # Errors
    /// When no usable graph is in the bytes: not a snapshot, truncated inside nodes or edges, or
    /// contradicting itself. Smaller damage is listed in [`Heap::losses`].
    pub fn read(bytes: SnapshotBytes, observer: &dyn Observer) -> Result<Self, SnapshotError> {
        let text = bytes.as_slice();
        let total = text.len() as u64;
        let report = |stage, at: usize| {
            observer.progress(Progress { stage, bytes: at as u64, total });
            if observer.cancelled() { Err(SnapshotError::Cancelled) } else { Ok(()) }
        };
        let mut losses = Vec::new();
        let (header, sections) = find_sections(text, &mut losses)?;
        check_limits(&header)?;

        let columns = &header.columns;
        let numbers = |count: u64, width: usize| count.saturating_mul(width as u64);
        let node_section = sections.nodes.clone().ok_or_else(|| {
            sections.missing("nodes", text.len(), numbers(header.node_count, columns.node_width))
        })?;
        report(Stage::Nodes, node_section.range.start)?;
        let node_kinds = kinds(&header.columns.node_types, NodeKind::from_name, NodeKind::Unknown);
        let nodes = read_nodes(text, &node_section, &header, &mut losses)?;

        let edge_section = sections.edges.clone().ok_or_else(|| {
            sections.missing("edges", text.len(), numbers(header.edge_count, columns.edge_width))
        })?;
        report(Stage::Edges, edge_section.range.start)?;
        let edge_kinds = kinds(&header.columns.edge_types, EdgeKind::from_name, EdgeKind::Unknown);
        let edges = read_edges(text, &edge_section, &header, &mut losses)?;
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

        let locations = match &sections.locations {
            Some(section) => read_locations(text, section, &header, nodes.kinds.len(), &mut losses),
            None => Vec::new(),
        };

        report(Stage::Strings, edge_section.range.end)?;
        if sections.strings.is_none() && sections.closed {
            return Err(SnapshotError::MissingSection { section: "strings" });
        }
        let strings = read_strings(&bytes, sections.strings, &nodes, &edges, &edge_kinds, &mut losses)?;

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
        let end = text.len();
        let heap = Self {
            header,
            nodes,
            edges,
            locations,
            strings,
            losses,
            node_kinds,
            edge_kinds,
            root: NodeId(root as u32),
            ephemeron_tables,
        };
        report(Stage::Strings, end)?;
        Ok(heap)
    }
}

fn find_sections(text: &[u8], losses: &mut Vec<Loss>) -> Result<(Header, Sections), SnapshotError> {
    let mut cursor = Cursor::new(text);
    let mut header = None;
    let mut sections = Sections::default();
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
                header = Some(Header::parse(&text[range], offset)?);
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
            _ => {
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

/// Checks that the section holds the declared numbers and cuts it into pieces.
fn pieces<'a>(
    text: &'a [u8],
    section: &Section,
    name: &'static str,
    width: usize,
    count: u64,
    losses: &mut Vec<Loss>,
) -> Result<Vec<Piece<'a>>, SnapshotError> {
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
    Ok(pieces)
}

/// The text between two commas is not one number.
fn no_numbers(section: &'static str, piece: &Piece<'_>) -> SnapshotError {
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

fn kinds<K: Copy>(names: &[String], from_name: impl Fn(&str) -> K, unknown: K) -> [K; 256] {
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

/// The mutable parts of the columns that one piece fills.
struct NodeSlices<'a> {
    kinds: &'a mut [u8],
    names: &'a mut [u32],
    ids: &'a mut [u32],
    self_sizes: &'a mut [u32],
    /// Edge counts, turned into offsets afterwards.
    edge_counts: &'a mut [u32],
    detachedness: Option<&'a mut [u8]>,
    trace_nodes: Option<&'a mut [u32]>,
}

fn read_nodes(
    text: &[u8],
    section: &Section,
    header: &Header,
    losses: &mut Vec<Loss>,
) -> Result<NodeColumns, SnapshotError> {
    let columns = &header.columns;
    let count = header.node_count as usize;
    let pieces = pieces(text, section, "nodes", columns.node_width, header.node_count, losses)?;
    let mut nodes = NodeColumns {
        kinds: vec![0; count],
        names: vec![0; count],
        ids: vec![0; count],
        self_sizes: vec![0; count],
        large_sizes: FxHashMap::default(),
        first_edges: vec![0; count + 1],
        detachedness: columns.node_detachedness.map(|_| vec![0; count]),
        trace_nodes: columns.node_trace.map(|_| vec![0; count]),
    };
    let mut slices = Vec::with_capacity(pieces.len());
    {
        let mut kinds = &mut nodes.kinds[..];
        let mut names = &mut nodes.names[..];
        let mut ids = &mut nodes.ids[..];
        let mut self_sizes = &mut nodes.self_sizes[..];
        let mut edge_counts = &mut nodes.first_edges[1..];
        let mut detachedness = nodes.detachedness.as_deref_mut();
        let mut trace_nodes = nodes.trace_nodes.as_deref_mut();
        for piece in &pieces {
            slices.push(NodeSlices {
                kinds: take(&mut kinds, piece.records),
                names: take(&mut names, piece.records),
                ids: take(&mut ids, piece.records),
                self_sizes: take(&mut self_sizes, piece.records),
                edge_counts: take(&mut edge_counts, piece.records),
                detachedness: detachedness.as_mut().map(|column| take(column, piece.records)),
                trace_nodes: trace_nodes.as_mut().map(|column| take(column, piece.records)),
            });
        }
    }
    let sizes: Vec<Result<Sizes, SnapshotError>> = pieces
        .par_iter()
        .zip(slices.par_iter_mut())
        .map(|(piece, slices)| fill_nodes(piece, slices, header))
        .collect();
    let mut total = header.extra_native_bytes;
    for sizes in sizes {
        let sizes = sizes?;
        total = total.saturating_add(sizes.sum);
        nodes.large_sizes.extend(sizes.large);
    }
    if total > MAXIMUM_BYTES {
        return Err(SnapshotError::TooLarge {
            what: "the sum of all sizes",
            found: total,
            maximum: MAXIMUM_BYTES,
        });
    }
    let mut sum = 0u64;
    for count in &mut nodes.first_edges[1..] {
        sum += u64::from(*count);
        *count = sum.min(u64::from(u32::MAX)) as u32;
    }
    if sum != header.edge_count {
        return Err(SnapshotError::Inconsistent {
            section: "nodes",
            index: header.node_count,
            what: format!("the edge counts add up to {sum}, the header declares {}", header.edge_count),
        });
    }
    Ok(nodes)
}

fn take<'a, T>(column: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (head, tail) = std::mem::take(column).split_at_mut(count);
    *column = tail;
    head
}

/// The self sizes of one piece.
#[derive(Default)]
struct Sizes {
    /// Node and size, where 32 bits do not hold it.
    large: Vec<(u32, u64)>,
    sum: u64,
}

fn fill_nodes(
    piece: &Piece<'_>,
    slices: &mut NodeSlices<'_>,
    header: &Header,
) -> Result<Sizes, SnapshotError> {
    let columns = &header.columns;
    let width = columns.node_width;
    let mut sizes = Sizes::default();
    let mut numbers: Numbers<'_> = piece.numbers();
    // A record has a handful of fields; the unused tail of the array is never read.
    let mut record = vec![0u64; width];
    for at in 0..piece.records {
        for field in &mut record {
            *field = numbers.next().ok_or_else(|| no_numbers("nodes", piece))?;
        }
        let ordinal = (piece.first + at) as u64;
        let narrow = |value: u64, what: &str| {
            u32::try_from(value).map_err(|_| SnapshotError::Inconsistent {
                section: "nodes",
                index: ordinal,
                what: format!("{what} {value} does not fit 32 bits"),
            })
        };
        slices.kinds[at] = record[columns.node_type].min(255) as u8;
        slices.names[at] = narrow(record[columns.node_name], "string index")?;
        slices.ids[at] = narrow(record[columns.node_id], "id")?;
        let size = record[columns.node_self_size];
        slices.self_sizes[at] = size.min(u64::from(u32::MAX)) as u32;
        if size >= u64::from(u32::MAX) {
            sizes.large.push((ordinal as u32, size));
        }
        sizes.sum = sizes.sum.saturating_add(size);
        slices.edge_counts[at] = narrow(record[columns.node_edge_count], "edge count")?;
        if let (Some(column), Some(slice)) = (columns.node_detachedness, &mut slices.detachedness) {
            slice[at] = record[column].min(255) as u8;
        }
        if let (Some(column), Some(slice)) = (columns.node_trace, &mut slices.trace_nodes) {
            slice[at] = narrow(record[column], "trace node")?;
        }
    }
    if piece.is_exhausted_by(&numbers) { Ok(sizes) } else { Err(no_numbers("nodes", piece)) }
}

fn read_edges(
    text: &[u8],
    section: &Section,
    header: &Header,
    losses: &mut Vec<Loss>,
) -> Result<EdgeColumns, SnapshotError> {
    let columns = &header.columns;
    let count = header.edge_count as usize;
    let pieces = pieces(text, section, "edges", columns.edge_width, header.edge_count, losses)?;
    let mut edges = EdgeColumns { kinds: vec![0; count], names: vec![0; count], targets: vec![0; count] };
    let mut kinds = &mut edges.kinds[..];
    let mut names = &mut edges.names[..];
    let mut targets = &mut edges.targets[..];
    let mut slices: Vec<_> = pieces
        .iter()
        .map(|piece| {
            let records = piece.records;
            (take(&mut kinds, records), take(&mut names, records), take(&mut targets, records))
        })
        .collect();
    let node_width = columns.node_width as u64;
    pieces.par_iter().zip(slices.par_iter_mut()).try_for_each(|(piece, (kinds, names, targets))| {
        let mut numbers = piece.numbers();
        let mut record = vec![0u64; columns.edge_width];
        for at in 0..piece.records {
            for field in &mut record {
                *field = numbers.next().ok_or_else(|| no_numbers("edges", piece))?;
            }
            let wrong = |what: String| SnapshotError::Inconsistent {
                section: "edges",
                index: (piece.first + at) as u64,
                what,
            };
            kinds[at] = record[columns.edge_type].min(255) as u8;
            let name = record[columns.edge_name];
            names[at] =
                u32::try_from(name).map_err(|_| wrong(format!("name {name} does not fit 32 bits")))?;
            let to = record[columns.edge_to];
            let target = to / node_width;
            if target >= header.node_count || !to.is_multiple_of(node_width) {
                return Err(wrong(format!("to_node {to} is no node index (of {} nodes)", header.node_count)));
            }
            targets[at] = target as u32;
        }
        if piece.is_exhausted_by(&numbers) { Ok(()) } else { Err(no_numbers("edges", piece)) }
    })?;
    Ok(edges)
}

fn read_locations(
    text: &[u8],
    section: &Section,
    header: &Header,
    node_count: usize,
    losses: &mut Vec<Loss>,
) -> Vec<(u32, Location)> {
    let Some([object, script, line, column]) = header.columns.location else {
        losses.push(Loss {
            section: "locations",
            offset: section.range.start as u64,
            what: "the header names no columns".into(),
        });
        return Vec::new();
    };
    let width = header.columns.location_width;
    let node_width = header.columns.node_width as u64;
    let mut numbers = Numbers::over(&text[section.range.clone()]);
    let mut record = vec![0u64; width];
    let mut locations = Vec::new();
    let mut misplaced = 0u64;
    let rest = 'all: loop {
        for (at, field) in record.iter_mut().enumerate() {
            match numbers.next() {
                Some(value) => *field = value,
                None => break 'all at,
            }
        }
        let node = record[object] / node_width;
        let is_node = node < node_count as u64 && record[object].is_multiple_of(node_width);
        let small = |at: usize| u32::try_from(record[at]).ok();
        match (is_node, small(script), small(line), small(column)) {
            (true, Some(script_id), Some(line), Some(column)) => {
                locations.push((node as u32, Location { script_id, line, column }));
            }
            _ => misplaced += 1,
        }
    };
    let mut lost = |offset: usize, what: String| {
        losses.push(Loss { section: "locations", offset: offset as u64, what });
    };
    if !section.complete {
        // The last number may lack digits.
        if rest == 0 {
            locations.pop();
        }
        lost(section.range.end, format!("the file ends here; {} locations are left", locations.len()));
    } else if rest > 0 {
        lost(section.range.end, format!("{rest} numbers at the end make no location of {width}, dropped"));
    }
    if misplaced > 0 {
        lost(section.range.start, format!("{misplaced} that name no node or no place, dropped"));
    }
    locations.sort_by_key(|&(node, _)| node);
    locations.dedup_by_key(|&mut (node, _)| node);
    locations
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
    let (mut strings, behind, complete) = Strings::find(bytes.clone(), at.unwrap_or(end))?;
    let node_names = nodes.names.par_iter().copied().max().unwrap_or(0);
    let edge_names = edges
        .names
        .par_iter()
        .zip(&edges.kinds)
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
        strings.pad(needed);
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
