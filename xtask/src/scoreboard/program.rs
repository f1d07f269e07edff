//! The programs of the corpus.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Folders of programs, in the order of the scoreboard.
const FOLDERS: [&str; 4] = ["given", "leaking", "packages", "healthy"];
const NOT_PROGRAMS: [&str; 2] = ["harness.js", "http-client.js"];

/// A program of the corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Folder and name: `leaking/class-registry`.
    pub(crate) name: String,
    pub(crate) file: PathBuf,
}

impl Program {
    /// Whether it needs the corpus' npm packages.
    pub(crate) fn needs_packages(&self) -> bool {
        self.name.starts_with("packages/")
    }

    /// Options of the live mode for what a hunt of eight seconds would not see at the usual load.
    pub(crate) fn live_options(&self) -> &'static [&'static str] {
        match self.name.as_str() {
            // Drains only without load: it stops between the second snapshot and the last.
            "healthy/backlog-queue" => &["--load-for", "4.8"],
            // Fill in the first third of the load, as they do offline.
            "healthy/lru-filling" => &["--rate", "400"],
            "healthy/lazy-warm-up" => &["--rate", "600"],
            _ => &[],
        }
    }
}

/// Whether a program of this name leaks.
pub(crate) fn leaks(name: &str) -> bool {
    !name.starts_with("healthy/")
}

/// Place of a program's folder in the scoreboard; its rows are sorted by it and then by name.
pub(crate) fn folder_order(name: &str) -> usize {
    let folder = name.split('/').next();
    FOLDERS.iter().position(|known| Some(*known) == folder).unwrap_or(FOLDERS.len())
}

/// All programs of the corpus in `leaks`.
pub(crate) fn all(leaks: &Path) -> anyhow::Result<Vec<Program>> {
    let mut programs = Vec::new();
    for folder in FOLDERS {
        let place = leaks.join(folder);
        let entries = fs::read_dir(&place).with_context(|| format!("read {}", place.display()))?;
        for entry in entries {
            let file = entry.with_context(|| format!("read {}", place.display()))?.path();
            let script = file.extension().is_some_and(|extension| extension == "js" || extension == "mjs");
            let support = file.file_name().is_some_and(|name| NOT_PROGRAMS.iter().any(|not| name == *not));
            if let Some(stem) = file.file_stem().filter(|_| script && !support) {
                programs.push(Program { name: format!("{folder}/{}", stem.to_string_lossy()), file });
            }
        }
    }
    programs.sort_by_key(|program| (folder_order(&program.name), program.name.clone()));
    Ok(programs)
}

/// Those of `programs` that are asked for, with or without their folder; empty means all.
pub(crate) fn select(programs: Vec<Program>, asked: &[String]) -> anyhow::Result<Vec<Program>> {
    let means = |program: &Program, asked: &str| {
        program.name == asked || program.name.split('/').next_back() == Some(asked)
    };
    if let Some(unknown) = asked.iter().find(|asked| !programs.iter().any(|program| means(program, asked))) {
        bail!("{unknown} is no program of the corpus");
    }
    let wanted = |program: &Program| asked.is_empty() || asked.iter().any(|asked| means(program, asked));
    Ok(programs.into_iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus() -> Vec<Program> {
        all(&crate::workspace_root().unwrap().join("tests/leaks")).unwrap()
    }

    #[test]
    fn programs_are_found_in_the_order_of_the_scoreboard_and_support_files_are_not() {
        let names: Vec<_> = corpus().into_iter().map(|program| program.name).collect();
        assert_eq!(names.first().unwrap(), "given/a-map-cache");
        assert_eq!(names.last().unwrap(), "healthy/weak-cache");
        assert!(names.iter().any(|name| name == "leaking/esm-two-modules"));
        assert!(!names.iter().any(|name| name.contains("harness") || name.contains("http-client")));
    }

    #[test]
    fn programs_are_selected_with_and_without_their_folder() {
        let names = |asked: &[&str]| {
            let asked: Vec<_> = asked.iter().map(ToString::to_string).collect();
            select(corpus(), &asked).map(|found| found.into_iter().map(|p| p.name).collect::<Vec<_>>())
        };
        assert_eq!(
            names(&["lru-steady", "given/c-timers"]).unwrap(),
            ["given/c-timers", "healthy/lru-steady"]
        );
        assert!(names(&["nonsense"]).unwrap_err().to_string().contains("nonsense"));
        assert!(names(&[]).unwrap().len() > 40);
    }
}
