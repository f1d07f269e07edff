//! Byte offsets to V8's lines and columns, and back.

use serde::{Deserialize, Serialize};

/// A place in a source: 0-based line, 0-based column in UTF-16 units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// 0-based line.
    pub line: u32,
    /// 0-based column, in UTF-16 units from the line's start.
    pub column: u32,
}

impl Position {
    /// The place at a 0-based line and column.
    pub const fn new(line: u32, column: u32) -> Self {
        Self { line, column }
    }
}

/// A stretch of a source: from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Range {
    /// Where it begins.
    pub start: Position,
    /// Just past its last character.
    pub end: Position,
}

/// Bytes between two stored UTF-16 counts of a text that is not ASCII.
const CHUNK: usize = 1024;

/// The line table of one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// Byte offset of each line's start, by every terminator JavaScript knows.
    starts: Vec<u32>,
    /// The same by `\n` alone; empty when that is no different.
    newline_starts: Vec<u32>,
    /// UTF-16 units before byte `i * CHUNK` (or the character boundary just after); empty for ASCII.
    units: Vec<u32>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        let mut newline_starts = vec![0];
        for (at, &byte) in bytes.iter().enumerate() {
            let next = at as u32 + 1;
            match byte {
                b'\n' => {
                    starts.push(next);
                    newline_starts.push(next);
                }
                b'\r' if bytes.get(at + 1) != Some(&b'\n') => starts.push(next),
                // U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
                0xA8 | 0xA9 if at >= 2 && bytes[at - 2..at] == [0xE2, 0x80] => starts.push(next),
                _ => {}
            }
        }
        if newline_starts.len() == starts.len() {
            newline_starts = Vec::new();
        }
        let mut units = Vec::new();
        if !text.is_ascii() {
            let mut count = 0;
            for (at, character) in text.char_indices() {
                while units.len() * CHUNK <= at {
                    units.push(count);
                }
                count += character.len_utf16() as u32;
            }
        }
        Self { starts, newline_starts, units }
    }

    /// UTF-16 units before a byte.
    fn units_before(&self, text: &str, byte: usize) -> u32 {
        if self.units.is_empty() {
            return byte as u32;
        }
        let chunk = (byte / CHUNK).min(self.units.len() - 1);
        let from = ceil_boundary(text, chunk * CHUNK);
        let between = text.get(from..byte).unwrap_or("");
        self.units[chunk] + between.chars().map(|c| c.len_utf16() as u32).sum::<u32>()
    }

    /// The position of a byte offset.
    pub(crate) fn position(&self, text: &str, byte: u32) -> Position {
        let byte = ceil_boundary(text, byte as usize);
        let line = self.starts.partition_point(|&start| start as usize <= byte).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0) as usize;
        let column = self.units_before(text, byte) - self.units_before(text, start);
        Position::new(line as u32, column)
    }

    /// The byte offset of a position; `None` beyond the last line. A column beyond the line's
    /// end gives its end.
    pub(crate) fn offset(&self, text: &str, at: Position) -> Option<u32> {
        self.offset_in(&self.starts, text, at)
    }

    /// The same with lines that end at `\n` only, when that reading differs.
    pub(crate) fn newline_offset(&self, text: &str, at: Position) -> Option<u32> {
        if self.newline_starts.is_empty() {
            return None;
        }
        self.offset_in(&self.newline_starts, text, at)
    }

    fn offset_in(&self, starts: &[u32], text: &str, at: Position) -> Option<u32> {
        let start = *starts.get(at.line as usize)? as usize;
        let end = starts.get(at.line as usize + 1).map_or(text.len(), |&next| next as usize);
        if self.units.is_empty() {
            return Some((start + at.column as usize).min(end) as u32);
        }
        let wanted = self.units_before(text, start).saturating_add(at.column);
        // The last chunk that begins at or before the wanted unit.
        let chunk = self.units.partition_point(|&count| count <= wanted).saturating_sub(1);
        let mut byte = ceil_boundary(text, chunk * CHUNK);
        let mut count = self.units.get(chunk).copied().unwrap_or(0);
        if byte < start {
            byte = start;
            count = self.units_before(text, start);
        }
        for character in text.get(byte..end).unwrap_or("").chars() {
            if count >= wanted {
                break;
            }
            count += character.len_utf16() as u32;
            byte += character.len_utf8();
        }
        Some(byte.min(end) as u32)
    }

    /// The text of a line, without its terminator; empty beyond the last.
    pub(crate) fn line<'t>(&self, text: &'t str, line: u32) -> &'t str {
        let Some(&start) = self.starts.get(line as usize) else { return "" };
        let end = self.starts.get(line as usize + 1).map_or(text.len(), |&next| next as usize);
        text.get(start as usize..end).unwrap_or("").trim_end_matches(['\n', '\r', '\u{2028}', '\u{2029}'])
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }
}

/// The first character boundary at or after a byte offset.
fn ceil_boundary(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte += 1;
    }
    byte
}
