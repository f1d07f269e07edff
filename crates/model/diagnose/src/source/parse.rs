//! From text to a syntax tree, whatever the text.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use oxc_allocator::Allocator;
use oxc_parser::{ParseOptions, Parser};
use oxc_span::SourceType;

use super::build::tables_of;
use super::position::{Lines, Position, Range};
use super::table::{Bytes, Function, FunctionId, FunctionKind, MAX_PARSED, NONE, Shape, SourceText, Tables};

/// Stack of the parsing thread: reserved, touched only as deep as the source nests.
/// The smaller one where the address space is limited.
const STACKS: [usize; 2] = [1 << 30, 128 << 20];
/// Brackets open at once, beyond which a source is not parsed.
const MAX_DEPTH: usize = 10_000;
/// Operators, calls and words in a row (no `;`, `,` or brace between), likewise.
const MAX_LINKS: usize = 50_000;
/// `else` and `for` in all, likewise.
const MAX_WORDS: usize = 200_000;
/// Messages of the parser that are kept.
const MAX_PROBLEMS: usize = 20;
impl SourceText {
    /// Parses a source: CommonJS, an ES module, TypeScript or JSX, as its name's ending and its
    /// text tell. Never fails; see [`SourceText::problems`] and [`SourceText::is_parsed`].
    pub fn parse(path_or_url: &str, text: Arc<str>) -> Self {
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => Arc::from(rest),
            None => text,
        };
        let lines = Lines::new(&text);
        let mut source = Self {
            name: path_or_url.to_owned(),
            text,
            lines,
            tables: Tables::default(),
            problems: Vec::new(),
            parsed: false,
        };
        let mut problems = Vec::new();
        let mut tables = None;
        if source.text.len() > MAX_PARSED {
            problems.push(format!("source of {} bytes is not parsed", source.text.len()));
        } else if too_deep(&source.text) {
            problems.push("source nests too deep to be parsed".to_owned());
        } else {
            let work = || parse_any(path_or_url, &source.text, &source.lines);
            let ended = thread::scope(|scope| {
                STACKS
                    .iter()
                    .find_map(|&stack| {
                        let named = thread::Builder::new().name("leakhound-parse".to_owned());
                        named.stack_size(stack).spawn_scoped(scope, work).ok()
                    })?
                    .join()
                    .ok()
            });
            match ended {
                Some((found, said)) => (tables, problems) = (found, said),
                None => problems.push("the parser gave up".to_owned()),
            }
        }
        source.parsed = tables.is_some();
        source.tables = tables.unwrap_or_else(|| top_only(&source.text, &source.lines));
        source.problems = problems;
        source
    }
}

/// Whether a recursive parser could exhaust its stack. Counts characters without regard to
/// comments and most strings, with bounds that no real source comes near.
fn too_deep(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut depth, mut links, mut words) = (0_usize, 0_usize, 0_usize);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'(' | b'[' => {
                depth += 1;
                links += 1;
            }
            b'{' => {
                depth += 1;
                links = 0;
            }
            b')' | b']' => depth = depth.saturating_sub(1),
            b'}' => {
                depth = depth.saturating_sub(1);
                links = 0;
            }
            b';' | b',' => links = 0,
            b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^' | b'!' | b'~' | b'?' | b':' | b'.'
            | b'=' | b'<' | b'>' | b'`' | b'$' => links += 1,
            b' ' if at > 0 && bytes[at - 1].is_ascii_alphanumeric() => links += 1,
            b'e' if bytes[at..].starts_with(b"else") => words += 1,
            b'f' if bytes[at..].starts_with(b"for") => words += 1,
            _ => {}
        }
        if depth > MAX_DEPTH || links > MAX_LINKS || words > MAX_WORDS {
            return true;
        }
        at += 1;
        // Embedded binaries and source maps: base64 is full of operators.
        if matches!(byte, b'"' | b'\'' | b'`' | b',') {
            let rest = bytes.get(at..).unwrap_or_default();
            let encoded = rest.iter().take_while(|b| is_base64(**b)).count();
            if encoded > 256 {
                at += encoded;
            }
        }
    }
    false
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// The tables of a source that was not parsed: its top level alone.
pub(crate) fn top_only(text: &str, lines: &Lines) -> Tables {
    let mut tables = Tables::default();
    let end = lines.position(text, text.len() as u32);
    tables.functions.push(top_function(end));
    tables.shapes.push(Shape {
        start: 0,
        range: Bytes { start: 0, end: u32::MAX },
        parent: NONE,
        outer: NONE,
        class: NONE,
        handed: NONE,
        params: Vec::new(),
    });
    tables.by_range.push(0);
    tables
}

fn top_function(end: Position) -> Function {
    Function {
        id: FunctionId::TOP,
        name: None,
        start: Position::default(),
        range: Range { start: Position::default(), end },
        kind: FunctionKind::Top,
        is_async: false,
        is_generator: false,
        parent: None,
        class: None,
    }
}

/// Tries the grammars that the name suggests until one takes the text whole.
fn parse_any(name: &str, text: &str, lines: &Lines) -> (Option<Tables>, Vec<String>) {
    let mut best: Option<(usize, SourceType)> = None;
    let mut problems = Vec::new();
    for kind in grammars(name) {
        let allocator = Allocator::default();
        let returned = parser(&allocator, text, kind).parse();
        let count = returned.diagnostics.len();
        if count == 0 && !returned.panicked {
            return (Some(tables_of(&returned.program, lines)), Vec::new());
        }
        if problems.is_empty() {
            let said = returned.diagnostics.iter().take(MAX_PROBLEMS);
            problems = said.map(ToString::to_string).collect();
        }
        if !returned.panicked && best.is_none_or(|(least, _)| count < least) {
            best = Some((count, kind));
        }
    }
    let Some((_, kind)) = best else { return (None, problems) };
    let allocator = Allocator::default();
    let returned = parser(&allocator, text, kind).parse();
    (Some(tables_of(&returned.program, lines)), problems)
}

fn parser<'a>(allocator: &'a Allocator, text: &'a str, kind: SourceType) -> Parser<'a> {
    Parser::new(allocator, text, kind)
        .with_options(ParseOptions { allow_return_outside_function: true, ..ParseOptions::default() })
}

/// Source types to try, likeliest first.
fn grammars(name: &str) -> Vec<SourceType> {
    let path = name.split(['?', '#']).next().unwrap_or(name);
    let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or("");
    let script = SourceType::cjs().with_jsx(true);
    let module = SourceType::mjs().with_jsx(true);
    let typed = SourceType::ts().with_module(true);
    let typed_script = SourceType::ts().with_commonjs(true);
    match extension {
        "ts" | "mts" => vec![typed, typed_script, SourceType::tsx()],
        "cts" => vec![typed_script, typed],
        "tsx" => vec![SourceType::tsx(), typed],
        "mjs" => vec![module, script, SourceType::tsx()],
        _ => vec![script, module, SourceType::tsx(), typed],
    }
}
