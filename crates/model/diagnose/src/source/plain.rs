//! Answers by searching for words, when a source could not be parsed.

use super::growth::{Addition, AdditionKind, Deletion, DeletionKind, Via, in_order, ranked, words_in};
use super::position::Position;
use super::table::{Binding, BindingId, BindingKind, FunctionId, Initializer, NONE, SourceText};
use super::words;

/// Occurrences of a word that are looked at.
const MAX_HITS: usize = 10_000;
/// What a word search takes off the strength of an addition.
const DOUBT: u8 = 20;

fn occurrences<'s>(source: &'s SourceText, word: &'s str) -> impl Iterator<Item = usize> + 's {
    words_in(&source.text, word).take(MAX_HITS)
}

/// Where the line of a byte has its first visible character.
fn statement(source: &SourceText, byte: usize) -> Position {
    let at = source.at(byte as u32);
    let line = source.lines.line(&source.text, at.line);
    let blank: usize = line.chars().take_while(|c| c.is_whitespace()).map(char::len_utf16).sum();
    Position::new(at.line, (blank as u32).min(at.column))
}

/// Whether the line has a `//` before the byte.
fn in_comment(source: &SourceText, byte: usize) -> bool {
    let before = &source.text[..byte];
    let line = before.rfind('\n').map_or(before, |at| &before[at + 1..]);
    line.trim_start().starts_with('*') || line.contains("// ") || line.trim_start().starts_with("//")
}

pub(crate) fn bindings(source: &SourceText, name: &str) -> Vec<Binding> {
    let mut found = Vec::new();
    for at in occurrences(source, name) {
        let before = source.text[..at].trim_end();
        let ends = |word: &str| {
            before.strip_suffix(word).is_some_and(|rest| {
                !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == '.')
            })
        };
        let kind = if ends("const") {
            BindingKind::Const
        } else if ends("let") {
            BindingKind::Let
        } else if ends("var") {
            BindingKind::Var
        } else if ends("function") || before.ends_with("function*") {
            BindingKind::Function
        } else if ends("class") {
            BindingKind::Class
        } else {
            continue;
        };
        if in_comment(source, at) {
            continue;
        }
        let after = source.text[at + name.len()..].trim_start();
        found.push(Binding {
            id: BindingId(NONE),
            name: name.to_owned(),
            declaration: source.at(at as u32),
            statement: statement(source, at),
            kind,
            scope_function: FunctionId::TOP,
            initializer: after.strip_prefix('=').and_then(initializer),
            text: source.quote(at as u32),
        });
    }
    found
}

fn initializer(after: &str) -> Option<Initializer> {
    let after = after.trim_start();
    let word = |text: &str| -> String {
        let part = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.');
        let whole: String = text.chars().take_while(part).take(200).collect();
        whole.rsplit('.').next().unwrap_or("").to_owned()
    };
    Some(if let Some(class) = after.strip_prefix("new ") {
        Initializer::New(word(class.trim_start()))
    } else if after.starts_with('[') {
        Initializer::Array
    } else if after.starts_with('{') {
        Initializer::Object
    } else {
        Initializer::Other
    })
}

/// The method called on, or operator after, a word.
enum After<'t> {
    Method(&'t str, usize),
    Element,
    Property(&'t str),
    Append,
    Reset,
}

fn after(source: &SourceText, from: usize) -> Option<After<'_>> {
    let whole = &source.text[from..];
    let text = whole.trim_start();
    let skipped = whole.len() - text.len();
    if let Some(rest) = text.strip_prefix("?.").or_else(|| text.strip_prefix('.')) {
        let offset = from + skipped + (text.len() - rest.len());
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        let tail = tail.trim_start();
        return if tail.starts_with('(') {
            Some(After::Method(name, offset))
        } else {
            let assigned = tail.starts_with('=') && !tail.starts_with("==") && !tail.starts_with("=>");
            assigned.then_some(After::Property(name))
        };
    }
    if text.starts_with('[') {
        let close = text.char_indices().take(400).find(|&(_, c)| c == ']')?.0;
        let tail = text[close + 1..].trim_start();
        let assigned = tail.starts_with('=') && !tail.starts_with("==");
        return assigned.then_some(After::Element);
    }
    if text.starts_with("+=") {
        return Some(After::Append);
    }
    let value = text.strip_prefix('=')?.trim_start();
    let empty = ["[]", "{}", "new ", "null", "undefined", "''", "\"\""];
    empty.iter().any(|start| value.starts_with(start)).then_some(After::Reset)
}

pub(crate) fn additions(source: &SourceText, name: &str) -> Vec<Addition> {
    let mut found = Vec::new();
    for at in occurrences(source, name) {
        let mut call = at;
        let (how, strength, member) = match after(source, at + name.len()) {
            Some(After::Method(method, offset)) => {
                call = offset;
                let (how, strength) = if words::inserts(method) {
                    (AdditionKind::Insert, 90)
                } else if words::listens(method) {
                    (AdditionKind::Listen, 88)
                } else {
                    continue;
                };
                (how, strength, format!("{name}.{method}"))
            }
            Some(After::Element) => (AdditionKind::SetElement, 86, format!("{name}[]")),
            Some(After::Property(property)) if property != "length" => {
                (AdditionKind::SetProperty, 40, format!("{name}.{property}"))
            }
            Some(After::Append) => (AdditionKind::Append, 45, name.to_owned()),
            _ => continue,
        };
        if in_comment(source, at) {
            continue;
        }
        found.push(Addition {
            position: statement(source, at),
            call_position: source.at(call as u32),
            function: FunctionId::TOP,
            how,
            via: Via::Direct,
            strength: strength - DOUBT,
            member,
            text: source.quote(at as u32),
        });
    }
    ranked(found)
}

pub(crate) fn deletions(source: &SourceText, name: &str) -> Vec<Deletion> {
    let mut found = Vec::new();
    for at in occurrences(source, name) {
        let mut call = at;
        let before = source.text[..at].trim_end();
        let (how, member) = match after(source, at + name.len()) {
            _ if before.ends_with("delete") => (DeletionKind::Delete, name.to_owned()),
            _ if ["clearInterval(", "clearTimeout("].iter().any(|c| before.ends_with(c)) => {
                (DeletionKind::Cancel, name.to_owned())
            }
            Some(After::Method(method, offset)) if words::deletes(method) || method == "splice" => {
                call = offset;
                (DeletionKind::Method, format!("{name}.{method}"))
            }
            Some(After::Property("length")) => (DeletionKind::Length, format!("{name}.length")),
            // The declaration is no reset.
            Some(After::Reset) if !["const", "let", "var"].iter().any(|word| before.ends_with(word)) => {
                (DeletionKind::Reset, name.to_owned())
            }
            _ => continue,
        };
        if in_comment(source, at) {
            continue;
        }
        found.push(Deletion {
            position: statement(source, at),
            call_position: source.at(call as u32),
            function: FunctionId::TOP,
            how,
            via: Via::Direct,
            member,
            text: source.quote(at as u32),
        });
    }
    in_order(found)
}
