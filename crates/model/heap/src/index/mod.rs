//! The side-car index: columns that were computed once, lent back from a mapped file.
//!
//! This crate does no I/O: somebody's [`Store`] keeps named sections of bytes and lends them back mapped.
//! What has been put there no longer needs memory of its own, and a later run finds it by name instead of
//! computing it. Every type keeps itself through a [`Shelf`], next to its own definition; sections are
//! columns in this machine's byte order, or JSON where they are small.
//!
//! A section is trusted: its store must lend only what this very build put there for these very bytes (the
//! workbench's does: size, time and samples of the dump, the build's [`VERSION`], the owner and the boot).

mod heap;

use std::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::SnapshotBytes;
use crate::graph::{Buffer, Column, Value};

/// Raised whenever a section changes its name or meaning: an index of another version is not read.
pub const VERSION: u32 = 1;

/// Named sections of bytes.
pub trait Store: Send + Sync {
    /// The section, where the store has it: bytes and where in them it lies (aligned for any column).
    fn get(&self, name: &str) -> Option<(SnapshotBytes, Range<usize>)>;
    /// Keeps a section and lends it back. `None` when it cannot be kept; nothing is lost by that but time.
    fn put(&self, name: &str, bytes: &[u8]) -> Option<(SnapshotBytes, Range<usize>)>;
}

/// Keeps nothing.
impl Store for () {
    fn get(&self, _name: &str) -> Option<(SnapshotBytes, Range<usize>)> {
        None
    }
    fn put(&self, _name: &str, _bytes: &[u8]) -> Option<(SnapshotBytes, Range<usize>)> {
        None
    }
}

/// The sections of a store whose names begin alike.
#[derive(Clone)]
pub struct Shelf<'a> {
    store: &'a dyn Store,
    prefix: String,
}

impl<'a> Shelf<'a> {
    /// The sections called `PREFIX.name`.
    pub fn new(store: &'a dyn Store, prefix: &str) -> Self {
        Self { store, prefix: prefix.to_owned() }
    }

    /// The sections called `PREFIX.BELOW.name`.
    pub fn below(&self, below: &str) -> Self {
        Self { store: self.store, prefix: self.name(below) }
    }

    fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// Keeps the column and returns it from where it is kept, so that it needs no memory of its own; the
    /// column itself where it cannot be kept.
    pub fn park<T: Value>(&self, name: &str, column: Column<T>) -> Column<T> {
        self.put(name, column.as_bytes()).and_then(|(bytes, at)| Column::shared(&bytes, at)).unwrap_or(column)
    }

    /// Keeps a copy of a column that is still being filled.
    pub(crate) fn copy_buffer<T: Value>(&self, name: &str, buffer: &Buffer<T>) {
        let _ = self.put(name, buffer.as_bytes());
    }

    /// A column that was kept.
    pub fn column<T: Value>(&self, name: &str) -> Option<Column<T>> {
        let (bytes, at) = self.store.get(&self.name(name))?;
        Column::shared(&bytes, at)
    }

    /// A column that was kept, of just so many values.
    pub fn column_of<T: Value>(&self, name: &str, length: usize) -> Option<Column<T>> {
        self.column(name).filter(|column| column.len() == length)
    }

    /// Keeps something small.
    pub fn keep_value(&self, name: &str, value: &impl Serialize) {
        if let Ok(json) = serde_json::to_vec(value) {
            let _ = self.put(name, &json);
        }
    }

    /// Something small that was kept.
    pub fn value<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let (bytes, at) = self.store.get(&self.name(name))?;
        serde_json::from_slice(bytes.as_slice().get(at)?).ok()
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Option<(SnapshotBytes, Range<usize>)> {
        self.store.put(&self.name(name), bytes)
    }
}
