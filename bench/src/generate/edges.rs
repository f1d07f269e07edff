//! Few nodes, very many edges: for readers that count in 32 bits.

use std::io::{self, Write};

/// Nodes beside the root; the root points at each once, they share the other edges out among themselves.
const NODES: u64 = 13;

/// Streams a snapshot of exactly `edges` edges (at least one for each node but the root).
///
/// Apart from the root's, edge `n` (from 0) is a hidden one named `n % 10`; it leads to node `n % 14`.
pub(crate) fn many_edges(edges: u64, out: &mut impl Write) -> io::Result<()> {
    let edges = edges.max(NODES);
    let others = edges - NODES;
    write!(
        out,
        "{{\"snapshot\":{{\"meta\":{{\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\",\"edge_count\"],\
         \"node_types\":[[\"hidden\",\"array\",\"string\",\"object\",\"code\",\"closure\",\"regexp\",\"number\",\
         \"native\",\"synthetic\"],\"string\",\"number\",\"number\",\"number\"],\"edge_fields\":[\"type\",\
         \"name_or_index\",\"to_node\"],\"edge_types\":[[\"context\",\"element\",\"property\",\"internal\",\
         \"hidden\",\"shortcut\",\"weak\"],\"string_or_number\",\"node\"]}},\"node_count\":{},\"edge_count\":{edges}}},\n\
         \"nodes\":[9,0,1,0,{NODES}",
        NODES + 1
    )?;
    for node in 0..NODES {
        let share = others / NODES + u64::from(node < others % NODES);
        write!(out, ",3,1,{},16,{share}", node * 2 + 3)?;
    }
    write!(out, "],\n\"edges\":[")?;
    for node in 0..NODES {
        write!(out, "{}1,{node},{}", if node == 0 { "" } else { "," }, (node + 1) * 5)?;
    }
    // The pattern repeats after 70 edges (10 names, 14 nodes).
    let pattern: Vec<String> = (0..70).map(|n| format!(",4,{},{}", n % 10, n % (NODES + 1) * 5)).collect();
    let whole = pattern.concat();
    for _ in 0..others / 70 {
        out.write_all(whole.as_bytes())?;
    }
    for edge in pattern.iter().take((others % 70) as usize) {
        out.write_all(edge.as_bytes())?;
    }
    writeln!(out, "],\n\"strings\":[\"\",\"Hub\"]}}")
}
