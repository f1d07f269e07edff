//! Where large columns lie: one range of addresses in huge pages.
//!
//! The first touch of memory costs more than what is then done with it, ten times less in pages of 2 MiB.
//! Columns are seldom whole such pages long; laid side by side they share them. Pages are given back to the
//! system as soon as no column lies in them, and zeroed only where something has lain before.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use memmap2::{Advice, MmapOptions, MmapRaw, UncheckedAdvice};

/// A huge page, in bytes.
const BLOCK: usize = 2 << 20;
/// Columns begin at multiples of this.
const ALIGN: usize = 4096;
/// Addresses reserved (memory is taken page by page when it is touched).
const RESERVED: usize = 1 << 38;

/// A part of the arena. Given back when dropped.
pub(super) struct Place {
    start: usize,
    length: usize,
}

struct Arena {
    map: MmapRaw,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Start → length of what nobody uses, below `end`; neighbours are joined.
    free: BTreeMap<usize, usize>,
    /// Behind here nothing has ever been used.
    end: usize,
    /// By block: whether something has lain there since it was last given back.
    dirty: Vec<bool>,
}

fn arena() -> Option<&'static Arena> {
    static ARENA: OnceLock<Option<Arena>> = OnceLock::new();
    ARENA
        .get_or_init(|| {
            // Reserving may be forbidden (a limit on addresses, strict overcommit); columns then lie elsewhere.
            let map = MmapOptions::new().len(RESERVED).no_reserve_swap().map_anon().ok()?;
            // Only a wish: without huge pages it is slower, not wrong.
            let _ = map.advise(Advice::HugePage);
            Some(Arena { map: map.into(), state: Mutex::default() })
        })
        .as_ref()
}

impl Place {
    /// Room for `length` bytes; `None` where there is none.
    pub(super) fn new(length: usize) -> Option<Self> {
        let length = length.checked_next_multiple_of(ALIGN)?;
        let arena = arena()?;
        let mut state = arena.state.lock().unwrap_or_else(PoisonError::into_inner);
        let start = state.take(length)?;
        for block in start / BLOCK..(start + length).div_ceil(BLOCK) {
            if std::mem::replace(&mut state.dirty[block], true) {
                let (from, to) = (start.max(block * BLOCK), (start + length).min((block + 1) * BLOCK));
                // SAFETY: inside of the map, and inside of what `take` has just given to nobody else.
                unsafe { arena.map.as_mut_ptr().add(from).write_bytes(0, to - from) };
            }
        }
        Some(Self { start, length })
    }

    /// The first byte: zeros follow, `length` of them.
    pub(super) fn start(&self) -> *mut u8 {
        match arena() {
            // SAFETY: a place lies inside of the map.
            Some(arena) => unsafe { arena.map.as_mut_ptr().add(self.start) },
            None => std::ptr::null_mut(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(arena) = arena() else { return };
        let mut state = arena.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, end) = state.give(self.start, self.length);
        // Whole blocks that nobody uses any more.
        let blocks = start.div_ceil(BLOCK)..end / BLOCK;
        let mut run = None;
        for block in blocks.start..blocks.end + 1 {
            let dirty = block < blocks.end && std::mem::replace(&mut state.dirty[block], false);
            match (dirty, run) {
                (true, None) => run = Some(block),
                (false, Some(first)) => {
                    run = None;
                    arena.release(&mut state, first..block);
                }
                _ => {}
            }
        }
    }
}

impl Arena {
    fn release(&self, state: &mut State, blocks: std::ops::Range<usize>) {
        // SAFETY: nothing lies in these blocks, so nobody minds that they turn into zeros.
        let given = unsafe {
            self.map.unchecked_advise_range(
                UncheckedAdvice::DontNeed,
                blocks.start * BLOCK,
                blocks.len() * BLOCK,
            )
        };
        if given.is_err() {
            state.dirty[blocks].fill(true);
        }
    }
}

impl State {
    /// The first free range that is long enough, or a new one at the end.
    fn take(&mut self, length: usize) -> Option<usize> {
        let found = self.free.iter().find(|&(_, &free)| free >= length).map(|(&start, &free)| (start, free));
        if let Some((start, free)) = found {
            self.free.remove(&start);
            if free > length {
                self.free.insert(start + length, free - length);
            }
            return Some(start);
        }
        let start = self.end;
        let end = start.checked_add(length).filter(|&end| end <= RESERVED)?;
        self.end = end;
        self.dirty.resize(end.div_ceil(BLOCK), false);
        Some(start)
    }

    /// Frees a range; returns the whole free range that it is now part of.
    fn give(&mut self, start: usize, length: usize) -> (usize, usize) {
        let (mut from, mut to) = (start, start + length);
        if let Some((&before, &free)) = self.free.range(..start).next_back()
            && before + free == start
        {
            self.free.remove(&before);
            from = before;
        }
        if let Some(free) = self.free.remove(&to) {
            to += free;
        }
        self.free.insert(from, to - from);
        (from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(place: &mut Place) -> &mut [u8] {
        // SAFETY: a place is as long as it says, initialised, and ours.
        unsafe { std::slice::from_raw_parts_mut(place.start(), place.length) }
    }

    #[test]
    fn places_are_zero_do_not_overlap_and_are_used_again() {
        let mut kept: Vec<(Place, u8)> = Vec::new();
        let mut random = 1u64;
        for round in 0..400u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if round % 3 == 2 {
                let at = (random >> 33) as usize % kept.len();
                let (mut place, mark) = kept.swap_remove(at);
                assert!(bytes(&mut place).iter().all(|&byte| byte == mark), "somebody else's");
            } else {
                let mut place = Place::new(1 + (random >> 40) as usize % (5 << 20)).unwrap();
                assert!(bytes(&mut place).iter().all(|&byte| byte == 0), "not zero");
                let mark = (round % 255) as u8 + 1;
                bytes(&mut place).fill(mark);
                kept.push((place, mark));
            }
        }
        for (mut place, mark) in kept {
            assert!(bytes(&mut place).iter().all(|&byte| byte == mark));
        }
    }

    #[test]
    fn neighbours_join_when_they_are_free() {
        let mut state = State::default();
        let places: Vec<usize> = (0..4).map(|_| state.take(ALIGN).unwrap()).collect();
        state.give(places[0], ALIGN);
        state.give(places[2], ALIGN);
        assert_eq!(state.free.len(), 2);
        assert_eq!(state.give(places[1], ALIGN), (places[0], places[3]));
        assert_eq!(state.take(2 * ALIGN), Some(places[0]));
        assert_eq!(state.take(2 * ALIGN), Some(4 * ALIGN));
        assert_eq!(state.take(RESERVED), None);
    }
}
