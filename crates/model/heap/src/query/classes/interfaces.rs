//! Interfaces: names for plain objects, made of the properties that many of them have.

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::display::units;
use crate::{EdgeKind, Heap, NodeId, NodeKind};

/// A candidate's text may not grow beyond this many UTF-16 units.
const MAXIMUM_UNITS: usize = 120;

/// Interface definitions, most common first. Texts, so that they apply to another heap as well.
#[derive(Clone, Debug, Default)]
pub struct Interfaces {
    definitions: Vec<Definition>,
}

#[derive(Clone, Debug)]
struct Definition {
    /// `{a, b, c}`
    name: String,
    properties: Vec<String>,
}

/// The shapes of a heap's plain objects: every sequence of property names that occurs, once.
pub(super) struct Shapes {
    /// The property names (string indexes) of all shapes, one after the other.
    names: Vec<u32>,
    /// Where each shape's names end.
    ends: Vec<u32>,
    /// Objects of each shape.
    counts: Vec<u64>,
    /// Every plain object, in file order, with its shape.
    objects: Vec<(NodeId, u32)>,
    proto: Option<u32>,
}

impl Shapes {
    /// Looks at the property edges of every object whose name is exactly `Object`.
    pub(super) fn of(heap: &Heap) -> Self {
        let plain = heap.strings().position("Object");
        let mut shapes = Self {
            names: Vec::new(),
            ends: Vec::new(),
            counts: Vec::new(),
            objects: Vec::new(),
            proto: heap.strings().position("__proto__"),
        };
        // Shapes by the hash of their names; equal hashes are told apart by the names themselves.
        let mut known: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
        let mut names = Vec::new();
        for node in heap.nodes() {
            if plain != Some(heap.name_index(node)) || heap.kind(node) != NodeKind::Object {
                continue;
            }
            names.clear();
            let properties = heap.edges(node).filter(|edge| edge.kind == EdgeKind::Property);
            names.extend(properties.map(|edge| edge.name_or_index));
            let same_hash = known.entry(hash(&names)).or_default();
            let shape = match same_hash.iter().find(|&&shape| shapes.names(shape) == names) {
                Some(&shape) => shape,
                None => {
                    let shape = shapes.ends.len() as u32;
                    shapes.names.extend_from_slice(&names);
                    shapes.ends.push(shapes.names.len() as u32);
                    shapes.counts.push(0);
                    same_hash.push(shape);
                    shape
                }
            };
            shapes.counts[shape as usize] += 1;
            shapes.objects.push((node, shape));
        }
        shapes
    }

    fn names(&self, shape: u32) -> &[u32] {
        let start = match shape {
            0 => 0,
            shape => self.ends[shape as usize - 1],
        };
        &self.names[start as usize..self.ends[shape as usize] as usize]
    }

    /// Every plain object, in file order, with its shape.
    pub(super) fn objects(&self) -> &[(NodeId, u32)] {
        &self.objects
    }
}

fn hash(names: &[u32]) -> u64 {
    use std::hash::BuildHasher;
    rustc_hash::FxBuildHasher.hash_one(names)
}

impl Interfaces {
    /// The interfaces that enough of the heap's plain objects have.
    pub fn infer(heap: &Heap) -> Self {
        Self::of_shapes(heap, &Shapes::of(heap))
    }

    pub(super) fn of_shapes(heap: &Heap, shapes: &Shapes) -> Self {
        // Shapes come in the order of their first object, so candidates do too.
        let mut by_name: FxHashMap<String, usize> = FxHashMap::default();
        let mut candidates: Vec<(Definition, u64)> = Vec::new();
        let mut formatted = FxHashMap::default();
        for shape in 0..shapes.ends.len() as u32 {
            let Some(candidate) = candidate(heap, shapes, shape, &mut formatted) else { continue };
            let count = shapes.counts[shape as usize];
            match by_name.get(&candidate.name) {
                Some(&at) => candidates[at].1 += count,
                None => {
                    by_name.insert(candidate.name.clone(), candidates.len());
                    candidates.push((candidate, count));
                }
            }
        }
        let total = shapes.objects.len() as f64;
        let least = (total / 1000.0).max(2.0);
        // A stable sort: of equal counts, the first to appear stays first.
        candidates.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let kept = candidates.into_iter().take_while(|&(_, count)| count as f64 >= least);
        Self { definitions: kept.map(|(definition, _)| definition).collect() }
    }

    /// Number of definitions.
    pub fn len(&self) -> usize {
        self.definitions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty()
    }

    /// Name of a definition: `{a, b, c}`.
    pub(super) fn name(&self, definition: usize) -> &str {
        self.definitions.get(definition).map_or("Object", |definition| &definition.name)
    }

    /// The definition that each shape matches best: all its properties occur, the most properties win, of
    /// as many the more common one.
    pub(super) fn apply(&self, heap: &Heap, shapes: &Shapes) -> Vec<Option<u32>> {
        let strings = heap.strings();
        let wanted: FxHashSet<&str> = self
            .definitions
            .iter()
            .flat_map(|definition| &definition.properties)
            .map(String::as_str)
            .collect();
        // The property names that occur here, by string index.
        let mut indexes: FxHashMap<&str, u32> = FxHashMap::default();
        let mut seen = FxHashSet::default();
        for &name in &shapes.names {
            if seen.insert(name)
                && let Some(&text) = wanted.get(&*strings.get(name))
            {
                indexes.insert(text, name);
            }
        }
        // Definitions by their first property, as string indexes of this heap.
        let mut by_first: FxHashMap<u32, Vec<(u32, Vec<u32>)>> = FxHashMap::default();
        for (at, definition) in self.definitions.iter().enumerate() {
            let properties: Option<Vec<u32>> =
                definition.properties.iter().map(|name| indexes.get(name.as_str()).copied()).collect();
            if let Some(properties) = properties
                && let Some(&first) = properties.first()
            {
                by_first.entry(first).or_default().push((at as u32, properties));
            }
        }
        let mut sorted = Vec::new();
        (0..shapes.ends.len() as u32)
            .map(|shape| {
                sorted.clear();
                sorted.extend_from_slice(shapes.names(shape));
                sorted.sort_unstable();
                sorted.dedup();
                let has = |name: &u32| sorted.binary_search(name).is_ok();
                (sorted.iter().filter_map(|name| by_first.get(name)).flatten())
                    .filter(|(_, properties)| properties.iter().all(has))
                    .max_by_key(|(at, properties)| (properties.len(), std::cmp::Reverse(*at)))
                    .map(|&(at, _)| at)
            })
            .collect()
    }
}

/// The definition that objects of this shape suggest.
fn candidate(
    heap: &Heap,
    shapes: &Shapes,
    shape: u32,
    formatted: &mut FxHashMap<u32, (String, usize)>,
) -> Option<Definition> {
    let mut name = String::from("{");
    let mut length = 1;
    let mut properties = Vec::new();
    for &property in shapes.names(shape).iter().filter(|&&name| Some(name) != shapes.proto) {
        let (text, size) = formatted.entry(property).or_insert_with(|| {
            let text = format_property(&heap.strings().get(property)).into_owned();
            let size = units(&text);
            (text, size)
        });
        if !properties.is_empty() {
            if length + *size > MAXIMUM_UNITS {
                break;
            }
            name.push_str(", ");
            length += 2;
        }
        name.push_str(text);
        length += *size;
        properties.push(heap.strings().get(property).into_owned());
    }
    name.push('}');
    (!properties.is_empty()).then_some(Definition { name, properties })
}

/// A property name that could be taken for punctuation is shown as a JSON string.
pub(super) fn format_property(name: &str) -> Cow<'_, str> {
    if name.contains([',', '\'', '"', '{', '}']) {
        return Cow::Owned(serde_json::Value::from(name).to_string());
    }
    Cow::Borrowed(name)
}
