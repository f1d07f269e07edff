//! Checks a heap snapshot while it streams past, without keeping it.

use std::sync::Arc;

use memchr::{memchr, memchr2};
use serde::Deserialize;

/// The header (meta data and counts) has two or three kilobytes; whatever is longer is no header.
const HEADER_LIMIT: usize = 256 << 10;
const KEY_LIMIT: usize = 64;

/// Why a stream is not a complete heap snapshot.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The stream ended early.
    #[error("it ends after {bytes} bytes, inside {inside}")]
    Truncated {
        /// Bytes seen.
        bytes: u64,
        /// The section in which it ended.
        inside: String,
    },
    /// A byte that no heap snapshot has there.
    #[error("byte {offset} is not what a heap snapshot has in {inside}")]
    Malformed {
        /// Position in the stream.
        offset: u64,
        /// The section.
        inside: String,
    },
    /// The header is not understood.
    #[error("its header is not that of a heap snapshot")]
    Header(#[source] Arc<serde_json::Error>),
    /// A section is missing.
    #[error("it has no {0}")]
    Missing(&'static str),
    /// A section has another length than the header announces.
    #[error("it announces {declared} {what} and holds {found}")]
    Count {
        /// `nodes` or `edges`.
        what: &'static str,
        /// Numbers announced (count times fields), divided by the fields.
        declared: u64,
        /// Numbers found, divided by the fields.
        found: u64,
    },
}

/// What a complete snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) nodes: u64,
    pub(crate) edges: u64,
}

#[derive(Debug, Deserialize)]
struct Header {
    meta: Meta,
    node_count: u64,
    edge_count: u64,
}

#[derive(Debug, Deserialize)]
struct Meta {
    node_fields: Vec<String>,
    edge_fields: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the opening brace.
    Start,
    /// Between members of the top-level object.
    Member,
    /// Inside a key.
    Key,
    /// Between a key and its value.
    Colon,
    /// Before a value's first byte.
    Value,
    /// Inside `nodes` or `edges`: numbers only.
    Numbers,
    /// Inside any other value.
    Other,
    /// After the closing brace.
    Done,
}

/// A state machine over the bytes of a `.heapsnapshot`.
#[derive(Debug)]
pub(crate) struct Scanner {
    state: State,
    offset: u64,
    key: Vec<u8>,
    header_text: Vec<u8>,
    header: Option<Header>,
    depth: u32,
    in_string: bool,
    escaped: bool,
    commas: u64,
    any: bool,
    nodes: Option<u64>,
    edges: Option<u64>,
    strings: bool,
}

impl Scanner {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Start,
            offset: 0,
            key: Vec::new(),
            header_text: Vec::new(),
            header: None,
            depth: 0,
            in_string: false,
            escaped: false,
            commas: 0,
            any: false,
            nodes: None,
            edges: None,
            strings: false,
        }
    }

    /// Looks at the next bytes, in any portions.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), ScanError> {
        let mut rest = bytes;
        while let Some((&first, tail)) = rest.split_first() {
            let before = rest.len();
            rest = match self.state {
                State::Numbers => self.numbers(rest)?,
                State::Other => self.other(rest)?,
                _ => {
                    self.structure(first)?;
                    // A value's first byte is looked at again as part of the value.
                    if self.state == State::Other { rest } else { tail }
                }
            };
            self.offset += (before - rest.len()) as u64;
        }
        Ok(())
    }

    /// Says whether what came is complete and holds what its header announces.
    pub(crate) fn finish(&self) -> Result<Counts, ScanError> {
        if self.state != State::Done {
            return Err(ScanError::Truncated { bytes: self.offset, inside: self.inside() });
        }
        let header = self.header.as_ref().ok_or(ScanError::Missing("header"))?;
        check("nodes", header.node_count, header.meta.node_fields.len(), self.nodes)?;
        check("edges", header.edge_count, header.meta.edge_fields.len(), self.edges)?;
        if !self.strings {
            return Err(ScanError::Missing("strings"));
        }
        Ok(Counts { nodes: header.node_count, edges: header.edge_count })
    }

    fn inside(&self) -> String {
        match self.state {
            State::Start => "its beginning".to_owned(),
            State::Done => "its end".to_owned(),
            _ => format!("section {:?}", String::from_utf8_lossy(&self.key)),
        }
    }

    fn malformed(&self) -> ScanError {
        ScanError::Malformed { offset: self.offset, inside: self.inside() }
    }

    fn structure(&mut self, byte: u8) -> Result<(), ScanError> {
        let blank = byte.is_ascii_whitespace();
        self.state = match (self.state, byte) {
            (State::Key, b'"') => State::Colon,
            (State::Key, _) if self.key.len() < KEY_LIMIT && byte != b'\\' => {
                self.key.push(byte);
                State::Key
            }
            (state, _) if blank && state != State::Key => state,
            (State::Start, b'{') => State::Member,
            (State::Member, b',') => State::Member,
            (State::Member, b'}') => State::Done,
            (State::Member, b'"') => {
                self.key.clear();
                State::Key
            }
            (State::Colon, b':') => State::Value,
            (State::Value, b'[') if matches!(self.key.as_slice(), b"nodes" | b"edges") => {
                (self.commas, self.any) = (0, false);
                State::Numbers
            }
            (State::Value, b'[' | b'{') => {
                (self.depth, self.in_string, self.escaped) = (0, false, false);
                State::Other
            }
            _ => return Err(self.malformed()),
        };
        Ok(())
    }

    fn numbers<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], ScanError> {
        let end = memchr(b']', bytes);
        let (body, rest) = match end {
            Some(at) => (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default()),
            None => (bytes, &[][..]),
        };
        // Plain folds without an early exit, which the compiler turns into vector code.
        let allowed =
            |byte: u8| (byte.wrapping_sub(b'0') < 10) | matches!(byte, b',' | b'\n' | b'-' | b' ' | b'\r');
        if body.iter().fold(false, |bad, &byte| bad | !allowed(byte)) {
            return Err(self.malformed());
        }
        self.commas += body.iter().map(|&byte| u64::from(byte == b',')).sum::<u64>();
        self.any |= body.iter().any(u8::is_ascii_digit);
        if end.is_some() {
            let count = if self.any { self.commas + 1 } else { 0 };
            if self.key == b"nodes" {
                self.nodes = Some(count);
            } else {
                self.edges = Some(count);
            }
            self.state = State::Member;
        }
        Ok(rest)
    }

    fn other<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], ScanError> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.escaped {
                self.escaped = false;
                at += 1;
                continue;
            }
            if self.in_string {
                match memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
                    None => at = bytes.len(),
                    Some(skip) => {
                        at += skip + 1;
                        if bytes.get(at - 1) == Some(&b'"') {
                            self.in_string = false;
                        } else {
                            self.escaped = true;
                        }
                    }
                }
                continue;
            }
            at += 1;
            match byte {
                b'"' => self.in_string = true,
                b'[' | b'{' => self.depth += 1,
                b']' | b'}' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        let (value, rest) = bytes.split_at(at);
                        self.keep(value)?;
                        self.end_of_value()?;
                        return Ok(rest);
                    }
                }
                _ => {}
            }
        }
        self.keep(bytes)?;
        Ok(&[])
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), ScanError> {
        if self.key == b"snapshot" {
            if self.header_text.len() + bytes.len() > HEADER_LIMIT {
                return Err(self.malformed());
            }
            self.header_text.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn end_of_value(&mut self) -> Result<(), ScanError> {
        match self.key.as_slice() {
            b"snapshot" => {
                let header = serde_json::from_slice(&self.header_text)
                    .map_err(|error| ScanError::Header(Arc::new(error)))?;
                self.header = Some(header);
                self.header_text = Vec::new();
            }
            b"strings" => self.strings = true,
            _ => {}
        }
        self.state = State::Member;
        Ok(())
    }
}

fn check(what: &'static str, declared: u64, fields: usize, found: Option<u64>) -> Result<(), ScanError> {
    let found = found.ok_or(ScanError::Missing(what))?;
    let fields = fields as u64;
    if declared.checked_mul(fields) == Some(found) {
        return Ok(());
    }
    Err(ScanError::Count { what, declared, found: found.checked_div(fields).unwrap_or(found) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"snapshot":{"meta":{"node_fields":["type","name"],"edge_fields":["t","n","to"],
        "x":"}]\""},"node_count":2,"edge_count":1},
        "nodes":[1,2
        ,3,4],"edges":[0,1,2],"trace_tree":[1,[2,["]"]]],"strings":["a]","\\\"}","{"]}
"#;

    fn scan(text: &str, portion: usize) -> Result<Counts, ScanError> {
        let mut scanner = Scanner::new();
        for bytes in text.as_bytes().chunks(portion) {
            scanner.feed(bytes)?;
        }
        scanner.finish()
    }

    #[test]
    fn a_complete_snapshot_is_accepted_in_any_portions() {
        for portion in [1, 2, 3, 7, 64, 4096] {
            assert_eq!(scan(WHOLE, portion).unwrap(), Counts { nodes: 2, edges: 1 }, "{portion}");
        }
    }

    #[test]
    fn a_snapshot_cut_anywhere_is_truncated() {
        let end = WHOLE.trim_end().len();
        for cut in 0..end {
            let error = scan(&WHOLE[..cut], 5).unwrap_err();
            assert!(matches!(error, ScanError::Truncated { .. }), "{cut}: {error}");
        }
    }

    #[test]
    fn counts_that_differ_from_the_header_are_told() {
        let fewer = WHOLE.replace(",3,4]", ",3]");
        assert!(matches!(scan(&fewer, 9), Err(ScanError::Count { what: "nodes", declared: 2, .. })));
        let more = WHOLE.replace("[0,1,2]", "[0,1,2,3,4,5]");
        assert!(matches!(scan(&more, 9), Err(ScanError::Count { what: "edges", declared: 1, found: 2 })));
        let absent = WHOLE.replace("\"edges\"", "\"wedges\"");
        assert!(matches!(scan(&absent, 9), Err(ScanError::Missing("edges"))));
    }

    #[test]
    fn what_is_no_snapshot_is_malformed() {
        for text in ["hello", "[1]", "{\"nodes\":[1,true]}", "{} x", "{\"snapshot\":7}"] {
            assert!(matches!(scan(text, 3), Err(ScanError::Malformed { .. })), "{text}");
        }
        assert!(matches!(scan("{\"snapshot\":{}}", 3), Err(ScanError::Header(_))));
    }
}
