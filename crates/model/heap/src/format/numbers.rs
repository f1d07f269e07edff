//! Number arrays, parsed in parallel.
//!
//! The text between the brackets is cut into pieces at commas. Counting the commas of each piece tells
//! which record each piece begins in, so that pieces can fill disjoint ranges of the columns
//! independently. A record that straddles a cut belongs to the piece in which it begins.

use memchr::{memchr, memchr_iter};
use rayon::prelude::*;

/// Bytes of text a piece; large enough that cutting costs nothing, small enough to balance two cores.
const PIECE: usize = 4 << 20;
/// Records that are parsed before any is looked at: few enough for the fastest cache.
const BATCH: usize = 256;

/// A run of whole records inside a number array.
pub(super) struct Piece<'a> {
    /// Text from the first number of the first record on, to the first record of the next piece.
    text: &'a [u8],
    /// Ordinal of the first record.
    pub(super) first: usize,
    /// Number of records.
    pub(super) records: usize,
    /// Whether the text holds the records and nothing else.
    whole: bool,
}

impl<'a> Piece<'a> {
    /// The numbers of this piece, record after record.
    fn numbers(&self) -> Numbers<'a> {
        Numbers::over(self.text)
    }

    /// Its text; that of the last piece may go on behind its records.
    pub(super) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Gives every record, with its ordinal within the piece, to `each`.
    pub(super) fn records<E>(
        &self,
        width: usize,
        not_numbers: impl FnOnce() -> E,
        mut each: impl FnMut(usize, &[u64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut numbers = self.numbers();
        let mut buffer = vec![0u64; width * BATCH.min(self.records)];
        let mut at = 0;
        while at < self.records {
            let wanted = BATCH.min(self.records - at) * width;
            let Some(part) = buffer.get_mut(..wanted) else { break };
            if numbers.fill(part) < wanted {
                return Err(not_numbers());
            }
            for record in part.chunks_exact(width) {
                each(at, record)?;
                at += 1;
            }
        }
        if self.is_exhausted_by(&mut numbers) { Ok(()) } else { Err(not_numbers()) }
    }

    /// Whether `numbers`, having given the records of this piece, leave something behind that the commas
    /// did not announce: `1.5` is one number to a reader of JSON and two to this one.
    fn is_exhausted_by(&self, numbers: &mut Numbers<'_>) -> bool {
        !self.whole || numbers.next().is_none()
    }
}

/// Cuts an array of `width`-number records; at most `limit` records are kept.
/// Returns the pieces, in order, and how many *numbers* the text holds.
pub(super) fn cut(text: &[u8], width: usize, limit: usize) -> (Vec<Piece<'_>>, u64) {
    let mut cuts = vec![0usize];
    while let Some(&last) = cuts.last() {
        let Some(from) = last.checked_add(PIECE).filter(|&from| from < text.len()) else { break };
        match memchr(b',', &text[from..]) {
            Some(step) => cuts.push(from + step + 1),
            None => break,
        }
    }
    cuts.push(text.len());
    let commas: Vec<usize> =
        cuts.par_windows(2).map(|pair| memchr_iter(b',', &text[pair[0]..pair[1]]).count()).collect();

    let mut pieces: Vec<Piece<'_>> = Vec::with_capacity(commas.len());
    let mut numbers = 0usize;
    for (index, &count) in commas.iter().enumerate() {
        let last = index + 1 == commas.len();
        // Every piece but the last ends with the comma behind its last number.
        let here = count + usize::from(last && has_digit(&text[cuts[index]..cuts[index + 1]]));
        let first = numbers.div_ceil(width);
        let skip = first * width - numbers;
        let end = (numbers + here).div_ceil(width);
        numbers += here;
        let records = end.min(limit).saturating_sub(first);
        if records > 0 {
            let begin = behind(text, cuts[index], skip);
            if let Some(before) = pieces.last_mut() {
                before.text = &before.text[..before.text.len() - (text.len() - begin)];
                before.whole = true;
            }
            pieces.push(Piece { text: &text[begin..], first, records, whole: false });
        }
    }
    // A last record that lacks numbers is no record.
    if let Some(piece) = pieces.last_mut() {
        let whole = (numbers / width).min(limit);
        piece.records = piece.records.min(whole.saturating_sub(piece.first));
        piece.whole = numbers == whole * width;
    }
    (pieces, numbers as u64)
}

/// Offset behind `count` numbers from `at` on.
fn behind(text: &[u8], at: usize, count: usize) -> usize {
    let mut at = at;
    for _ in 0..count {
        let digit = |from: usize, is: bool| {
            text.get(from..)
                .and_then(|rest| rest.iter().position(|byte| byte.is_ascii_digit() == is))
                .map_or(text.len(), |step| from + step)
        };
        at = digit(digit(at, true), false);
    }
    at
}

fn has_digit(text: &[u8]) -> bool {
    // Only the tail can be empty ("1,2,\n]" does not occur, "[]" does).
    text.iter().rev().take_while(|&&byte| byte != b',').any(u8::is_ascii_digit)
}

/// Reads unsigned numbers, skipping everything that is not a digit, as DevTools does.
///
/// The text is looked at in blocks of 64 bytes. A block becomes a mask with one bit a digit; where numbers
/// begin and end are then set bits, so that finding the next number waits for no load and mispredicts no
/// length, and its up to eight digits are read as one word.
pub(super) struct Numbers<'a> {
    text: &'a [u8],
    /// Offset of the block at work.
    block: usize,
    /// First digits in this block that are not read yet.
    starts: u64,
    /// Last digits in this block that are not read yet.
    ends: u64,
    /// Where a number begins that an earlier block left open.
    open: Option<usize>,
    /// Whether the byte before the next block is a digit.
    carry: u64,
    /// Offset of the next block.
    next: usize,
}

const BLOCK: usize = 64;
const ONES: u64 = 0x0101_0101_0101_0101;

impl<'a> Numbers<'a> {
    pub(super) fn over(text: &'a [u8]) -> Self {
        Self { text, block: 0, starts: 0, ends: 0, open: None, carry: 0, next: 0 }
    }

    /// Fills `out` with the next numbers; returns how many there were.
    pub(super) fn fill(&mut self, out: &mut [u64]) -> usize {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2") {
            // SAFETY: the processor has just said that it has these instructions.
            #[expect(unsafe_code, reason = "instructions that not every processor has")]
            return unsafe { self.fill_with_bmi(out) };
        }
        self.fill_by(out)
    }

    /// The same code; the compiler finds and clears bits in one instruction each.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "bmi1,bmi2")]
    fn fill_with_bmi(&mut self, out: &mut [u64]) -> usize {
        self.fill_by(out)
    }

    #[inline(always)]
    fn fill_by(&mut self, out: &mut [u64]) -> usize {
        let mut filled = 0;
        loop {
            while self.ends != 0 {
                let Some(slot) = out.get_mut(filled) else { return filled };
                let end = self.block + self.ends.trailing_zeros() as usize + 1;
                self.ends &= self.ends - 1;
                let start = match self.open.take() {
                    Some(start) => start,
                    None => {
                        let start = self.block + self.starts.trailing_zeros() as usize;
                        self.starts &= self.starts.wrapping_sub(1);
                        start
                    }
                };
                *slot = value(self.text, start, end);
                filled += 1;
            }
            if filled == out.len() || !self.advance() {
                return filled;
            }
        }
    }

    /// Goes on to the next block. A number ends at the latest with the text.
    #[inline(always)]
    fn advance(&mut self) -> bool {
        if self.starts != 0 {
            self.open = Some(self.block + self.starts.trailing_zeros() as usize);
        }
        let Some(rest) = self.text.get(self.next..).filter(|rest| !rest.is_empty()) else { return false };
        let mut padded = [0u8; BLOCK];
        let digits = match rest.first_chunk::<BLOCK>() {
            Some(block) => mask(block),
            None => {
                padded[..rest.len()].copy_from_slice(rest);
                mask(&padded)
            }
        };
        let goes_on = u64::from(rest.get(BLOCK).is_some_and(u8::is_ascii_digit));
        self.block = self.next;
        self.next += BLOCK;
        self.starts = digits & !(digits << 1 | self.carry);
        self.ends = digits & !(digits >> 1 | goes_on << 63);
        self.carry = digits >> 63;
        true
    }
}

impl Iterator for Numbers<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let mut number = [0];
        (self.fill(&mut number) == 1).then_some(number[0])
    }
}

/// One bit a byte: whether it is a digit.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(unsafe_code, reason = "sixteen bytes at once: numbers are nine tenths of a snapshot")]
fn mask(block: &[u8; BLOCK]) -> u64 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8, _mm_sub_epi8,
    };
    let mut mask = 0;
    for (at, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
        let word = u128::from_le_bytes(*bytes);
        // SAFETY: SSE2 is part of x86-64, and none of these touches memory.
        let digits = unsafe {
            let bytes = _mm_set_epi64x((word >> 64) as i64, word as i64);
            let value = _mm_sub_epi8(bytes, _mm_set1_epi8(0x30));
            _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(9)), value))
        };
        mask |= u64::from(digits as u32) << (16 * at);
    }
    mask
}

/// One bit a byte: whether it is a digit.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn mask(block: &[u8; BLOCK]) -> u64 {
    let mut mask = 0;
    for (at, bytes) in block.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*bytes) ^ (ONES * 0x30);
        // The highest bit of a byte stays clear for 0 to 9; no carry leaves its byte.
        let others = ((word & (ONES * 0x7f)) + ONES * 0x76) | word;
        let digits = !others >> 7 & ONES;
        // Gathers the eight lowest bits into the highest byte.
        mask |= (digits.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * at);
    }
    mask
}

/// The number whose digits are `text[start..end]`.
#[inline(always)]
fn value(text: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    if length <= 8
        && let Some(bytes) = text[..end].last_chunk::<8>()
    {
        let word = (u64::from_le_bytes(*bytes) ^ (ONES * 0x30)) & (u64::MAX << (64 - 8 * length));
        // Neighbouring digits are joined to pairs, pairs to fours, fours to eight.
        let pairs = (word * 10 + (word >> 8)) & 0x00ff_00ff_00ff_00ff;
        let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
        return (fours * 10_000 + (fours >> 32)) & 0xffff_ffff;
    }
    // Saturates instead of wrapping: a number this large is rejected by its range check.
    text[start..end].iter().fold(0u64, |value, &digit| {
        value.saturating_mul(10).saturating_add(u64::from(digit.wrapping_sub(b'0')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_every_record_once_whatever_the_width() {
        let numbers: Vec<u64> = (0..3_000_000u64).map(|n| n * 7919 % 1_000_003).collect();
        let text = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        for width in [1, 3, 5, 7] {
            let (pieces, found) = cut(text.as_bytes(), width, usize::MAX);
            assert_eq!(found, numbers.len() as u64);
            let mut read = Vec::new();
            for piece in &pieces {
                assert_eq!(piece.first * width, read.len());
                read.extend(piece.numbers().take(piece.records * width));
            }
            assert_eq!(read.len(), numbers.len() / width * width);
            assert_eq!(read[..], numbers[..read.len()]);
        }
    }

    #[test]
    fn numbers_of_every_length_are_read_wherever_a_block_ends() {
        let mut numbers = vec![0u64, 9, 10, 99_999_999, 100_000_000, u64::from(u32::MAX), u64::MAX];
        numbers.extend((0..20).map(|power| 10u64.saturating_pow(power) - 1));
        for shift in 0..130 {
            let text =
                " ".repeat(shift) + &numbers.iter().map(u64::to_string).collect::<Vec<_>>().join("\n,");
            assert_eq!(Numbers::over(text.as_bytes()).collect::<Vec<_>>(), numbers, "{shift}");
        }
        assert_eq!(Numbers::over("7\u{fffd}8é9".as_bytes()).collect::<Vec<_>>(), [7, 8, 9]);
        assert_eq!(Numbers::over(b"99999999999999999999999").collect::<Vec<_>>(), [u64::MAX]);
        assert_eq!(Numbers::over(b"").next(), None);
    }

    #[test]
    fn an_empty_array_has_no_numbers() {
        assert_eq!(cut(b"", 5, 10).1, 0);
        assert_eq!(cut(b"\n ", 5, 10).1, 0);
    }

    #[test]
    fn an_incomplete_last_record_is_dropped() {
        let (pieces, found) = cut(b"1,2,3,4,5", 2, 10);
        assert_eq!(found, 5);
        assert_eq!(pieces.iter().map(|piece| piece.records).sum::<usize>(), 2);
    }
}
