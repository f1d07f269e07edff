//! The string table, left in the file's bytes and decoded on demand.

use std::borrow::Cow;

use memchr::memmem;

use super::SnapshotBytes;
use super::cursor::{Cursor, end_of_string};
use crate::SnapshotError;
use crate::graph::Column;

/// The string table. Index 0 is usually a dummy.
#[derive(Debug)]
pub struct Strings {
    bytes: SnapshotBytes,
    /// Offset of each string's content, behind the opening quote.
    starts: Column<u64>,
}

impl Strings {
    /// Finds the strings of the array whose content begins at `at`. Returns the table, the offset behind
    /// the closing bracket, and whether the array was complete.
    ///
    /// # Errors
    /// [`SnapshotError::NotASnapshot`] where something else stands among the strings: left out, it would
    /// give every later string another index.
    pub(super) fn find(bytes: SnapshotBytes, at: usize) -> Result<(Self, usize, bool), SnapshotError> {
        let text = bytes.as_slice();
        let mut starts = Vec::new();
        let mut at = at;
        let complete = loop {
            match text.get(at) {
                Some(b'"') => match end_of_string(text, at + 1) {
                    Some(end) => {
                        starts.push((at + 1) as u64);
                        at = end + 1;
                    }
                    None => break false,
                },
                Some(b']') => {
                    at += 1;
                    break true;
                }
                Some(b',' | b' ' | b'\n' | b'\r' | b'\t') => at += 1,
                Some(_) => {
                    let mut cursor = Cursor::new(text);
                    cursor.at = at;
                    return Err(cursor.surprise("a string or the end of the string table"));
                }
                None => break false,
            }
        };
        Ok((Self { bytes, starts: starts.into() }, at, complete))
    }

    /// The table whose strings begin at `starts`, as [`Self::find`] found them in the same bytes.
    pub(crate) fn at(bytes: SnapshotBytes, starts: Column<u64>) -> Self {
        Self { bytes, starts }
    }

    /// Where each string begins, for [`Self::at`].
    pub(crate) fn starts(&mut self) -> &mut Column<u64> {
        &mut self.starts
    }

    /// Number of strings that the file holds. Names may go beyond it where a truncated file has lost some.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The string as it stands in the file (JSON escapes kept); empty for a lost one.
    pub fn raw(&self, index: u32) -> &[u8] {
        let text = self.bytes.as_slice();
        let Some(&start) = self.starts.get(index as usize) else { return b"" };
        let start = start as usize;
        match end_of_string(text, start) {
            Some(end) => &text[start..end],
            None => b"",
        }
    }

    /// The decoded string. Lone surrogates become U+FFFD.
    pub fn get(&self, index: u32) -> Cow<'_, str> {
        if index as usize >= self.starts.len() {
            return Cow::Borrowed("(lost string)");
        }
        decode(self.raw(index))
    }

    /// Length in UTF-16 units, as V8 counts: a lone surrogate is one, a character beyond U+FFFF two.
    pub fn utf16_len(&self, index: u32) -> usize {
        let mut units = 0;
        let mut rest = self.raw(index);
        while let Some((&byte, behind)) = rest.split_first() {
            let taken = match byte {
                b'\\' => match behind.first() {
                    Some(b'u') => 5,
                    _ => 1,
                },
                _ => 0,
            };
            // Bytes that go on with a character are no units; four-byte characters are two.
            units += match byte {
                0x80..=0xbf => 0,
                0xf0..=0xff => 2,
                _ => 1,
            };
            rest = behind.get(taken..).unwrap_or_default();
        }
        units
    }

    /// Index of the string equal to `text`, which must need no escapes.
    pub fn position(&self, text: &str) -> Option<u32> {
        let bytes = self.bytes.as_slice();
        let wanted = text.as_bytes();
        self.starts
            .iter()
            .position(|&start| {
                bytes[start as usize..]
                    .get(..wanted.len() + 1)
                    .is_some_and(|found| &found[..wanted.len()] == wanted && found[wanted.len()] == b'"')
            })
            .map(|index| index as u32)
    }

    /// Indexes of all strings that contain `text` (which must need no escapes), ascending.
    pub fn containing(&self, text: &str) -> Vec<u32> {
        let (Some(&first), Some(&last)) = (self.starts.first(), self.starts.last()) else {
            return Vec::new();
        };
        let bytes = self.bytes.as_slice();
        let end = end_of_string(bytes, last as usize).unwrap_or(bytes.len());
        let mut found: Vec<u32> = memmem::find_iter(&bytes[first as usize..end], text)
            .map(|at| {
                let at = first + at as u64;
                (self.starts.partition_point(|&start| start <= at) - 1) as u32
            })
            .collect();
        found.dedup();
        found
    }
}

/// Decodes the inside of a JSON string.
fn decode(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw);
    }
    let mut units: Vec<u16> = Vec::new();
    let mut text = String::with_capacity(raw.len());
    let mut at = 0;
    let flush = |units: &mut Vec<u16>, text: &mut String| {
        if !units.is_empty() {
            text.extend(
                char::decode_utf16(units.drain(..)).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)),
            );
        }
    };
    while at < raw.len() {
        let step = memchr::memchr(b'\\', &raw[at..]).unwrap_or(raw.len() - at);
        if step > 0 {
            flush(&mut units, &mut text);
            text.push_str(&String::from_utf8_lossy(&raw[at..at + step]));
            at += step;
            continue;
        }
        match raw.get(at + 1) {
            Some(b'u') => {
                let unit = raw
                    .get(at + 2..at + 6)
                    .and_then(|hex| std::str::from_utf8(hex).ok())
                    .and_then(|hex| u16::from_str_radix(hex, 16).ok());
                // Kept until the next ordinary character, so that surrogate pairs join.
                units.push(unit.unwrap_or(0xfffd));
                at += 6;
            }
            Some(&escape) => {
                flush(&mut units, &mut text);
                text.push(match escape {
                    b'n' => '\n',
                    b't' => '\t',
                    b'r' => '\r',
                    b'b' => '\u{8}',
                    b'f' => '\u{c}',
                    other => char::from(other),
                });
                at += 2;
            }
            None => break,
        }
    }
    flush(&mut units, &mut text);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(json: &str) -> Strings {
        Strings::find(json.as_bytes().to_vec().into(), 1).unwrap().0
    }

    #[test]
    fn escapes_and_surrogates_decode() {
        let strings = table(r#"["a\"b","\ud83d\ude00!","x\ud800y","\\n\n","plain"]"#);
        assert_eq!(strings.get(0), "a\"b");
        assert_eq!(strings.get(1), "😀!");
        assert_eq!(strings.get(2), "x\u{fffd}y");
        assert_eq!(strings.get(3), "\\n\n");
        assert_eq!(strings.position("plain"), Some(4));
        assert_eq!(strings.position("plai"), None);
        assert_eq!(strings.containing("lai"), [4]);
    }

    #[test]
    fn lengths_count_utf16_units_and_lone_surrogates() {
        let strings = table(r#"["a\"b","\ud83d\ude00!","x\ud800y","\\\n","😀é",""]"#);
        let lengths: Vec<usize> = (0..6).map(|index| strings.utf16_len(index)).collect();
        assert_eq!(lengths, [3, 3, 3, 2, 3, 0]);
    }

    #[test]
    fn a_truncated_table_keeps_what_is_whole() {
        let (strings, _, complete) = Strings::find(br#"["one","tw"#.to_vec().into(), 1).unwrap();
        assert!(!complete);
        assert_eq!(strings.len(), 1);
        assert_eq!(strings.get(7), "(lost string)");
    }
}
