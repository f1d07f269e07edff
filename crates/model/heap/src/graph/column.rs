//! Columns: one value a node, an edge or a string, in one piece of memory.
//!
//! A [`Buffer`] is writable and lies in the arena's huge pages once it is large; a [`Column`] is what it
//! becomes when it is full, and may as well lie in somebody else's bytes, such as a mapped index.

#![expect(unsafe_code, reason = "slices of mapped memory, without a check at every access in the hot loops")]

use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;

use super::arena::Place;
use crate::SnapshotBytes;

/// Below this size (bytes) the allocator's small pages do as well.
const LARGE: usize = 128 << 10;

/// What a column may hold: numbers for which every bit pattern is a value and all zero bits are 0.
pub trait Value: sealed::Number {}

mod sealed {
    pub trait Number: Copy + Default + PartialEq + std::fmt::Debug + Send + Sync + 'static {}
}

macro_rules! values {
    ($($number:ty),*) => { $(impl sealed::Number for $number {} impl Value for $number {})* };
}
values!(u8, u32, u64, i32);

/// Whose memory it is.
#[allow(dead_code, reason = "held, not read: everything is reached through the pointer")]
enum Owner<T> {
    /// The allocator's.
    Heap(Vec<T>),
    /// The arena's.
    Arena(Place),
    /// Somebody else's bytes.
    Shared(SnapshotBytes),
}

/// A column being filled: zeros at first.
pub struct Buffer<T> {
    start: NonNull<T>,
    length: usize,
    #[expect(dead_code, reason = "keeps the memory alive")]
    owner: Owner<T>,
}

// SAFETY: a buffer owns its memory like a `Vec<T>`, and its values are plain numbers.
unsafe impl<T: Value> Send for Buffer<T> {}
// SAFETY: as above; shared access only reads.
unsafe impl<T: Value> Sync for Buffer<T> {}

impl<T: Value> Buffer<T> {
    /// `length` zeros.
    pub fn zeroed(length: usize) -> Self {
        let bytes = length.saturating_mul(size_of::<T>());
        if bytes >= LARGE
            && let Some(place) = Place::new(bytes)
            && let Some(start) = NonNull::new(place.start().cast::<T>())
        {
            return Self { start, length, owner: Owner::Arena(place) };
        }
        Self::from(vec![T::default(); length])
    }

    /// `length` copies of a value.
    pub fn filled(length: usize, value: T) -> Self {
        let mut buffer = Self::zeroed(length);
        if value != T::default() {
            buffer.fill(value);
        }
        buffer
    }

    /// The memory as bytes, in this machine's byte order.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: plain numbers have no padding, so all their bytes are initialised.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast::<u8>(), size_of_val(&**self)) }
    }

    /// Forgets everything behind the first `length` values.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl<T: Value> From<Vec<T>> for Buffer<T> {
    fn from(mut values: Vec<T>) -> Self {
        // A vector's pointer is never null and stays where it is while the vector is only held.
        let start = NonNull::new(values.as_mut_ptr()).unwrap_or(NonNull::dangling());
        Self { start, length: values.len(), owner: Owner::Heap(values) }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `start` is aligned for T (page- or allocator-aligned) and points at `length` initialised
        // values in memory that `owner` keeps alive and that nothing else writes.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl<T: Value> DerefMut for Buffer<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; `&mut self` is the only access, and a buffer's owner is never `Shared`.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

/// A column that is no longer written.
pub struct Column<T>(Buffer<T>);

impl<T: Value> Column<T> {
    /// The values that lie at `range` of `bytes` in this machine's byte order. `None` when they do not: out
    /// of bounds, not aligned, or not a whole number of values.
    pub fn shared(bytes: &SnapshotBytes, range: Range<usize>) -> Option<Self> {
        let slice = bytes.as_slice().get(range)?;
        let start = NonNull::new(slice.as_ptr().cast_mut().cast::<T>())?;
        if !start.is_aligned() || !slice.len().is_multiple_of(size_of::<T>()) {
            return None;
        }
        let length = slice.len() / size_of::<T>();
        Some(Self(Buffer { start, length, owner: Owner::Shared(bytes.clone()) }))
    }

    /// The column's memory as bytes, in this machine's byte order.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl<T: Value> From<Buffer<T>> for Column<T> {
    fn from(buffer: Buffer<T>) -> Self {
        Self(buffer)
    }
}

impl<T: Value> From<Vec<T>> for Column<T> {
    fn from(values: Vec<T>) -> Self {
        Self(values.into())
    }
}

impl<T: Value> Default for Column<T> {
    fn default() -> Self {
        Self(Vec::new().into())
    }
}

impl<T> Deref for Column<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> std::fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} values", self.length)
    }
}

impl<T> std::fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_zero_until_written_whatever_its_size() {
        for length in [0, 1, 1000, LARGE / 4, LARGE / 2 + 3] {
            let mut buffer = Buffer::<u32>::zeroed(length);
            assert_eq!(buffer.len(), length);
            assert!(buffer.iter().all(|&value| value == 0));
            for (at, value) in buffer.iter_mut().enumerate() {
                *value = at as u32;
            }
            let column = Column::from(buffer);
            assert!(column.iter().enumerate().all(|(at, &value)| value == at as u32));
            assert_eq!(column.as_bytes().len(), length * 4);
        }
    }

    #[test]
    fn bytes_that_are_no_column_are_refused() {
        let bytes = SnapshotBytes::from(vec![1u8; 64]);
        let offset = bytes.as_slice().as_ptr().align_offset(4);
        assert_eq!(&*Column::<u32>::shared(&bytes, offset..offset + 8).unwrap(), [0x0101_0101; 2]);
        assert!(Column::<u32>::shared(&bytes, offset + 1..offset + 9).is_none());
        assert!(Column::<u32>::shared(&bytes, offset..offset + 7).is_none());
        assert!(Column::<u32>::shared(&bytes, 60..80).is_none());
        assert!(Column::<u32>::shared(&bytes, offset..offset).unwrap().is_empty());
    }
}
