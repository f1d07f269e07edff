//! A reader of JSON structure over bytes: enough to find the sections, with no value tree.

use memchr::{memchr, memchr2, memchr3};

use crate::SnapshotError;

/// A position in the file's bytes.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first byte behind a byte order mark, which some tools put in front of what they copy.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 } }
    }

    /// Skips JSON white space and returns the next byte without taking it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    pub(super) fn surprise(&self, expected: &'static str) -> SnapshotError {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let found = if rest.is_empty() {
            "the end of the file".to_owned()
        } else {
            format!("{:?}", String::from_utf8_lossy(&rest[..rest.len().min(16)]))
        };
        SnapshotError::NotASnapshot { offset: self.at as u64, expected, found }
    }

    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), SnapshotError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.surprise(expected))
    }

    /// Takes a JSON string and returns its raw content (escapes kept), or `None` at the end of the file.
    pub(super) fn string(&mut self) -> Result<Option<&'a [u8]>, SnapshotError> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        match end_of_string(self.bytes, start) {
            Some(end) => {
                self.at = end + 1;
                Ok(Some(&self.bytes[start..end]))
            }
            None => {
                self.at = self.bytes.len();
                Ok(None)
            }
        }
    }

    /// Takes a flat array of numbers; returns the range between its brackets and whether it was closed.
    pub(super) fn flat_array(&mut self) -> Result<(std::ops::Range<usize>, bool), SnapshotError> {
        self.expect(b'[', "an array of numbers")?;
        let start = self.at;
        match memchr(b']', &self.bytes[start..]) {
            Some(length) => {
                self.at = start + length + 1;
                Ok((start..start + length, true))
            }
            None => {
                self.at = self.bytes.len();
                Ok((start..self.bytes.len(), false))
            }
        }
    }

    /// Takes any JSON value and returns its range and whether it was complete.
    pub(super) fn value(&mut self) -> Result<(std::ops::Range<usize>, bool), SnapshotError> {
        let Some(first) = self.peek() else { return Ok((self.at..self.at, false)) };
        let start = self.at;
        let mut depth = 0usize;
        if !matches!(first, b'{' | b'[' | b'"') {
            while let Some(&byte) = self.bytes.get(self.at) {
                if matches!(byte, b',' | b'}' | b']') {
                    return Ok((start..self.at, true));
                }
                self.at += 1;
            }
            return Ok((start..self.at, false));
        }
        while self.at < self.bytes.len() {
            match self.bytes[self.at] {
                b'"' => match end_of_string(self.bytes, self.at + 1) {
                    Some(end) => self.at = end + 1,
                    None => {
                        self.at = self.bytes.len();
                        return Ok((start..self.at, false));
                    }
                },
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                }
                _ => self.at += 1,
            }
            if depth == 0 {
                return Ok((start..self.at, true));
            }
            // Numbers and punctuation between brackets and strings are of no interest here.
            let rest = &self.bytes[self.at..];
            let window = &rest[..rest.len().min(1 << 16)];
            // The second search ends where the first one did: a trace tree has no braces at all.
            let near = memchr3(b'"', b'[', b']', window).unwrap_or(window.len());
            self.at += memchr2(b'{', b'}', &window[..near]).unwrap_or(near);
        }
        Ok((start..self.bytes.len(), false))
    }
}

/// Offset of the quote that ends the string whose content begins at `start`.
pub(super) fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let step = memchr2(b'"', b'\\', bytes.get(at..)?)?;
        at += step;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}
