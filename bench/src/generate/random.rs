//! Random numbers that are the same everywhere and for ever.

/// SplitMix64 (Steele, Lea and Flood 2014): tiny, seedable, good enough to vary a heap.
pub(super) struct Random(u64);

impl Random {
    /// The numbers of one unit.
    pub(super) fn of(seed: u64, unit: u64) -> Self {
        let mut random = Self(seed ^ unit.wrapping_mul(0xd134_2543_de82_ef95));
        random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 if `limit` is 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// Whether something of this probability happens.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A number below `limit`, small ones far more often (the cube of an even choice, like Zipf's law).
    pub(super) fn often_small(&mut self, limit: u64) -> u64 {
        let first = self.below(limit);
        let second = self.below(first + 1);
        self.below(second + 1)
    }
}
