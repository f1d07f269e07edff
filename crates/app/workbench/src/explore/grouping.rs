//! Groups of nodes other than classes: where their constructor stands, whose package that is, their shape.

use leakhound_heap::graph::Buffer;
use leakhound_heap::query::{Classes, Key};
use leakhound_heap::{EdgeKind, NodeId, NodeKind};
use std::collections::HashMap;

use super::Exploration;

/// What the rows of a summary are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// Classes, as everywhere.
    #[default]
    Class,
    /// The place of the function, or of the constructor.
    Location,
    /// The npm package that this place belongs to. What has no place belongs to the package of its nearest
    /// dominator that has one.
    Package,
    /// V8's hidden class, with the properties of its first object.
    Shape,
}

impl GroupBy {
    /// As JSON and faces spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Location => "location",
            Self::Package => "package",
            Self::Shape => "shape",
        }
    }
}

/// What belongs to no source: the system, and what it alone holds.
const NO_PACKAGE: &str = "(V8 and Node.js)";
/// Sources outside of every node_modules folder.
const APPLICATION: &str = "(application)";
/// Properties in the name of a shape.
const PROPERTIES: usize = 8;

/// Gives numbers to names.
#[derive(Default)]
struct Groups {
    numbers: HashMap<String, u32>,
    keys: Vec<Key>,
}

impl Groups {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.keys.len() as u32;
        self.numbers.insert(name.to_owned(), number);
        self.keys.push(Key { name: name.to_owned(), location: None });
        number
    }
}

/// The groups of all nodes.
pub(super) fn groups(exploration: &Exploration, by: GroupBy) -> Classes {
    let mut of_node = Buffer::zeroed(exploration.heap().node_count());
    let keys = match by {
        GroupBy::Class => classes(exploration, &mut of_node),
        GroupBy::Location => locations(exploration, &mut of_node),
        GroupBy::Package => packages(exploration, &mut of_node),
        GroupBy::Shape => shapes(exploration, &mut of_node),
    };
    Classes::grouped(of_node, keys)
}

fn classes(exploration: &Exploration, of_node: &mut [u32]) -> Vec<Key> {
    for node in exploration.heap().nodes() {
        of_node[node.index()] = exploration.classes().of(node);
    }
    exploration.classes().keys().to_vec()
}

fn locations(exploration: &Exploration, of_node: &mut [u32]) -> Vec<Key> {
    let heap = exploration.heap();
    let mut groups = Groups::default();
    // What has no place keeps the name of its class.
    let classes = exploration.classes();
    let of_class: Vec<u32> =
        classes.keys().iter().map(|key| groups.number(&format!("no location: {}", key.name))).collect();
    for node in heap.nodes() {
        of_node[node.index()] = of_class.get(classes.of(node) as usize).copied().unwrap_or_default();
    }
    let mut known: HashMap<leakhound_heap::Location, u32> = HashMap::new();
    for (node, location) in heap.locations() {
        let group = *known.entry(location).or_insert_with(|| {
            let place = exploration.place_of(location);
            groups.number(&place.unwrap_or_else(|| {
                format!("script {}:{}:{}", location.script_id, location.line + 1, location.column + 1)
            }))
        });
        of_node[node.index()] = group;
    }
    groups.keys
}

fn packages(exploration: &Exploration, of_node: &mut [u32]) -> Vec<Key> {
    let heap = exploration.heap();
    let (dominators, _) = exploration.order();
    let mut groups = Groups::default();
    let nobody = groups.number(NO_PACKAGE);
    let mut scripts: HashMap<u32, u32> = HashMap::new();
    let mut own = Buffer::filled(heap.node_count(), u32::MAX);
    for (node, location) in heap.locations() {
        own[node.index()] = *scripts.entry(location.script_id).or_insert_with(|| {
            let url = exploration.scripts().url(heap, location.script_id);
            groups.number(url.as_deref().map_or(NO_PACKAGE, package))
        });
    }
    // Dominators come before what they dominate.
    for node in dominators.top_down() {
        of_node[node.index()] = match (own[node.index()], dominators.parent(node)) {
            (u32::MAX, Some(parent)) => of_node[parent.index()],
            (u32::MAX, None) => nobody,
            (group, _) => group,
        };
    }
    groups.keys
}

/// The package of a source file.
fn package(url: &str) -> &str {
    const FOLDER: &str = "/node_modules/";
    if url.starts_with("node:") {
        return NO_PACKAGE;
    }
    let Some(at) = url.rfind(FOLDER) else { return APPLICATION };
    let name = &url[at + FOLDER.len()..];
    let parts = if name.starts_with('@') { 2 } else { 1 };
    let end = name.match_indices('/').nth(parts - 1).map_or(name.len(), |(at, _)| at);
    &name[..end]
}

fn shapes(exploration: &Exploration, of_node: &mut [u32]) -> Vec<Key> {
    let heap = exploration.heap();
    let classes = exploration.classes();
    let mut groups = Groups::default();
    let map_name = heap.strings().position("map");
    let of_class: Vec<u32> = classes.keys().iter().map(|key| groups.number(&key.name)).collect();
    let mut known: HashMap<(NodeId, u32), u32> = HashMap::new();
    for node in heap.nodes() {
        let class = classes.of(node);
        let map = match heap.kind(node) {
            NodeKind::Object => heap
                .edges(node)
                .find(|edge| edge.kind == EdgeKind::Internal && Some(edge.name_or_index) == map_name)
                .map(|edge| edge.to),
            _ => None,
        };
        of_node[node.index()] = match map {
            Some(map) => *known
                .entry((map, class))
                .or_insert_with(|| groups.number(&shape(exploration, node, map, &classes.key(class).name))),
            None => of_class.get(class as usize).copied().unwrap_or_default(),
        };
    }
    groups.keys
}

/// `Session {user, cart} map @77`
fn shape(exploration: &Exploration, node: NodeId, map: NodeId, class: &str) -> String {
    let heap = exploration.heap();
    let properties = heap.edges(node).filter(|edge| edge.kind == EdgeKind::Property);
    let mut names: Vec<String> = properties.map(|edge| heap.edge_name(&edge).into_owned()).collect();
    names.retain(|name| name != "__proto__");
    let more = if names.len() > PROPERTIES { ", …" } else { "" };
    names.truncate(PROPERTIES);
    let list =
        if class.starts_with('{') { String::new() } else { format!(" {{{}{more}}}", names.join(", ")) };
    format!("{class}{list} map @{}", heap.id(map))
}

#[cfg(test)]
mod tests {
    use super::package;

    #[test]
    fn packages_are_read_from_paths() {
        assert_eq!(package("/srv/node_modules/express/lib/router.js"), "express");
        assert_eq!(package("file:///srv/node_modules/a/node_modules/@b/c/index.js"), "@b/c");
        assert_eq!(package("/srv/server.js"), "(application)");
        assert_eq!(package("node:events"), "(V8 and Node.js)");
        assert_eq!(package("/srv/node_modules/single.js"), "single.js");
    }
}
