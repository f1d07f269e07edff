//! A program's ground truth, as its `truth.json` says it; tests/leaks/README.md explains the fields.

use std::fmt;

use serde::Deserialize;

/// The part of the truth that verdicts are judged by.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Truth {
    pub(crate) expect: String,
    #[serde(default)]
    pub(crate) also_accept: Vec<String>,
    #[serde(default)]
    pub(crate) external: bool,
    pub(crate) isolate: Option<String>,
    /// Absent where nothing leaks.
    #[serde(flatten)]
    pub(crate) culprit: Option<Culprit>,
    #[serde(default)]
    pub(crate) also_leaks: Vec<Culprit>,
    #[serde(default)]
    pub(crate) not_leaks: Vec<String>,
    #[serde(default)]
    pub(crate) bounded: Vec<Population>,
}

/// A holder and the line that adds to it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Culprit {
    pub(crate) holder: Holder,
    pub(crate) inserted_at: Place,
}

/// The variable that holds the leak.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Holder {
    pub(crate) variable: String,
    pub(crate) expression: Option<String>,
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    pub(crate) place: Place,
    #[serde(default)]
    pub(crate) also_places: Vec<Place>,
}

/// A line of a source file.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// A population that keeps a bound.
#[derive(Debug, Deserialize)]
pub(crate) struct Population {
    pub(crate) constructor: String,
    pub(crate) place: Place,
}

impl Truth {
    /// Whether a leak is the right answer.
    pub(crate) fn leaks(&self) -> bool {
        matches!(self.expect.as_str(), "leak" | "off-heap leak")
    }

    /// Whether `verdict` is right, or not wrong either.
    pub(crate) fn accepts(&self, verdict: &str) -> bool {
        let either_leak = self.external && matches!(verdict, "leak" | "off-heap leak");
        either_leak || self.expect == verdict || self.also_accept.iter().any(|also| also == verdict)
    }

    /// All leaks of the program, the largest first.
    pub(crate) fn culprits(&self) -> impl Iterator<Item = &Culprit> {
        self.culprit.iter().chain(&self.also_leaks)
    }
}

impl Holder {
    /// Whether `name`, a variable or an expression, means this holder.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.variable == name
            || self.expression.as_deref() == Some(name)
            || self.aliases.iter().any(|alias| alias == name)
    }

    /// Whether the holder may be said to be declared there.
    pub(crate) fn is_at(&self, file: &str, line: u32) -> bool {
        self.place.is(file, line) || self.also_places.iter().any(|place| place.is(file, line))
    }
}

impl Place {
    /// Whether the path or URL `file` with `line` is this place.
    pub(crate) fn is(&self, file: &str, line: u32) -> bool {
        self.line == line && self.file == base_name(file)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The last part of a path or URL.
pub(crate) fn base_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}
