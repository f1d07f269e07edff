//! What came and went between two snapshots of one process, class by class.

use rustc_hash::FxHashMap;

use super::classes::{Classes, Interfaces, Key};
use crate::{Heap, Lens, NodeId};

/// One class of a comparison. Sizes are shallow, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DifferenceRow {
    /// The class.
    pub key: Key,
    /// Objects that only the newer snapshot has.
    pub added: u64,
    /// Objects that only the older one has.
    pub removed: u64,
    /// Bytes of the added.
    pub added_size: u64,
    /// Bytes of the removed.
    pub removed_size: u64,
}

impl DifferenceRow {
    /// Added less removed.
    pub fn count_delta(&self) -> i64 {
        self.added.cast_signed().saturating_sub(self.removed.cast_signed())
    }

    /// Bytes of the added less those of the removed.
    pub fn size_delta(&self) -> i64 {
        self.added_size.cast_signed().saturating_sub(self.removed_size.cast_signed())
    }
}

/// The difference between an older and a newer snapshot.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Classes in which something came or went, in the order in which they appear.
    pub rows: Vec<DifferenceRow>,
}

impl Comparison {
    /// Compares by object id within a class. Interfaces are inferred from the newer snapshot and applied to
    /// both. What grew without coming or going does not appear; an object whose class changed went in one
    /// row and came in another.
    pub fn new(older: (&Heap, &Lens), newer: (&Heap, &Lens)) -> Self {
        let interfaces = Interfaces::infer(newer.0);
        let mut base = Members::of(older.0, older.1, &interfaces);
        let now = Members::of(newer.0, newer.1, &interfaces);
        let mut rows = Vec::new();
        for (key, members) in now.classes {
            let before = base.by_key.remove(&key).and_then(|at| base.classes.get_mut(at));
            let before = before.map(|(_, members)| std::mem::take(members)).unwrap_or_default();
            rows.push(difference(key, &before, &members));
        }
        let mut gone: Vec<usize> = base.by_key.into_values().collect();
        gone.sort_unstable();
        for at in gone {
            if let Some((key, members)) = base.classes.get(at) {
                rows.push(difference(key.clone(), members, &[]));
            }
        }
        rows.retain(|row| row.added > 0 || row.removed > 0);
        Self { rows }
    }
}

/// Every class with its members' ids and sizes, ascending.
struct Members {
    classes: Vec<(Key, Vec<(u32, u64)>)>,
    by_key: FxHashMap<Key, usize>,
}

impl Members {
    fn of(heap: &Heap, lens: &Lens, interfaces: &Interfaces) -> Self {
        let classes = Classes::with_interfaces(heap, lens, interfaces);
        let mut members: Vec<Vec<(u32, u64)>> = vec![Vec::new(); classes.len()];
        let mut add = |node: NodeId| {
            let size = lens.size(heap, node);
            if size > 0 {
                members[classes.of(node) as usize].push((heap.id(node), size));
            }
        };
        heap.nodes().for_each(&mut add);
        let classes: Vec<(Key, Vec<(u32, u64)>)> = (classes.keys().iter().cloned().zip(members))
            .filter(|(_, members)| !members.is_empty())
            .map(|(key, mut members)| {
                members.sort_unstable();
                (key, members)
            })
            .collect();
        let by_key = classes.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
        Self { classes, by_key }
    }
}

fn difference(key: Key, before: &[(u32, u64)], now: &[(u32, u64)]) -> DifferenceRow {
    let mut row = DifferenceRow { key, added: 0, removed: 0, added_size: 0, removed_size: 0 };
    let (mut before, mut now) = (before.iter().peekable(), now.iter().peekable());
    loop {
        let order = match (before.peek(), now.peek()) {
            (Some((old, _)), Some((new, _))) => old.cmp(new),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return row,
        };
        if order.is_eq() {
            before.next();
            now.next();
        } else if order.is_lt() {
            row.removed += 1;
            row.removed_size += before.next().map_or(0, |&(_, size)| size);
        } else {
            row.added += 1;
            row.added_size += now.next().map_or(0, |&(_, size)| size);
        }
    }
}
