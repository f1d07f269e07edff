//! Names that came out of a heap, made fit to show: harmless first, then short.
//!
//! Class names, strings, file names and source lines belong to the program under suspicion, or to
//! whoever sends it requests. They may hold terminal escape sequences, bidirectional overrides,
//! line breaks, invisible characters or a megabyte of text. [`visible`] spells out what would not
//! be seen or would act; [`cut_middle`] and [`cut_end`] also bound the width. Escaping for HTML or
//! Markdown comes after that and is the report's own work.

use unicode_width::UnicodeWidthChar;

/// Most zero-width marks (accents) kept in a row; more than a language needs is an attack on the layout.
const MARKS_IN_A_ROW: usize = 2;

/// Columns that `text` takes in a terminal, for text that went through this module.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// `text` with every character that acts or hides spelled out: `\n`, `\u{1b}`, `\u{202e}`.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        if matches!(c, '\u{fe00}'..='\u{fe0f}') {
            // Variation selectors choose between two drawings of one character: nothing is lost.
            continue;
        }
        let zero_width = c.width() == Some(0);
        marks = if zero_width { marks + 1 } else { 0 };
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if acts_or_hides(c) || marks > MARKS_IN_A_ROW => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Characters that control a terminal, reorder text, or show nothing.
fn acts_or_hides(c: char) -> bool {
    c.is_control()
        || c.width().is_none()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// [`visible`] text of at most `columns` columns; what is too long loses its middle: `Cached…Response`.
///
/// The tail keeps the larger part: paths and generated names differ at their ends.
pub fn cut_middle(text: &str, columns: usize) -> String {
    let shown = bounded(text, columns);
    if width(&shown) <= columns {
        return shown;
    }
    if columns == 0 {
        return String::new();
    }
    let room = columns - 1;
    let head = room * 2 / 5;
    let mut out = take_columns(shown.chars(), head);
    out.push('…');
    let mut tail: Vec<char> = take_columns(shown.chars().rev(), room - head).chars().collect();
    tail.reverse();
    // A mark whose letter was cut off must not settle on the ellipsis.
    out.extend(tail.into_iter().skip_while(|c| c.width() == Some(0)));
    out
}

/// [`visible`] text of at most `columns` columns; what is too long loses its end: `const cache = new…`.
pub fn cut_end(text: &str, columns: usize) -> String {
    let shown = bounded(text, columns);
    if width(&shown) <= columns {
        return shown;
    }
    if columns == 0 {
        return String::new();
    }
    let mut out = take_columns(shown.chars(), columns - 1);
    out.truncate(out.trim_end().len());
    out.push('…');
    out
}

/// [`visible`], without reading a megabyte for the sake of some columns.
fn bounded(text: &str, columns: usize) -> String {
    // Each column shows at most one character and the marks upon it; one more makes it overflow.
    let most = (columns + 1) * (MARKS_IN_A_ROW + 1);
    if text.len() <= most * 8 {
        return visible(text);
    }
    let head: String = text.chars().take(most).collect();
    let rest = text.get(head.len()..).unwrap_or_default();
    let mut tail: Vec<char> = rest.chars().rev().take(most).collect();
    tail.reverse();
    visible(&head) + &visible(&tail.into_iter().collect::<String>())
}

/// As many characters from the front as fit into `columns`.
fn take_columns(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        })
        .collect()
}

/// A file as people write it: `file:///srv/app.js` without the scheme, built-ins by name.
pub fn file(file: &str) -> &str {
    file.strip_prefix("file://").unwrap_or(file)
}

/// `file:line`, the file shortened by [`file()`]; the line is left out when it is 0.
pub fn location(file: &str, line: Option<u32>) -> String {
    match line {
        Some(line) if line > 0 => format!("{}:{line}", self::file(file)),
        _ => self::file(file).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_line_breaks_are_spelled_out() {
        assert_eq!(visible("a\u{1b}[31mred\u{7}\nb\u{9b}2J"), "a\\u{1b}[31mred\\u{7}\\nb\\u{9b}2J");
    }

    #[test]
    fn bidi_overrides_and_invisible_characters_are_spelled_out() {
        assert_eq!(visible("user\u{202e}sj.\u{200b}x\u{feff}"), "user\\u{202e}sj.\\u{200b}x\\u{feff}");
    }

    #[test]
    fn ordinary_text_of_any_language_stays_as_it_is() {
        for text in ["responseCache", "Größe", "キャッシュ", "מטמון", "cafe\u{301}", "🎉"] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn accents_piled_up_are_spelled_out() {
        assert_eq!(visible("e\u{301}\u{301}\u{301}"), "e\u{301}\u{301}\\u{301}");
    }

    #[test]
    fn long_names_lose_their_middle_and_keep_their_ends() {
        assert_eq!(
            cut_middle("/srv/app/node_modules/emitter/lib/server.js:17", 24),
            "/srv/app/…b/server.js:17"
        );
        assert_eq!(cut_middle("short", 24), "short");
        assert_eq!(cut_end("const responseCache = new Map()", 12), "const respo…");
    }

    #[test]
    fn nothing_is_ever_wider_than_asked() {
        let nasty =
            ["キャッシュ".repeat(40), "e\u{301}".repeat(99), "\u{1b}[0m".repeat(50), "x".repeat(3 << 20)];
        for text in &nasty {
            for columns in [0, 1, 2, 7, 40, 80] {
                assert!(width(&cut_middle(text, columns)) <= columns, "{columns}");
                assert!(width(&cut_end(text, columns)) <= columns, "{columns}");
                assert!(cut_middle(text, columns).chars().count() <= columns * 3 + 3);
            }
        }
    }

    #[test]
    fn locations_lose_the_scheme_and_the_line_that_is_none() {
        assert_eq!(location("file:///srv/a.js", Some(3)), "/srv/a.js:3");
        assert_eq!(location("node:events", Some(0)), "node:events");
    }
}
