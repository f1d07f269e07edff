//! What one model makes of a heap: sizes, names, and the edges that count.

use std::borrow::Cow;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::devtools::{Detachedness, Merges, Shallow, page_owned, page_owned_from, user_roots};
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
    /// Computed when it is asked for.
    page_owned: OnceLock<Option<NodeSet>>,
    /// Computed when it is asked for.
    shallow: OnceLock<Option<Shallow>>,
    /// Whether any edge can be an ephemeron's.
    ephemerons: bool,
}

/// The shallow sizes of one heap's nodes, in bytes.
#[derive(Clone, Copy)]
pub struct Sizes<'h> {
    pub(super) sizes: &'h [u32],
    /// Those that 32 bits do not hold (their entry is `u32::MAX`).
    pub(super) large: &'h FxHashMap<u32, u64>,
}

impl Sizes<'_> {
    /// Size of a node.
    #[inline(always)]
    pub fn get(&self, node: NodeId) -> u64 {
        match self.sizes[node.index()] {
            u32::MAX => self.large.get(&node.0).copied().unwrap_or(u64::from(u32::MAX)),
            size => u64::from(size),
        }
    }
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
        Self::with(heap, model, || match model {
            Model::DevTools => Detachedness::new(heap),
            Model::Gc => Detachedness::default(),
        })
    }

    /// The same, with what has been kept of it; keeps what has not.
    pub fn on(heap: &Heap, model: Model, shelf: &Shelf<'_>) -> Self {
        if shelf.value::<bool>("lens").is_none() {
            let lens = Self::new(heap, model);
            lens.detachedness.keep(shelf);
            shelf.keep_value("lens", &true);
            return lens;
        }
        let lens = Self::with(heap, model, || Detachedness::kept(heap, shelf));
        if lens.has_page() {
            if let Some(sizes) = Shallow::kept(heap, shelf) {
                let _ = lens.shallow.set(Some(sizes));
            }
            if let Some(owned) = NodeSet::kept(shelf, "page_owned", heap.node_count()) {
                let _ = lens.page_owned.set(Some(owned).filter(|owned| !owned.is_empty()));
            }
        }
        lens
    }

    fn with(heap: &Heap, model: Model, detachedness: impl FnOnce() -> Detachedness) -> Self {
        Self {
            model,
            user_roots: user_roots(heap),
            detachedness: detachedness(),
            page_owned: OnceLock::new(),
            shallow: OnceLock::new(),
            ephemerons: !heap.ephemeron_tables.is_empty(),
        }
    }

    /// Whether the devtools model's rules about the page and about merged sizes apply.
    fn has_page(&self) -> bool {
        self.model == Model::DevTools && !self.user_roots.is_empty()
    }

    /// What the program's own roots reach, where the model asks.
    #[inline]
    fn page_owned(&self, heap: &Heap) -> Option<&NodeSet> {
        let new = || self.has_page().then(|| page_owned(heap)).filter(|owned| !owned.is_empty());
        self.page_owned.get_or_init(new).as_ref()
    }

    /// Spares the walk of [`Self::page_owned`]: counting distances from the user roots has reached
    /// `reached`, over all edges but weak ones and those that lead to `left_out`.
    pub(crate) fn learn_page_owned(
        &self,
        heap: &Heap,
        reached: impl Fn(NodeId) -> bool,
        left_out: Vec<NodeId>,
    ) {
        if self.has_page()
            && self.page_owned.get().is_none()
            && let Some(owned) = page_owned_from(heap, &self.user_roots, reached, left_out)
        {
            let _ = self.page_owned.set(Some(owned).filter(|owned| !owned.is_empty()));
        }
    }

    #[inline]
    fn shallow(&self, heap: &Heap) -> Option<&Shallow> {
        self.shallow.get_or_init(|| self.has_page().then(|| Shallow::new(heap))).as_ref()
    }

    /// Which sizes were merged into which, where the model merges: computed anew, for explanations.
    pub fn merges(&self, heap: &Heap) -> Option<Merges> {
        self.has_page().then(|| Merges::new(heap))
    }

    /// Computes the sizes now and keeps them.
    pub fn keep_sizes(&self, heap: &Heap, shelf: &Shelf<'_>) {
        self.shallow.get_or_init(|| self.has_page().then(|| Shallow::new(heap).keep(shelf)));
    }

    /// Keeps what the program's own roots reach, where that has been asked for.
    pub fn keep_page(&self, shelf: &Shelf<'_>) {
        if let Some(Some(owned)) = self.page_owned.get() {
            owned.keep(shelf, "page_owned");
        }
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

    /// The shallow sizes of all nodes, for those who ask for many.
    pub fn sizes<'h>(&'h self, heap: &'h Heap) -> Sizes<'h> {
        match self.shallow(heap) {
            Some(shallow) => shallow.view(),
            None => Sizes { sizes: &heap.nodes.self_sizes, large: &heap.nodes.large_sizes },
        }
    }

    /// Shallow size in bytes: in the devtools model with what belongs to this node alone.
    #[inline]
    pub fn size(&self, heap: &Heap, node: NodeId) -> u64 {
        match self.shallow(heap) {
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

    /// What the edge's type says about [`Self::retains`], for the edges of most nodes.
    pub(crate) fn answer(&self, heap: &Heap, kind: EdgeKind) -> Answer {
        match self.answer_apart(kind) {
            Answer::Always if self.page_owned(heap).is_some() => Answer::Ask,
            answer => answer,
        }
    }

    /// Nodes whose edges [`Self::answer_apart`] judges.
    pub(crate) fn apart(&self, heap: &Heap) -> Option<&NodeSet> {
        self.page_owned(heap)
    }

    /// What the edge's type says about [`Self::retains`] for nodes whose edges cannot lead into the page,
    /// being there already.
    pub(crate) fn answer_apart(&self, kind: EdgeKind) -> Answer {
        match kind {
            EdgeKind::Weak => Answer::Never,
            EdgeKind::Shortcut if self.model == Model::DevTools => Answer::Ask,
            EdgeKind::Internal if self.ephemerons => Answer::Ask,
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
            || edge.kind != EdgeKind::Shortcut && !self.is_into_the_page(heap, source, edge)
    }

    #[inline]
    fn is_into_the_page(&self, heap: &Heap, source: NodeId, edge: &Edge) -> bool {
        self.page_owned(heap).is_some_and(|owned| !owned.contains(source) && owned.contains(edge.to))
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
        } else if devtools && self.is_into_the_page(heap, source, edge) {
            EdgeRule::IntoThePage
        } else {
            EdgeRule::Retains
        }
    }
}
