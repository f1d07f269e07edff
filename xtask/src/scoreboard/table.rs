//! The recorded scoreboard, `tests/leaks/SCOREBOARD.md`: read, compared, written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context as _, bail};

use super::compare::{Aspect, Wrong, no_answer};
use super::program::{folder_order, leaks};
use super::run::Mode;

/// A column of the file: a Node.js major and a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Column {
    pub(crate) major: u32,
    pub(crate) mode: Mode,
}

impl Column {
    fn title(self) -> String {
        format!("{} {}", self.major, self.mode.name())
    }

    fn parse(title: &str) -> Option<Self> {
        let (major, mode) = title.split_once(' ')?;
        let mode = Mode::ALL.into_iter().find(|known| known.name() == mode)?;
        Some(Self { major: major.parse().ok()?, mode })
    }
}

/// What was wrong, by program and column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scores(BTreeMap<String, BTreeMap<Column, Wrong>>);

impl Scores {
    pub(crate) fn insert(&mut self, program: &str, column: Column, wrong: Wrong) {
        self.0.entry(program.into()).or_default().insert(column, wrong);
    }

    pub(crate) fn get(&self, program: &str, column: Column) -> Option<&Wrong> {
        self.0.get(program)?.get(&column)
    }

    /// Every judged answer.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (&str, Column, &Wrong)> {
        self.0.iter().flat_map(|(program, row)| {
            row.iter().map(move |(column, wrong)| (program.as_str(), *column, wrong))
        })
    }

    /// These scores with those of `newer` in their place, without programs that are no more.
    pub(crate) fn updated(mut self, newer: &Self, programs: &BTreeSet<String>) -> Self {
        for (program, column, wrong) in newer.cells() {
            self.insert(program, column, wrong.clone());
        }
        self.0.retain(|program, _| programs.contains(program));
        self
    }

    /// What is wrong in `newer` and was right here, a line each.
    pub(crate) fn regressions(&self, newer: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (program, column, wrong) in newer.cells() {
            let Some(recorded) = self.get(program, column) else { continue };
            let worse: Vec<_> = wrong.difference(recorded).map(|aspect| aspect.name()).collect();
            if !worse.is_empty() {
                lines.push(format!("{program} on {}: {}", column.title(), worse.join(" ")));
            }
        }
        lines
    }

    /// Fully right and judged answers of a column, then the same of each aspect.
    pub(crate) fn totals(&self, column: Column) -> Totals {
        let mut totals = Totals::default();
        for (program, _, wrong) in self.cells().filter(|(_, of, _)| *of == column) {
            totals.fully.count(wrong.is_empty());
            for aspect in Aspect::ALL.into_iter().filter(|aspect| aspect.applies(leaks(program))) {
                totals.aspects.entry(aspect).or_default().count(!wrong.contains(&aspect));
            }
        }
        totals
    }

    /// All columns that have an answer, in the order of the file.
    pub(crate) fn columns(&self) -> BTreeSet<Column> {
        self.cells().map(|(_, column, _)| column).collect()
    }

    /// Reads the file as [`Scores::to_markdown`] wrote it.
    pub(crate) fn parse(markdown: &str) -> anyhow::Result<Self> {
        let mut scores = Self::default();
        let mut columns: Vec<Column> = Vec::new();
        for line in markdown.lines().filter(|line| line.starts_with('|')) {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let first = cells.next().unwrap_or_default();
            if first == "program" {
                columns = cells
                    .map(|title| Column::parse(title).with_context(|| format!("{title:?} is no column")))
                    .collect::<anyhow::Result<_>>()?;
            } else if let Some(program) = first.strip_prefix('`').and_then(|name| name.strip_suffix('`')) {
                for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
                    let wrong = parse_cell(cell, leaks(program))
                        .with_context(|| format!("{program} on {}", column.title()))?;
                    scores.insert(program, *column, wrong);
                }
            }
        }
        Ok(scores)
    }

    /// The file: totals first, then a row a program.
    pub(crate) fn to_markdown(&self) -> String {
        let columns = self.columns();
        let totals: Vec<_> = columns.iter().map(|column| self.totals(*column)).collect();
        let heads = columns.iter().map(|column| column.title());
        let heads = heads.collect::<Vec<_>>();
        let mut text = INTRODUCTION.to_owned();

        let _ = writeln!(text, "\n## Totals\n");
        row(&mut text, "right", &heads);
        row(&mut text, "---", &vec!["---".to_owned(); columns.len()]);
        row(&mut text, "**fully**", &totals.iter().map(|t| format!("**{}**", t.fully)).collect::<Vec<_>>());
        for aspect in Aspect::ALL {
            let cells = totals.iter().map(|t| t.aspects.get(&aspect).map(ToString::to_string));
            row(&mut text, aspect.name(), &cells.map(Option::unwrap_or_default).collect::<Vec<_>>());
        }

        for (title, leaking) in [("Programs that leak", true), ("Programs that do not", false)] {
            let _ = writeln!(text, "\n## {title}\n");
            row(&mut text, "program", &heads);
            row(&mut text, "---", &vec!["---".to_owned(); columns.len()]);
            let mut programs: Vec<_> = self.0.iter().filter(|(name, _)| leaks(name) == leaking).collect();
            programs.sort_by_key(|(name, _)| (folder_order(name), *name));
            for (program, scores) in programs {
                let cell = |column| scores.get(column).map(|wrong| cell(wrong, leaking)).unwrap_or_default();
                row(&mut text, &format!("`{program}`"), &columns.iter().map(cell).collect::<Vec<_>>());
            }
        }
        text
    }
}

const INTRODUCTION: &str = "\
# Scoreboard

What leakhound says about the leak corpus, by Node.js major and mode. Written by `cargo xtask scoreboard --update`; without `--update` a run that finds less than this fails.

`✓`: fully right. `✗`: what follows is wrong. `run`: leakhound ended well, the target lives on, its inspector is closed again; `verdict`; `holder`: the strongest finding names the right variable; `line`: and where it is declared; `insert`: and the line that adds to it; `decoys`: nothing innocent is accused. `✗ all`: no answer.
";

/// How many are right, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) right: usize,
    pub(crate) judged: usize,
}

impl Share {
    fn count(&mut self, right: bool) {
        self.right += usize::from(right);
        self.judged += 1;
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.right, self.judged)
    }
}

/// Totals of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) fully: Share,
    pub(crate) aspects: BTreeMap<Aspect, Share>,
}

fn row(text: &mut String, first: &str, cells: &[String]) {
    let _ = writeln!(text, "| {first} | {} |", cells.join(" | "));
}

fn cell(wrong: &Wrong, leaks: bool) -> String {
    if wrong.is_empty() {
        return "✓".into();
    }
    if *wrong == no_answer(leaks) {
        return "✗ all".into();
    }
    let names: Vec<_> = wrong.iter().map(|aspect| aspect.name()).collect();
    format!("✗ {}", names.join(" "))
}

fn parse_cell(cell: &str, leaks: bool) -> anyhow::Result<Wrong> {
    let mut words = cell.split(' ');
    match words.next() {
        Some("✓") => Ok(Wrong::new()),
        Some("✗") if cell == "✗ all" => Ok(no_answer(leaks)),
        Some("✗") => words
            .map(|name| {
                let known = Aspect::ALL.into_iter().find(|aspect| aspect.name() == name);
                known.with_context(|| format!("{name:?} is nothing that can be wrong"))
            })
            .collect(),
        _ => bail!("{cell:?} is no mark"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: Column = Column { major: 20, mode: Mode::Live };
    const OFFLINE: Column = Column { major: 20, mode: Mode::Offline };

    fn scores(cells: &[(&str, Column, &[Aspect])]) -> Scores {
        let mut scores = Scores::default();
        for (program, column, wrong) in cells {
            scores.insert(program, *column, wrong.iter().copied().collect());
        }
        scores
    }

    fn recorded() -> Scores {
        let mut scores = scores(&[
            ("given/a", OFFLINE, &[]),
            ("given/a", LIVE, &[Aspect::Line, Aspect::Insert]),
            ("healthy/b", LIVE, &[Aspect::Verdict, Aspect::Decoys]),
        ]);
        scores.insert("leaking/c", LIVE, no_answer(true));
        scores.insert("healthy/d", LIVE, no_answer(false));
        scores
    }

    #[test]
    fn what_is_written_is_read_back() {
        let markdown = recorded().to_markdown();
        assert!(markdown.contains("| `given/a` | ✓ | ✗ line insert |"), "{markdown}");
        assert!(markdown.contains("| `leaking/c` |  | ✗ all |"), "{markdown}");
        assert!(markdown.contains("| **fully** | **1 of 1** | **0 of 4** |"), "{markdown}");
        assert!(markdown.contains("| holder | 1 of 1 | 1 of 2 |"), "{markdown}");
        assert_eq!(Scores::parse(&markdown).unwrap(), recorded());
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let markdown = recorded().to_markdown();
        assert!(Scores::parse(&markdown.replace("✗ line", "✗ lime")).is_err());
        assert!(Scores::parse(&markdown.replace("20 live", "20 life")).is_err());
        assert!(Scores::parse(&markdown.replace("✗ all", "?")).is_err());
    }

    #[test]
    fn only_what_was_right_can_get_worse() {
        let newer = scores(&[
            ("given/a", OFFLINE, &[Aspect::Insert]),
            ("given/a", LIVE, &[Aspect::Insert]),
            ("healthy/b", LIVE, &[Aspect::Run, Aspect::Verdict]),
            ("leaking/new", LIVE, &[Aspect::Holder]),
        ]);
        assert_eq!(
            recorded().regressions(&newer),
            ["given/a on 20 offline: insert", "healthy/b on 20 live: run"]
        );
    }

    #[test]
    fn an_update_keeps_what_was_not_run_and_drops_programs_that_are_gone() {
        let newer = scores(&[("given/a", LIVE, &[])]);
        let known = ["given/a", "healthy/b"].map(String::from).into();
        let updated = recorded().updated(&newer, &known);
        let expected = scores(&[
            ("given/a", OFFLINE, &[]),
            ("given/a", LIVE, &[]),
            ("healthy/b", LIVE, &[Aspect::Verdict, Aspect::Decoys]),
        ]);
        assert_eq!(updated, expected);
    }
}
