//! Bounds that the code itself sets: `if (cache.size >= MAX) …`, `this.all.length < 20`.

use leakhound_heap::{EdgeKind, NodeId};

use super::closures::Author;
use super::owner::Owner;
use super::texts::{Texts, path_of};
use crate::growth::{Point, Scene};
use crate::source::SourceText;

/// A comparison of a collection's size with a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The constant.
    pub(crate) most: u64,
    /// `file:line` of the comparison.
    pub(crate) at: String,
}

/// The largest bound that the code compares the holder's size with, under any of its names.
pub(crate) fn bound_of(scene: &Scene<'_>, texts: &Texts<'_>, owner: &Owner, point: &Point) -> Option<Bound> {
    let mut names: Vec<String> = owner.variable.iter().cloned().collect();
    names.extend(owner.properties().map(str::to_owned));
    names.extend(collections_with(scene, owner.object, point));
    let class = scene.scripts.place(scene.heap, owner.object).map(|place| place.url);
    let urls = owner.seen_from.iter().map(|place| place.url.clone()).chain(class);
    let mut best: Option<Bound> = None;
    for url in urls.filter(|url| Author::of(url) != Author::Node) {
        let Some(source) = texts.get(&url) else { continue };
        for line in 0..source.line_count() {
            for name in &names {
                let Some(most) = compared(&source, source.line_text(line), name) else { continue };
                if best.as_ref().is_none_or(|best| most > best.most) {
                    best = Some(Bound { most, at: format!("{}:{}", path_of(&url), line + 1) });
                }
            }
        }
    }
    best
}

/// Names of the properties of `object` whose collections hold members of the point.
fn collections_with(scene: &Scene<'_>, object: NodeId, point: &Point) -> Vec<String> {
    let heap = scene.heap;
    let members: rustc_hash::FxHashSet<NodeId> = point.members.iter().copied().collect();
    let holds = |node: NodeId| {
        let store = scene.marks.member_store(heap, node);
        let found = store
            .into_iter()
            .chain([node])
            .flat_map(|node| heap.edges(node))
            .filter(|edge| members.contains(&edge.to))
            .take(8)
            .count();
        found >= 8
    };
    heap.edges(object)
        .filter(|edge| edge.kind == EdgeKind::Property && holds(edge.to))
        .take(8)
        .map(|edge| heap.edge_name(&edge).into_owned())
        .collect()
}

/// The constant that `line` compares `NAME.size` or `NAME.length` with.
fn compared(source: &SourceText, line: &str, name: &str) -> Option<u64> {
    let mut rest = line;
    while let Some(at) = rest.find(name) {
        let before = rest[..at].chars().next_back();
        let behind = &rest[at + name.len()..];
        rest = behind;
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let Some(size) = [".size", ".length"].iter().find_map(|size| behind.strip_prefix(size)) else {
            continue;
        };
        let size = size.trim_start();
        let Some(value) = ["<=", ">=", "===", "<", ">"].iter().find_map(|sign| size.strip_prefix(sign))
        else {
            continue;
        };
        return constant(source, value.trim_start());
    }
    None
}

/// A number, or the number that a name is declared with.
fn constant(source: &SourceText, text: &str) -> Option<u64> {
    let number = |text: &str| {
        let digits: String =
            text.chars().take_while(|c| c.is_ascii_digit() || *c == '_').filter(|c| *c != '_').collect();
        digits.parse::<u64>().ok().filter(|&number| number > 1)
    };
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return number(text);
    }
    let word = text.trim_start_matches("this.");
    let end =
        word.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$' || c == '#')).unwrap_or(word.len());
    let name = word.get(..end).filter(|name| !name.is_empty())?;
    let declared = source
        .bindings_named(name)
        .into_iter()
        .map(|binding| binding.text)
        .chain(source.property_declaration(name, None).map(|property| property.text));
    declared.into_iter().find_map(|text| {
        let (_, value) = text.split_once(name)?;
        let value = value.trim_start().strip_prefix(['=', ':'])?.trim_start();
        number(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(text: &str, line: u32, name: &str) -> Option<u64> {
        let source = SourceText::parse("a.js", text.into());
        compared(&source, source.line_text(line), name)
    }

    #[test]
    fn comparisons_with_constants_are_bounds() {
        let text = "const MAX = 5_000;\nif (memo.size >= MAX) memo.clear();\nwhile (this.all.length < 20) {}\n\
                    if (memory.size > 3) {}\nif (memo.size > limit()) {}\n";
        assert_eq!(bound(text, 1, "memo"), Some(5000));
        assert_eq!(bound(text, 2, "all"), Some(20));
        assert_eq!(bound(text, 3, "memo"), None);
        assert_eq!(bound(text, 4, "memo"), None);
    }
}
