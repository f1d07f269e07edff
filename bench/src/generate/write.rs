//! The file: each section makes all parts anew and writes its own columns of them.

use std::io::{self, Write};

use super::unit::{EdgeType, OWN, Part, Target};
use super::{prelude, unit};

/// The node fields of a Node.js release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Layout {
    /// Seven fields, one node a line
    Node20,
    /// Six fields: no `trace_node_id`, no line breaks
    Node24,
}

impl Layout {
    fn fields(self) -> u64 {
        match self {
            Self::Node20 => 7,
            Self::Node24 => 6,
        }
    }
}

/// What to write.
pub(crate) struct Recipe {
    /// The wanted size of the file.
    pub(crate) bytes: u64,
    pub(crate) seed: u64,
    pub(crate) layout: Layout,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) nodes: u64,
    pub(crate) edges: u64,
    pub(crate) strings: u64,
}

/// Units of the calibration: enough to know what one takes on average.
const CALIBRATION: u64 = 60;

/// Streams the snapshot of this recipe.
pub(crate) fn snapshot(recipe: &Recipe, out: &mut impl Write) -> io::Result<Written> {
    let heap = Plan::of(recipe)?;
    heap.write(out)?;
    Ok(heap.written)
}

/// Where the units stand.
struct Plan {
    seed: u64,
    layout: Layout,
    /// Each unit's first node.
    nodes: Vec<u64>,
    /// Each unit's first string.
    strings: Vec<u64>,
    written: Written,
}

impl Plan {
    /// Takes the number of units from the size that a small heap has; the digits of ordinals, which grow
    /// with the heap, are counted by numbering that heap's nodes from where the real one has its middle.
    fn of(recipe: &Recipe) -> io::Result<Self> {
        let mut units = 1;
        // What a unit takes depends on the ordinals' digits, which depend on the number of units.
        for _ in 0..3 {
            let mut counted = Counted(0);
            let small = Self::with(recipe, CALIBRATION);
            let per_unit = (small.written.nodes - prelude::node_count()) / CALIBRATION;
            small.write_shifted(&mut counted, units / 2 * per_unit)?;
            units = (recipe.bytes * CALIBRATION / counted.0.max(1)).max(1);
        }
        Ok(Self::with(recipe, units))
    }

    fn with(recipe: &Recipe, units: u64) -> Self {
        let mut plan = Self {
            seed: recipe.seed,
            layout: recipe.layout,
            nodes: Vec::new(),
            strings: Vec::new(),
            written: Written::default(),
        };
        let mut at = Written { nodes: prelude::node_count(), edges: 0, strings: prelude::string_count() };
        for number in 0..units {
            let part = unit::part(recipe.seed, number, at.nodes);
            plan.nodes.push(at.nodes);
            plan.strings.push(at.strings);
            at.nodes += part.nodes.len() as u64;
            at.edges += part.edges.len() as u64;
            at.strings += part.strings.len() as u64;
        }
        at.edges += prelude::part(&plan.nodes).edges.len() as u64;
        plan.written = at;
        plan
    }

    /// The prelude and every unit with its first node and first string.
    fn parts(&self) -> impl Iterator<Item = (Part, u64, u64)> {
        let mut first = prelude::part(&self.nodes);
        first.edges.sort_by_key(|edge| edge.source);
        let units = self.nodes.iter().zip(&self.strings).enumerate();
        let units = units
            .map(|(number, (node, string))| (unit::part(self.seed, number as u64, *node), *node, *string));
        std::iter::once((first, 0, 0)).chain(units)
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.write_shifted(out, 0)
    }

    /// The snapshot, with `shift` added to the ordinals that are written (0 in a file that is kept).
    fn write_shifted(&self, out: &mut impl Write, shift: u64) -> io::Result<()> {
        let Written { nodes, edges, .. } = self.written;
        let (field, kind) = match self.layout {
            Layout::Node20 => ("\"trace_node_id\",", ",\"number\""),
            Layout::Node24 => ("", ""),
        };
        write!(
            out,
            "{{\"snapshot\":{{\"meta\":{{\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\",\"edge_count\",\
             {field}\"detachedness\"],\"node_types\":[[\"hidden\",\"array\",\"string\",\"object\",\"code\",\
             \"closure\",\"regexp\",\"number\",\"native\",\"synthetic\",\"concatenated string\",\"sliced string\",\
             \"symbol\",\"bigint\",\"object shape\"],\"string\",\"number\",\"number\",\"number\"{kind},\"number\"],\
             \"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],\"edge_types\":[[\"context\",\"element\",\
             \"property\",\"internal\",\"hidden\",\"shortcut\",\"weak\"],\"string_or_number\",\"node\"],\
             \"trace_function_info_fields\":[\"function_id\",\"name\",\"script_name\",\"script_id\",\"line\",\
             \"column\"],\"trace_node_fields\":[\"id\",\"function_info_index\",\"count\",\"size\",\"children\"],\
             \"sample_fields\":[\"timestamp_us\",\"last_assigned_id\"],\"location_fields\":[\"object_index\",\
             \"script_id\",\"line\",\"column\"]}},\"node_count\":{nodes},\"edge_count\":{edges},\
             \"trace_function_count\":0}},\n\"nodes\":["
        )?;
        self.write_nodes(out, shift)?;
        write!(out, "],\n\"edges\":[")?;
        self.write_edges(out, shift)?;
        write!(
            out,
            "],\n\"trace_function_infos\":[],\n\"trace_tree\":[],\n\"samples\":[],\n\"locations\":["
        )?;
        let mut between = "";
        for (part, node, _) in self.parts() {
            for (at, script, line, column) in &part.locations {
                let index = (node + shift + u64::from(*at)) * self.layout.fields();
                write!(out, "{between}{index},{script},{line},{column}")?;
                between = self.between();
            }
        }
        write!(out, "],\n\"strings\":[")?;
        let mut between = "";
        for text in prelude::strings().chain(self.parts().flat_map(|(part, ..)| part.strings)) {
            write!(out, "{between}\"{text}\"")?;
            between = ",\n";
        }
        writeln!(out, "]}}")
    }

    fn between(&self) -> &'static str {
        match self.layout {
            Layout::Node20 => "\n,",
            Layout::Node24 => ",",
        }
    }

    fn write_nodes(&self, out: &mut impl Write, shift: u64) -> io::Result<()> {
        let end: &[u8] = match self.layout {
            Layout::Node20 => b",0,0",
            Layout::Node24 => b",0",
        };
        let mut line = Line::default();
        for (part, first, string) in self.parts() {
            for (at, node) in part.nodes.iter().enumerate() {
                let id = (first + shift + at as u64) * 2 + 1;
                let name = numbered(node.name, string);
                if first + at as u64 > 0 {
                    line.bytes(self.between().as_bytes());
                }
                line.numbers(&[node.kind as u64, name, id, node.size, u64::from(node.edges)]);
                line.bytes(end);
                line.flush(out)?;
            }
        }
        Ok(())
    }

    fn write_edges(&self, out: &mut impl Write, shift: u64) -> io::Result<()> {
        let (mut line, mut first_edge) = (Line::default(), true);
        for (part, first, string) in self.parts() {
            for edge in &part.edges {
                let to = match edge.to {
                    Target::Here(node) => first + shift + u64::from(node),
                    Target::Anywhere(node) => node,
                };
                let name = match edge.kind {
                    EdgeType::Element | EdgeType::Hidden | EdgeType::Weak => edge.name,
                    _ => numbered(edge.name, string),
                };
                if !std::mem::take(&mut first_edge) {
                    line.bytes(self.between().as_bytes());
                }
                line.numbers(&[edge.kind as u64, name, to * self.layout.fields()]);
                line.flush(out)?;
            }
        }
        Ok(())
    }
}

/// The number of a string in the whole table; `first` is the part's first.
fn numbered(name: u64, first: u64) -> u64 {
    if name >= OWN { name - OWN + first } else { name }
}

/// Text on its way out, without the machinery of `write!` for each number.
#[derive(Default)]
struct Line(Vec<u8>);

impl Line {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn numbers(&mut self, numbers: &[u64]) {
        for (at, number) in numbers.iter().enumerate() {
            if at > 0 {
                self.0.push(b',');
            }
            let begin = self.0.len();
            let mut rest = *number;
            loop {
                self.0.push(b'0' + (rest % 10) as u8);
                rest /= 10;
                if rest == 0 {
                    break;
                }
            }
            if let Some(digits) = self.0.get_mut(begin..) {
                digits.reverse();
            }
        }
    }

    fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.0)?;
        self.0.clear();
        Ok(())
    }
}

/// Counts what is written.
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
