//! Lines of painted text whose width is known, and how they wrap.

use leakhound_workbench::names;

use super::style::{Role, Style};

/// Text with its looks, measured without them.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    spans: Vec<(Role, String)>,
    width: usize,
}

impl Line {
    /// A line of one look; `text` must have gone through [`names`].
    pub(super) fn new(role: Role, text: impl Into<String>) -> Self {
        let mut line = Self::default();
        line.push(role, text);
        line
    }

    /// Appends `text`, which must have gone through [`names`].
    pub(super) fn push(&mut self, role: Role, text: impl Into<String>) {
        let text = text.into();
        self.width += names::width(&text);
        self.spans.push((role, text));
    }

    /// Appends spaces up to `column`.
    pub(super) fn pad_to(&mut self, column: usize) {
        self.push(Role::Plain, " ".repeat(column.saturating_sub(self.width)));
    }

    /// Appends `other`.
    pub(super) fn append(&mut self, other: Self) {
        self.width += other.width;
        self.spans.extend(other.spans);
    }

    /// Columns it takes.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The line as it is printed, without spaces at its end, with a line break.
    pub(super) fn print(&self, style: Style, out: &mut String) {
        let mut last = self.spans.len();
        while last > 0 && self.spans.get(last - 1).is_some_and(|(_, text)| text.trim_end().is_empty()) {
            last -= 1;
        }
        for (role, text) in self.spans.iter().take(last) {
            out.push_str(&style.paint(*role, text));
        }
        out.push('\n');
    }
}

/// Puts `parts` onto as few lines of `width` columns as they need, `separator` between those on one line.
///
/// A separator stays at the end of a line that breaks when `hang` is false, and leads the next one
/// when it is true.
pub(super) fn flow(parts: Vec<Line>, separator: &str, hang: bool, width: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.width() + names::width(separator) + part.width() <= width => {
                line.push(Role::Quiet, separator);
                line.append(part);
            }
            Some(line) => {
                let mut next = Line::default();
                if hang {
                    next.push(Role::Quiet, separator.trim_start());
                } else if line.width() + names::width(separator.trim_end()) <= width {
                    line.push(Role::Quiet, separator.trim_end());
                }
                next.append(part);
                lines.push(next);
            }
            None => lines.push(part),
        }
    }
    lines
}

/// A sentence on lines of `width` columns, broken between words; a word that is too long is cut in
/// its middle, and what needs more than `most` lines ends with `…`.
pub(super) fn wrap(sentence: &str, width: usize, most: usize) -> Vec<String> {
    let shown = names::cut_end(sentence, width * most);
    let mut lines: Vec<String> = Vec::new();
    for word in shown.split(' ').filter(|word| !word.is_empty()) {
        let word = names::cut_middle(word, width);
        match lines.last_mut() {
            Some(line) if names::width(line) + 1 + names::width(&word) <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let shorter = names::cut_end(last, width.saturating_sub(1));
            *last = format!("{}…", shorter.trim_end_matches('…').trim_end());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_break_between_words() {
        assert_eq!(wrap("one two three four", 9, 5), ["one two", "three", "four"]);
        assert_eq!(wrap("abcdefghijklmnop", 7, 5), ["ab…mnop"]);
        assert_eq!(wrap("", 7, 5), Vec::<String>::new());
        for most in 1..4 {
            let lines = wrap("a sentence that is longer than it may be, by far", 11, most);
            assert!(lines.len() <= most && lines.iter().all(|l| names::width(l) <= 11), "{lines:?}");
            assert!(lines.last().is_some_and(|l| l.ends_with('…')), "{lines:?}");
        }
    }

    #[test]
    fn parts_share_lines_while_they_fit() {
        let part = |text: &str| Line::new(Role::Plain, text);
        let lines = flow(vec![part("root"), part("context"), part("Map")], " → ", true, 16);
        let mut out = String::new();
        lines.iter().for_each(|line| line.print(Style::PLAIN, &mut out));
        assert_eq!(out, "root → context\n→ Map\n");
    }
}
