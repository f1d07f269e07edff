//! `trace_function_infos` and `trace_tree`: which call stacks allocated, recorded with allocation tracking.

use serde::{Deserialize, Serialize};

use super::Loss;
use super::header::Header;
use super::read::Section;
use super::tables::{narrow, read_table, state_too_large};

/// A function that allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceFunction {
    /// V8's id of the function.
    pub id: u32,
    /// Its name (string index).
    pub name: u32,
    /// Its script's name (string index).
    pub script_name: u32,
    /// Its script.
    pub script_id: u32,
    /// 1-based line; 0 where V8 knows none.
    pub line: u32,
    /// 1-based column; 0 where V8 knows none.
    pub column: u32,
}

/// One call stack: a function, called by its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceNode {
    /// What a node's `trace_node_id` refers to.
    pub id: u32,
    /// Position in [`Traces::functions`]; `None` when the file does not hold the function.
    pub function: Option<u32>,
    /// Objects allocated.
    pub count: u64,
    /// Bytes allocated.
    pub size: u64,
    /// Position of the caller; `None` for the root.
    pub parent: Option<u32>,
    /// Position behind the last trace node below this one.
    pub end: u32,
}

/// The functions and the tree of their call stacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// The functions.
    pub functions: Vec<TraceFunction>,
    /// The tree in preorder: everything below the node at `n` stands at `n + 1..nodes[n].end`.
    pub nodes: Vec<TraceNode>,
}

impl Traces {
    /// Positions of the direct callees of the node at a position.
    pub fn children(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.nodes.get(node).map_or(0, |node| node.end as usize);
        let first = Some(node + 1).filter(|&first| first < end);
        std::iter::successors(first, move |&child| {
            let next = self.nodes.get(child)?.end as usize;
            (next > child && next < end).then_some(next)
        })
    }
}

/// The two sections, as far as they are there.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TraceSections {
    pub(super) functions: Option<Section>,
    /// The whole value, brackets included.
    pub(super) tree: Option<Section>,
}

/// Reads what allocation tracking has recorded; `None` where there is nothing.
pub(super) fn read_traces(
    text: &[u8],
    sections: &TraceSections,
    header: &Header,
    losses: &mut Vec<Loss>,
) -> Option<Traces> {
    const NAME: &str = "trace_function_infos";
    let wanted = ["function_id", "name", "script_name", "script_id", "line", "column"];
    let fields = &header.columns.trace_function_fields;
    let mut too_large = 0;
    let functions: Vec<TraceFunction> =
        read_table(text, sections.functions.as_ref(), NAME, fields, wanted, losses)
            .into_iter()
            .map(|row| {
                let [id, name, script_name, script_id, line, column] =
                    row.map(|value| narrow(value, &mut too_large));
                TraceFunction { id, name, script_name, script_id, line, column }
            })
            .collect();
    let start = sections.functions.as_ref().map_or(0, |section| section.range.start);
    state_too_large(too_large, NAME, start, losses);
    if (functions.len() as u64) < header.trace_function_count {
        let what = format!(
            "{} functions present, the header declares {}",
            functions.len(),
            header.trace_function_count
        );
        losses.push(Loss { section: NAME, offset: start as u64, what });
    }
    let nodes = match &sections.tree {
        Some(section) => read_tree(text, section, &header.columns.trace_node_fields, &functions, losses),
        None => Vec::new(),
    };
    (!functions.is_empty() || !nodes.is_empty()).then_some(Traces { functions, nodes })
}

/// What the next value of a tuple is.
#[derive(Clone, Copy, PartialEq)]
enum Field {
    Id,
    Function,
    Count,
    Size,
    Children,
    Unknown,
}

/// Reads the nested tuples without recursion: a stack of calls may be as deep as the file is long.
fn read_tree(
    text: &[u8],
    section: &Section,
    fields: &[String],
    functions: &[TraceFunction],
    losses: &mut Vec<Loss>,
) -> Vec<TraceNode> {
    const NAME: &str = "trace_tree";
    let body = text.get(section.range.clone()).unwrap_or_default();
    let mut lost = |at: usize, what: String| {
        losses.push(Loss { section: NAME, offset: (section.range.start + at) as u64, what });
    };
    let fields: Vec<Field> = fields
        .iter()
        .map(|name| match name.as_str() {
            "id" => Field::Id,
            "function_info_index" => Field::Function,
            "count" => Field::Count,
            "size" => Field::Size,
            "children" => Field::Children,
            _ => Field::Unknown,
        })
        .collect();
    let known = [Field::Id, Field::Function, Field::Count, Field::Size, Field::Children];
    if !known.iter().all(|field| fields.contains(field)) {
        if body.iter().any(u8::is_ascii_digit) {
            lost(0, "the header does not name its columns, not read".into());
        }
        return Vec::new();
    }
    let mut nodes: Vec<TraceNode> = Vec::new();
    // The caller of each open array and the field that its next value is.
    let mut open: Vec<(Option<u32>, usize)> = Vec::new();
    let (mut at, mut too_large, mut unknown) = (0usize, 0u64, 0u64);
    let damage = loop {
        let Some(&byte) = body.get(at) else { break Some("the file ends here") };
        match byte {
            b'[' => {
                let caller = match open.last_mut() {
                    None => None,
                    Some((_, next)) if fields.get(*next) == Some(&Field::Children) && !nodes.is_empty() => {
                        *next = (*next + 1) % fields.len();
                        // Its columns may stand behind the children, its position is known from the first.
                        Some(nodes.len() as u32 - 1)
                    }
                    Some(_) => break Some("an array stands where a number should"),
                };
                open.push((caller, 0));
                at += 1;
            }
            b']' => {
                let Some((caller, next)) = open.pop() else { break Some("a bracket too many") };
                let length = nodes.len() as u32;
                if let Some(node) = caller.and_then(|caller| nodes.get_mut(caller as usize)) {
                    node.end = length;
                }
                if next != 0 {
                    break Some("a tuple lacks values");
                }
                at += 1;
                if open.is_empty() {
                    break None;
                }
            }
            b'0'..=b'9' => {
                let length =
                    body.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
                let digits = body.get(at..at + length).unwrap_or_default();
                let value = digits.iter().fold(0u64, |value, digit| {
                    value.saturating_mul(10).saturating_add(u64::from(digit.wrapping_sub(b'0')))
                });
                let Some((caller, next)) = open.last_mut() else { break Some("a number stands alone") };
                if *next == 0 {
                    if nodes.len() >= u32::MAX as usize - 1 {
                        break Some("more trace nodes than 32 bits count");
                    }
                    let end = nodes.len() as u32 + 1;
                    nodes.push(TraceNode { id: 0, function: None, count: 0, size: 0, parent: *caller, end });
                }
                let Some(node) = nodes.last_mut() else { break Some("a number stands alone") };
                match fields.get(*next) {
                    Some(Field::Id) => node.id = narrow(value, &mut too_large),
                    Some(Field::Function) => {
                        node.function = u32::try_from(value).ok().filter(|&f| (f as usize) < functions.len());
                        unknown += u64::from(node.function.is_none());
                    }
                    Some(Field::Count) => node.count = value,
                    Some(Field::Size) => node.size = value,
                    Some(Field::Children) => break Some("a number stands where an array should"),
                    _ => {}
                }
                *next = (*next + 1) % fields.len();
                at += length;
            }
            b',' | b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            _ => break Some("something else than numbers and arrays stands here"),
        }
        // Only a tuple whose children come last can be told from the one before it.
        if fields.last() != Some(&Field::Children) {
            break Some("the children are not the last column, not read");
        }
    };
    // What was open at the end goes on to the end.
    let length = nodes.len() as u32;
    for (caller, _) in open {
        if let Some(node) = caller.and_then(|caller| nodes.get_mut(caller as usize)) {
            node.end = length;
        }
    }
    if let Some(damage) = damage {
        lost(at, format!("{damage}; {length} trace nodes are left"));
    }
    if unknown > 0 {
        lost(0, format!("{unknown} refer to functions beyond the {} present", functions.len()));
    }
    state_too_large(too_large, NAME, section.range.start, losses);
    nodes
}
