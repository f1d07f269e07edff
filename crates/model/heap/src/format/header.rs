//! The header: counts and the names of the columns. Columns are always found by name, because V8 has
//! added, moved and removed them over the years.

use serde::Deserialize;
use serde_json::Value;

use crate::SnapshotError;

#[derive(Deserialize)]
struct RawHeader {
    meta: RawMeta,
    node_count: u64,
    edge_count: u64,
    #[serde(default)]
    trace_function_count: u64,
    #[serde(default)]
    root_index: u64,
    #[serde(default)]
    extra_native_bytes: u64,
}

#[derive(Deserialize)]
struct RawMeta {
    node_fields: Vec<String>,
    node_types: Vec<Value>,
    edge_fields: Vec<String>,
    edge_types: Vec<Value>,
    #[serde(default)]
    location_fields: Vec<String>,
    #[serde(default)]
    trace_function_info_fields: Vec<String>,
    #[serde(default)]
    trace_node_fields: Vec<String>,
    #[serde(default)]
    sample_fields: Vec<String>,
    #[serde(default)]
    scope_fields: Vec<String>,
    #[serde(default)]
    scope_context_var_fields: Vec<String>,
    #[serde(default)]
    scope_use_fields: Vec<String>,
}

/// The snapshot's header.
#[derive(Clone, Debug)]
pub struct Header {
    /// Declared number of nodes (authoritative: surplus values are dropped).
    pub node_count: u64,
    /// Declared number of edges (authoritative).
    pub edge_count: u64,
    /// Declared number of allocation functions; 0 without allocation tracking.
    pub trace_function_count: u64,
    /// Root as a *node index* (ordinal × number of node fields).
    pub root_index: u64,
    /// Bytes outside the heap that V8 counts beside the graph (absent before 2024: 0).
    pub extra_native_bytes: u64,
    /// Where each column stands.
    pub columns: Columns,
}

/// Positions of the columns inside a node, an edge and a location, and the type lists.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Fields a node.
    pub node_width: usize,
    /// Column of the node type.
    pub node_type: usize,
    /// Column of the name (string index).
    pub node_name: usize,
    /// Column of the stable object id.
    pub node_id: usize,
    /// Column of the self size.
    pub node_self_size: usize,
    /// Column of the edge count.
    pub node_edge_count: usize,
    /// Column of the allocation trace node.
    pub node_trace: Option<usize>,
    /// Column of the detachedness.
    pub node_detachedness: Option<usize>,
    /// Names of the node types, by number.
    pub node_types: Vec<String>,
    /// Fields an edge.
    pub edge_width: usize,
    /// Column of the edge type.
    pub edge_type: usize,
    /// Column of the name or index.
    pub edge_name: usize,
    /// Column of the target (a node index).
    pub edge_to: usize,
    /// Names of the edge types, by number.
    pub edge_types: Vec<String>,
    /// Fields a location.
    pub location_width: usize,
    /// Columns of object index, script id, line, column; absent when locations cannot be read.
    pub location: Option<[usize; 4]>,
    /// Names of the fields of a trace function.
    pub trace_function_fields: Vec<String>,
    /// Names of the fields of a trace node.
    pub trace_node_fields: Vec<String>,
    /// Names of the fields of a sample.
    pub sample_fields: Vec<String>,
    /// Names of the fields of a scope.
    pub scope_fields: Vec<String>,
    /// Names of the fields of a scope's context variable.
    pub scope_variable_fields: Vec<String>,
    /// Names of the fields of a use of a variable.
    pub scope_use_fields: Vec<String>,
}

impl Header {
    /// Reads the value of the key `snapshot`, which begins at byte `offset` of the file.
    ///
    /// # Errors
    /// [`SnapshotError::Header`] or [`SnapshotError::MissingColumn`].
    pub fn parse(json: &[u8], offset: u64) -> Result<Self, SnapshotError> {
        let raw: RawHeader =
            serde_json::from_slice(json).map_err(|source| SnapshotError::Header { offset, source })?;
        let meta = &raw.meta;
        let node = |column| find(&meta.node_fields, "node_fields", column);
        let edge = |column| find(&meta.edge_fields, "edge_fields", column);
        let node_type = node("type")?;
        let edge_type = edge("type")?;
        let location = |column: &str| meta.location_fields.iter().position(|name| name == column);
        let columns = Columns {
            node_width: meta.node_fields.len(),
            node_type,
            node_name: node("name")?,
            node_id: node("id")?,
            node_self_size: node("self_size")?,
            node_edge_count: node("edge_count")?,
            node_trace: meta.node_fields.iter().position(|name| name == "trace_node_id"),
            node_detachedness: meta.node_fields.iter().position(|name| name == "detachedness"),
            node_types: type_list(&meta.node_types, node_type, "node_types")?,
            edge_width: meta.edge_fields.len(),
            edge_type,
            edge_name: edge("name_or_index")?,
            edge_to: edge("to_node")?,
            edge_types: type_list(&meta.edge_types, edge_type, "edge_types")?,
            location_width: meta.location_fields.len(),
            location: match (
                location("object_index"),
                location("script_id"),
                location("line"),
                location("column"),
            ) {
                (Some(object), Some(script), Some(line), Some(column)) => {
                    Some([object, script, line, column])
                }
                _ => None,
            },
            trace_function_fields: raw.meta.trace_function_info_fields,
            trace_node_fields: raw.meta.trace_node_fields,
            sample_fields: raw.meta.sample_fields,
            scope_fields: raw.meta.scope_fields,
            scope_variable_fields: raw.meta.scope_context_var_fields,
            scope_use_fields: raw.meta.scope_use_fields,
        };
        Ok(Self {
            node_count: raw.node_count,
            edge_count: raw.edge_count,
            trace_function_count: raw.trace_function_count,
            root_index: raw.root_index,
            extra_native_bytes: raw.extra_native_bytes,
            columns,
        })
    }
}

fn find(fields: &[String], list: &'static str, column: &'static str) -> Result<usize, SnapshotError> {
    fields.iter().position(|name| name == column).ok_or(SnapshotError::MissingColumn { list, column })
}

/// The entry of `types` at the type column is the list of type names; the other entries describe the
/// other columns and are not needed.
fn type_list(types: &[Value], at: usize, list: &'static str) -> Result<Vec<String>, SnapshotError> {
    let names = types
        .get(at)
        .and_then(Value::as_array)
        .ok_or(SnapshotError::MissingColumn { list, column: "type" })?;
    Ok(names.iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect())
}
