//! From accumulation points to accused holders: named, grouped, measured.

use leakhound_heap::{EdgeKind, NodeId, NodeKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::finding::{ClassGrowth, Scope};
use crate::growth::{Births, Followed, History, Point, Scene, Shape};
use crate::naming::{
    Author, Bound, Declared, Owner, Texts, bound_of, climb, first_user_closure, module_file, owner_of, spread,
};

/// Classes reported below a holder.
const MOST_CLASSES: usize = 12;
/// Members looked at to find what they have in common.
pub(crate) const SAMPLE: usize = 40;

/// A holder with all the growth found below it.
pub(crate) struct Accused {
    pub(crate) owner: Owner,
    pub(crate) point: Point,
    /// The object whose history is followed.
    pub(crate) anchor: NodeId,
    pub(crate) shape: Shape,
    /// Recursive structure: growth was found deeper than the holder.
    pub(crate) recursive: bool,
    pub(crate) bytes: u64,
    pub(crate) external_bytes: u64,
    /// Members of the class that accumulates.
    pub(crate) members: u64,
    /// All objects that grew.
    pub(crate) objects: u64,
    pub(crate) member_class: String,
    pub(crate) member_kind: (NodeKind, String),
    pub(crate) shared: bool,
    /// What the code compares the holder's size with.
    pub(crate) bound: Option<Bound>,
    /// The growth is code that was loaded for the first time.
    pub(crate) loading: bool,
    /// Where the members' functions were written, when nothing else names the holder.
    pub(crate) written_at: Option<Declared>,
    pub(crate) classes: Vec<ClassGrowth>,
    pub(crate) history: History,
}

impl Accused {
    /// What of it is followed through the snapshots.
    pub(crate) fn followed(&self) -> Followed {
        let named = self.anchor == self.owner.object && self.shape == Shape::Members;
        Followed {
            node: self.anchor,
            member: self.member_kind.clone(),
            slot: self.owner.context.zip(self.owner.variable.clone()).filter(|_| named),
        }
    }
}

/// Names the holder of every point and joins those that have the same one.
pub(crate) fn group(
    scene: &Scene<'_>,
    texts: &Texts<'_>,
    births: &Births,
    points: Vec<Point>,
) -> Vec<Accused> {
    let mut groups: Vec<Accused> = Vec::new();
    let mut by_key: FxHashMap<String, usize> = FxHashMap::default();
    for point in points {
        let top = climb(scene, &point);
        let mut owner = owner_of(scene, texts, Some(births), top);
        let mut written_at = None;
        if (owner.variable.is_none() || owner.author == Author::Node)
            && let Some((renamed, place)) = named_by_members(scene, texts, &point)
        {
            owner = renamed;
            written_at = Some(place);
        }
        let key = match (&owner.variable, &written_at) {
            (_, Some(place)) => format!("{}:{}", place.url, place.line),
            (Some(name), None) => format!("{name} {}", scene.heap.id(owner.object)),
            (None, None) => format!("@{}", scene.heap.id(top)),
        };
        match by_key.get(&key) {
            Some(&at) => join(scene, births, &mut groups[at], point),
            None => {
                by_key.insert(key, groups.len());
                groups.push(accuse(scene, texts, births, owner, point, top, written_at));
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.bytes));
    groups
}

fn accuse(
    scene: &Scene<'_>,
    texts: &Texts<'_>,
    births: &Births,
    owner: Owner,
    point: Point,
    top: NodeId,
    written_at: Option<Declared>,
) -> Accused {
    let (member_kind, member_class, members) = main_member(scene, &point);
    let (objects, external_bytes, classes) = below(scene, births, &point);
    Accused {
        bound: bound_of(scene, texts, &owner, &point),
        loading: is_code_loading(scene, births, &point),
        recursive: top != point.node,
        anchor: top,
        shape: point.shape,
        bytes: point.bytes,
        external_bytes,
        members,
        objects,
        member_class,
        member_kind,
        shared: point.shared,
        written_at,
        classes,
        history: History::default(),
        owner,
        point,
    }
}

/// Whether what grew is mostly functions that exist once each: modules that were loaded for the first time.
/// What leaks again and again repeats its functions.
fn is_code_loading(scene: &Scene<'_>, births: &Births, point: &Point) -> bool {
    let files: Vec<String> = point
        .members
        .iter()
        .filter(|&&member| scene.label(member) == "Module")
        .filter_map(|&member| module_file(scene.heap, member))
        .collect();
    if files.len() * 2 > point.members.len() {
        let distinct: FxHashSet<&String> = files.iter().collect();
        return distinct.len() * 10 > files.len() * 6;
    }
    let mut places: FxHashMap<leakhound_heap::v8::Place, usize> = FxHashMap::default();
    for member in spread(&point.members, 64) {
        for node in scene.tree.subtree(member).take(200) {
            if births.is_kept(node)
                && scene.heap.kind(node) == NodeKind::Closure
                && let Some(place) = scene.scripts.place(scene.heap, node)
            {
                *places.entry(place).or_default() += 1;
            }
        }
    }
    let all: usize = places.values().sum();
    all >= 8 && places.values().filter(|&&count| count == 1).count() * 10 > all * 6
}

fn join(scene: &Scene<'_>, births: &Births, accused: &mut Accused, point: Point) {
    let (objects, external, classes) = below(scene, births, &point);
    let (_, class, members) = main_member(scene, &point);
    if class == accused.member_class {
        accused.members += members;
    }
    accused.objects += objects;
    accused.bytes += point.bytes;
    accused.external_bytes += external;
    for row in classes {
        match accused.classes.iter_mut().find(|known| known.class == row.class) {
            Some(known) => {
                known.count_before += row.count_before;
                known.count_after += row.count_after;
                known.bytes_before += row.bytes_before;
                known.bytes_after += row.bytes_after;
            }
            None => accused.classes.push(row),
        }
    }
    accused.recursive |= point.node != accused.point.node;
    // Several collections below one variable: its own object tells their common history.
    accused.anchor = accused.owner.object;
    accused.point.members.extend(point.members.into_iter().take(64));
}

/// Kind, class and number of the members that account for most of the growth.
pub(crate) fn main_member(scene: &Scene<'_>, point: &Point) -> ((NodeKind, String), String, u64) {
    let mut classes: FxHashMap<String, (NodeId, u64, u64)> = FxHashMap::default();
    for &member in &point.members {
        // Keys and other flat values ride along with what they belong to.
        let weight = scene.retained[member.index()].max(1);
        let entry = classes.entry(scene.label(member)).or_insert((member, 0, 0));
        entry.1 += weight;
        entry.2 += 1;
    }
    let Some((class, (member, _, count))) = classes.into_iter().max_by_key(|(_, (_, bytes, _))| *bytes)
    else {
        return ((NodeKind::Object, String::new()), String::new(), 0);
    };
    ((scene.heap.kind(member), scene.heap.name(member).into_owned()), class, count)
}

/// Objects that grew below a point, bytes outside the heap among them, and the classes.
fn below(scene: &Scene<'_>, births: &Births, point: &Point) -> (u64, u64, Vec<ClassGrowth>) {
    let mut objects = 0;
    let mut external = 0;
    let mut classes: FxHashMap<String, ClassGrowth> = FxHashMap::default();
    for node in scene.tree.subtree(point.node) {
        let size = scene.heap.self_size(node);
        let kept = births.is_kept(node);
        let class = scene.label(node);
        let row = classes.entry(class.clone()).or_insert_with(|| ClassGrowth {
            class,
            count_before: 0,
            count_after: 0,
            bytes_before: 0,
            bytes_after: 0,
        });
        row.count_after += 1;
        row.bytes_after += size;
        if kept {
            objects += 1;
            if scene.heap.kind(node) == NodeKind::Native {
                external += size;
            }
        } else if !births.is_young(node) {
            row.count_before += 1;
            row.bytes_before += size;
        }
    }
    let mut rows: Vec<ClassGrowth> =
        classes.into_values().filter(|row| row.count_after > row.count_before).collect();
    rows.sort_by(|a, b| {
        let growth = |row: &ClassGrowth| row.bytes_after - row.bytes_before;
        growth(b).cmp(&growth(a)).then_with(|| a.class.cmp(&b.class))
    });
    rows.truncate(MOST_CLASSES);
    // Growth on shortest paths is not dominated: its members are counted instead.
    if point.shared {
        objects = point.members.len() as u64;
    }
    (objects, external, rows)
}

/// A function found below a member: the function, the member, and the nodes between them.
type Reached = (NodeId, NodeId, Vec<NodeId>);

/// When only Node itself holds the members (timer lists, its own emitters): the user's function that most
/// of them lead to, and the variable it captured that keeps the most.
fn named_by_members(scene: &Scene<'_>, texts: &Texts<'_>, point: &Point) -> Option<(Owner, Declared)> {
    let sample = spread(&point.members, SAMPLE);
    let mut places: FxHashMap<(String, u32, u32), Vec<Reached>> = FxHashMap::default();
    for &member in &sample {
        if let Some((closure, place, path)) = first_user_closure(scene, point.node, member) {
            places.entry((place.url, place.line, place.column)).or_default().push((closure, member, path));
        }
    }
    let ((url, line, column), found) = places.into_iter().max_by_key(|(_, found)| found.len())?;
    // A function that only some of the members lead to is not what they have in common.
    if found.len() * 2 < sample.len() {
        return None;
    }
    let (closure, member, path) = found.into_iter().next()?;
    let context = scene.marks.closure_context(scene.heap, closure);
    let variable = context.and_then(|context| {
        scene
            .heap
            .edges(context)
            .filter(|edge| edge.kind == EdgeKind::Context && scene.tree.covers(point.node, edge.to))
            .max_by_key(|edge| scene.retained[edge.to.index()])
            .map(|edge| scene.heap.edge_name(&edge).into_owned())
    });
    let text = texts.get(&url).map(|source| source.line_text(line).to_owned());
    let place = leakhound_heap::v8::Place { url: url.clone(), line, column };
    // The object that stands for one leak (a Timeout, a listener's function) is the nearest of the
    // path's objects that is no plain function.
    let object =
        path.iter().copied().find(|&node| scene.heap.kind(node) == NodeKind::Object).unwrap_or(member);
    let declared = Declared { url, line: line + 1, column: column + 1, text };
    let renamed = Owner {
        object,
        collection: object,
        variable,
        scope: Scope::Closure,
        labels: Vec::new(),
        nodes: vec![object],
        author: Author::of(&place.url),
        seen_from: Some(place),
        context: None,
    };
    Some((renamed, declared))
}
