//! The class of every node.

use rustc_hash::FxHashMap;

use super::interfaces::{Interfaces, Shapes};
use crate::graph::{Buffer, Column};
use crate::index::Shelf;
use crate::{Heap, Lens, Location, NodeId, NodeKind};

/// What tells classes apart, also across snapshots: the name, and for objects where their constructor
/// stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Key {
    /// Name of the class.
    pub name: String,
    /// Where the constructor stands, for objects whose constructor is known.
    pub location: Option<Location>,
}

impl std::fmt::Display for Key {
    /// As DevTools spells it: `script,line,column,name`, or `,name`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(Location { script_id, line, column }) = self.location {
            write!(f, "{script_id},{line},{column}")?;
        }
        write!(f, ",{}", self.name)
    }
}

/// The classes of one heap, numbered in the order of their first node. 4 bytes a node.
pub struct Classes {
    of_node: Column<u32>,
    keys: Vec<Key>,
}

impl Classes {
    /// Classes with the interfaces that the heap itself suggests.
    pub fn new(heap: &Heap, lens: &Lens) -> Self {
        let shapes = Shapes::of(heap);
        let interfaces = Interfaces::of_shapes(heap, &shapes);
        Self::build(heap, lens, &shapes, &interfaces)
    }

    /// Classes with the interfaces of another heap: a comparison needs the same on both sides.
    pub fn with_interfaces(heap: &Heap, lens: &Lens, interfaces: &Interfaces) -> Self {
        Self::build(heap, lens, &Shapes::of(heap), interfaces)
    }

    fn build(heap: &Heap, lens: &Lens, shapes: &Shapes, interfaces: &Interfaces) -> Self {
        let definitions = interfaces.apply(heap, shapes);
        let mut plain = shapes.objects().iter().peekable();
        let mut locations = heap.locations().peekable();
        let mut names = Names::new(heap, lens, interfaces);
        let mut of_node = Buffer::zeroed(heap.node_count());
        let mut classes = Keys::default();
        for node in heap.nodes() {
            while locations.next_if(|&(located, _)| located < node).is_some() {}
            let kind = heap.kind(node);
            let interface = (plain.next_if(|&&(object, _)| object == node))
                .and_then(|&(_, shape)| definitions[shape as usize]);
            let name = match interface {
                Some(definition) => names.interface(definition),
                None => names.of(heap, lens, node, kind),
            };
            let location = match kind {
                NodeKind::Object => locations.next_if(|&(located, _)| located == node),
                _ => None,
            };
            of_node[node.index()] = classes.number(name, location.map(|(_, location)| location));
        }
        let keys = (classes.keys.into_iter())
            .map(|(name, location)| Key { name: names.text(name).to_owned(), location })
            .collect();
        Self { of_node: of_node.into(), keys }
    }

    /// Groups of somebody's own making: the group of every node, a number below `keys.len()`.
    pub fn grouped(of_node: Buffer<u32>, keys: Vec<Key>) -> Self {
        Self { of_node: of_node.into(), keys }
    }

    /// Keeps the classes.
    pub fn keep(self, shelf: &Shelf<'_>) -> Self {
        shelf.keep_value("class_keys", &self.keys);
        Self { of_node: shelf.park("classes", self.of_node), keys: self.keys }
    }

    /// The classes as [`Self::keep`] kept them.
    pub fn kept(heap: &Heap, shelf: &Shelf<'_>) -> Option<Self> {
        let keys = shelf.value("class_keys")?;
        Some(Self { of_node: shelf.column_of("classes", heap.node_count())?, keys })
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The class of a node.
    #[inline]
    pub fn of(&self, node: NodeId) -> u32 {
        self.of_node[node.index()]
    }

    /// Key of a class that [`Self::of`] gave.
    pub fn key(&self, class: u32) -> &Key {
        &self.keys[class as usize]
    }

    /// All keys, by class.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }
}

/// Class numbers by name and location.
#[derive(Default)]
struct Keys {
    keys: Vec<(u32, Option<Location>)>,
    /// Without a location: by the name's number. `u32::MAX` where there is none yet.
    bare: Vec<u32>,
    located: FxHashMap<(u32, u32, u32, u32), u32>,
}

impl Keys {
    fn number(&mut self, name: u32, location: Option<Location>) -> u32 {
        let new = self.keys.len() as u32;
        let number = match location {
            Some(Location { script_id, line, column }) => {
                *self.located.entry((name, script_id, line, column)).or_insert(new)
            }
            None => {
                if self.bare.len() <= name as usize {
                    self.bare.resize(name as usize + 1, u32::MAX);
                }
                let slot = &mut self.bare[name as usize];
                if *slot == u32::MAX {
                    *slot = new;
                }
                *slot
            }
        };
        if number == new {
            self.keys.push((name, location));
        }
        number
    }
}

/// Names of classes, numbered. Found by string index, so that no text is touched twice.
struct Names {
    texts: Vec<String>,
    by_text: FxHashMap<String, u32>,
    /// Number of each string index that names an object; `u32::MAX` where there is none yet.
    by_string: Vec<u32>,
    by_kind: [u32; 32],
    interfaces: Vec<u32>,
}

impl Names {
    fn new(heap: &Heap, _lens: &Lens, interfaces: &Interfaces) -> Self {
        let mut names = Self {
            texts: Vec::new(),
            by_text: FxHashMap::default(),
            by_string: vec![u32::MAX; heap.strings().len()],
            by_kind: [u32::MAX; 32],
            interfaces: Vec::new(),
        };
        names.interfaces = (0..interfaces.len()).map(|at| names.intern(interfaces.name(at))).collect();
        names
    }

    fn text(&self, name: u32) -> &str {
        self.texts.get(name as usize).map_or("", String::as_str)
    }

    fn intern(&mut self, text: &str) -> u32 {
        if let Some(&name) = self.by_text.get(text) {
            return name;
        }
        let name = self.texts.len() as u32;
        self.texts.push(text.to_owned());
        self.by_text.insert(text.to_owned(), name);
        name
    }

    fn interface(&self, definition: u32) -> u32 {
        self.interfaces[definition as usize]
    }

    #[inline]
    fn of(&mut self, heap: &Heap, lens: &Lens, node: NodeId, kind: NodeKind) -> u32 {
        match kind {
            NodeKind::Object | NodeKind::Native => {
                if lens.is_renamed(node) {
                    let name = lens.name(heap, node);
                    return self.intern(&without_attributes(&name));
                }
                let index = heap.name_index(node) as usize;
                let known = self.by_string.get(index).copied().unwrap_or(u32::MAX);
                if known != u32::MAX {
                    return known;
                }
                let name = self.intern(&without_attributes(&heap.name(node)));
                if let Some(slot) = self.by_string.get_mut(index) {
                    *slot = name;
                }
                name
            }
            _ => {
                let slot = kind as usize % self.by_kind.len();
                if self.by_kind[slot] == u32::MAX {
                    self.by_kind[slot] = match kind {
                        NodeKind::Hidden => self.intern("(system)"),
                        NodeKind::Code => self.intern("(compiled code)"),
                        NodeKind::Closure => self.intern("Function"),
                        NodeKind::RegExp => self.intern("RegExp"),
                        _ => self.intern(&format!("({})", kind.name())),
                    };
                }
                self.by_kind[slot]
            }
        }
    }
}

/// Elements carry their attributes in their name: `<div class="x">` is a `<div>`.
fn without_attributes(name: &str) -> std::borrow::Cow<'_, str> {
    let from = match name {
        name if name.starts_with('<') => 0,
        name if name.starts_with("Detached <") => "Detached <".len(),
        _ => return name.into(),
    };
    match name[from..].find(' ') {
        Some(space) => format!("{}>", &name[..from + space]).into(),
        None => name.into(),
    }
}
