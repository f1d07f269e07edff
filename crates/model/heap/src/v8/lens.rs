//! What one model makes of a heap: sizes, names, and the edges that count.

use std::borrow::Cow;

use super::devtools::{Detachedness, Shallow, page_owned, user_roots};
use crate::graph::NodeSet;
use crate::index::Shelf;
use crate::order::Answer;
use crate::{Edge, EdgeKind, Heap, Model, NodeId};

/// One heap as one model sees it. Holds no borrow: every question takes the heap it was made for.
#[derive(Debug)]
pub struct Lens {
    model: Model,
    user_roots: Vec<NodeId>,
    detachedness: Detachedness,
    /// Devtools model only.
    page_owned: Option<NodeSet>,
    /// Devtools model only, and only where there are user roots.
    shallow: Option<Shallow>,
    /// Whether any edge can be an ephemeron's.
    ephemerons: bool,
}

/// Which parts were kept.
#[derive(serde::Serialize, serde::Deserialize)]
struct Made {
    page_owned: bool,
    shallow: bool,
}

/// Why an edge does or does not keep its target alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeRule {
    /// It does.
    Retains,
    /// A weak edge.
    Weak,
    /// An edge of a node to itself.
    Itself,
    /// The table's half of a WeakMap entry: the value lives as long as its key.
    TablesHalf,
    /// Devtools: a shortcut that is not the root's.
    Shortcut,
    /// Devtools: from outside of the page into it.
    IntoThePage,
}

impl EdgeRule {
    /// The rule in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retains => "keeps its target alive",
            Self::Weak => "weak: does not keep its target alive",
            Self::Itself => "an edge to itself keeps nothing alive",
            Self::TablesHalf => "the table of a WeakMap: the entry's value lives through its key",
            Self::Shortcut => "a shortcut that V8 adds for readers",
            Self::IntoThePage => "from the system into what the program's own roots reach",
        }
    }
}

impl Lens {
    /// Applies the model's rules to `heap`.
    pub fn new(heap: &Heap, model: Model) -> Self {
        let mut lens = Self {
            model,
            user_roots: user_roots(heap),
            detachedness: Detachedness::default(),
            page_owned: None,
            shallow: None,
            ephemerons: !heap.ephemeron_tables.is_empty(),
        };
        if model == Model::DevTools {
            lens.detachedness = Detachedness::new(heap);
            if !lens.user_roots.is_empty() {
                lens.page_owned = Some(page_owned(heap)).filter(|owned| !owned.is_empty());
                lens.shallow = Some(Shallow::new(heap));
            }
        }
        lens
    }

    /// Keeps what the rules made.
    pub fn keep(self, shelf: &Shelf<'_>) -> Self {
        self.detachedness.keep(shelf);
        if let Some(owned) = &self.page_owned {
            owned.keep(shelf, "page_owned");
        }
        let lens = Self { shallow: self.shallow.map(|shallow| shallow.keep(shelf)), ..self };
        shelf.keep_value(
            "lens",
            &Made { page_owned: lens.page_owned.is_some(), shallow: lens.shallow.is_some() },
        );
        lens
    }

    /// The lens as [`Self::keep`] kept it.
    pub fn kept(heap: &Heap, model: Model, shelf: &Shelf<'_>) -> Option<Self> {
        let made: Made = shelf.value("lens")?;
        Some(Self {
            model,
            user_roots: user_roots(heap),
            detachedness: Detachedness::kept(heap, shelf),
            page_owned: match made.page_owned {
                true => Some(NodeSet::kept(shelf, "page_owned", heap.node_count())?),
                false => None,
            },
            shallow: match made.shallow {
                true => Some(Shallow::kept(heap, shelf)?),
                false => None,
            },
            ephemerons: !heap.ephemeron_tables.is_empty(),
        })
    }

    /// The model.
    pub fn model(&self) -> Model {
        self.model
    }

    /// The program's own roots: the global object of each realm, or its native context. None in a snapshot
    /// with internals exposed.
    pub fn user_roots(&self) -> &[NodeId] {
        &self.user_roots
    }

    /// Shallow size in bytes: in the devtools model with what belongs to this node alone.
    #[inline]
    pub fn size(&self, heap: &Heap, node: NodeId) -> u64 {
        match &self.shallow {
            Some(shallow) => shallow.get(node),
            None => heap.self_size(node),
        }
    }

    /// Name of a node: in the devtools model with "Detached " where that was found out.
    pub fn name<'h>(&self, heap: &'h Heap, node: NodeId) -> Cow<'h, str> {
        if self.is_renamed(node) {
            return Cow::Owned(format!("Detached {}", heap.name(node)));
        }
        heap.name(node)
    }

    /// Whether [`Self::name`] differs from the file's name.
    #[inline]
    pub(crate) fn is_renamed(&self, node: NodeId) -> bool {
        self.detachedness.is_renamed(node)
    }

    /// Whether the node is detached: known to the devtools model only.
    pub fn is_detached(&self, node: NodeId) -> bool {
        self.detachedness.is_detached(node)
    }

    /// What the edge's type says about [`Self::retains`].
    pub(crate) fn answer(&self, kind: EdgeKind) -> Answer {
        match kind {
            EdgeKind::Weak => Answer::Never,
            EdgeKind::Shortcut if self.model == Model::DevTools => Answer::Ask,
            EdgeKind::Internal if self.ephemerons => Answer::Ask,
            _ if self.page_owned.is_some() => Answer::Ask,
            _ => Answer::Always,
        }
    }

    /// Whether the edge keeps its target alive: an *essential* edge of the devtools model.
    #[inline]
    pub fn retains(&self, heap: &Heap, source: NodeId, edge: &Edge) -> bool {
        if !heap.retains(source, edge) {
            return false;
        }
        self.model == Model::Gc
            || source == heap.root()
            || edge.kind != EdgeKind::Shortcut && !self.is_into_the_page(source, edge)
    }

    #[inline]
    fn is_into_the_page(&self, source: NodeId, edge: &Edge) -> bool {
        self.page_owned.as_ref().is_some_and(|owned| !owned.contains(source) && owned.contains(edge.to))
    }

    /// Which rule decides about an edge.
    pub fn why_edge(&self, heap: &Heap, source: NodeId, edge: &Edge) -> EdgeRule {
        let devtools = self.model == Model::DevTools && source != heap.root();
        if edge.kind == EdgeKind::Weak {
            EdgeRule::Weak
        } else if edge.to == source {
            EdgeRule::Itself
        } else if heap.is_tables_half(source, edge) {
            EdgeRule::TablesHalf
        } else if devtools && edge.kind == EdgeKind::Shortcut {
            EdgeRule::Shortcut
        } else if devtools && self.is_into_the_page(source, edge) {
            EdgeRule::IntoThePage
        } else {
            EdgeRule::Retains
        }
    }
}
