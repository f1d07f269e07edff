//! Number arrays, parsed in parallel.
//!
//! The text between the brackets is cut into pieces at commas. Counting the commas of each piece tells
//! which record each piece begins in, so that pieces can fill disjoint ranges of the columns
//! independently. A record that straddles a cut belongs to the piece in which it begins.

use memchr::{memchr, memchr_iter};
use rayon::prelude::*;

/// Bytes of text a piece; large enough that cutting costs nothing, small enough to balance two cores.
const PIECE: usize = 4 << 20;

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
    pub(super) fn numbers(&self) -> Numbers<'a> {
        Numbers { rest: self.text }
    }

    /// Whether `numbers`, having given the records of this piece, leave something behind that the commas
    /// did not announce: `1.5` is one number to a reader of JSON and two to this one.
    pub(super) fn is_exhausted_by(&self, numbers: &Numbers<'_>) -> bool {
        !self.whole || !numbers.rest.iter().any(u8::is_ascii_digit)
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
            let mut begin = Numbers { rest: &text[cuts[index]..] };
            for _ in 0..skip {
                begin.next();
            }
            if let Some(before) = pieces.last_mut() {
                before.text = &before.text[..before.text.len() - begin.rest.len()];
                before.whole = true;
            }
            pieces.push(Piece { text: begin.rest, first, records, whole: false });
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

fn has_digit(text: &[u8]) -> bool {
    // Only the tail can be empty ("1,2,\n]" does not occur, "[]" does).
    text.iter().rev().take_while(|&&byte| byte != b',').any(u8::is_ascii_digit)
}

/// Reads unsigned numbers, skipping everything that is not a digit, as DevTools does.
pub(super) struct Numbers<'a> {
    rest: &'a [u8],
}

impl<'a> Numbers<'a> {
    pub(super) fn over(text: &'a [u8]) -> Self {
        Self { rest: text }
    }
}

impl Iterator for Numbers<'_> {
    type Item = u64;

    #[inline(always)]
    fn next(&mut self) -> Option<u64> {
        let mut rest = self.rest;
        loop {
            let (&byte, tail) = rest.split_first()?;
            rest = tail;
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                let mut value = u64::from(digit);
                while let Some((&byte, tail)) = rest.split_first() {
                    let digit = byte.wrapping_sub(b'0');
                    if digit >= 10 {
                        break;
                    }
                    // Saturates instead of wrapping: a number this large is rejected by its range check.
                    value = value.saturating_mul(10).saturating_add(u64::from(digit));
                    rest = tail;
                }
                self.rest = rest;
                return Some(value);
            }
        }
    }
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
