//! How one object is shown: strings in full, plain objects by their properties.

use std::borrow::Cow;

use super::interfaces::format_property;
use crate::{EdgeKind, Heap, Lens, NodeId, NodeKind};

/// A rope is put together up to this many UTF-16 units.
const ROPE_UNITS: usize = 1024;
/// A plain object is shown with this many UTF-16 units of properties.
const OBJECT_UNITS: usize = 100;

/// Length in UTF-16 units, JavaScript's own.
pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The node as DevTools shows it: a concatenated string as its text, a plain object by its properties,
/// anything else by its name.
pub fn display_name<'h>(heap: &'h Heap, lens: &Lens, node: NodeId) -> Cow<'h, str> {
    match heap.kind(node) {
        NodeKind::ConsString => Cow::Owned(rope(heap, node)),
        NodeKind::Object if heap.name(node) == "Object" => Cow::Owned(plain_object(heap, node)),
        _ => lens.name(heap, node),
    }
}

/// The parts of a rope from left to right.
fn rope(heap: &Heap, node: NodeId) -> String {
    let mut text = String::new();
    let mut length = 0;
    let mut parts = vec![node];
    while let Some(part) = parts.pop() {
        if length >= ROPE_UNITS {
            break;
        }
        if heap.kind(part) != NodeKind::ConsString {
            let name = heap.name(part);
            length += units(&name);
            text.push_str(&name);
            continue;
        }
        let (mut first, mut second) = (None, None);
        for edge in heap.edges(part).filter(|edge| edge.kind == EdgeKind::Internal) {
            match &*heap.edge_name(&edge) {
                "first" => first = Some(edge.to),
                "second" => second = Some(edge.to),
                _ => {}
            }
        }
        parts.extend(second);
        parts.extend(first);
    }
    if length > ROPE_UNITS {
        let cut: Vec<u16> = text.encode_utf16().take(ROPE_UNITS).collect();
        return String::from_utf16_lossy(&cut);
    }
    text
}

/// Properties alternately from the front and from the back, as many as fit, at least one.
fn plain_object(heap: &Heap, node: NodeId) -> String {
    let names: Vec<String> = (heap.edges(node))
        .filter(|edge| edge.kind == EdgeKind::Property)
        .map(|edge| heap.edge_name(&edge))
        .filter(|name| name != "__proto__")
        .map(|name| format_property(&name).into_owned())
        .collect();
    let (mut start, mut end) = (0, names.len());
    let mut length = 2;
    let mut from_front = true;
    while start < end {
        let name = if from_front { &names[start] } else { &names[end - 1] };
        let more = units(name) + if start == 0 && end == names.len() { 0 } else { 2 };
        if start + (names.len() - end) > 0 && length + more > OBJECT_UNITS {
            break;
        }
        length += more;
        if from_front {
            start += 1;
        } else {
            end -= 1;
        }
        from_front = !from_front;
    }
    let mut shown: Vec<&str> = names[..start].iter().map(String::as_str).collect();
    if start < end {
        shown.push("…");
    }
    shown.extend(names[end..].iter().map(String::as_str));
    format!("{{{}}}", shown.join(", "))
}
