//! What leakhound answered: the part of the JSON of `hunt` and `analyze` that is judged.

use serde::Deserialize;

/// The verdict with its findings, strongest first.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) verdict: String,
    pub(crate) findings: Vec<Finding>,
}

/// One accused holder.
#[derive(Debug, Deserialize)]
pub(crate) struct Finding {
    pub(crate) confidence: Confidence,
    pub(crate) holder: Holder,
    pub(crate) grows_at: Option<GrowsAt>,
    pub(crate) growth: Growth,
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Confidence {
    Low,
    Medium,
    High,
    Certain,
}

/// Who holds the memory.
#[derive(Debug, Deserialize)]
pub(crate) struct Holder {
    pub(crate) variable: Option<String>,
    pub(crate) expression: String,
    pub(crate) class: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
}

/// The statement that adds.
#[derive(Debug, Deserialize)]
pub(crate) struct GrowsAt {
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// What is added.
#[derive(Debug, Deserialize)]
pub(crate) struct Growth {
    pub(crate) member_class: String,
}

impl Finding {
    /// Whether it would be reported as a leak by itself.
    pub(crate) fn accuses(&self) -> bool {
        self.confidence >= Confidence::Medium
    }
}
