//! Judging an answer by the truth.

use std::collections::BTreeSet;

use super::answer::{Answer, Finding};
use super::truth::{Culprit, Truth, base_name};

/// What can be right or wrong about an answer; a column of the printed table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Aspect {
    /// leakhound ended well, the target lives on, and its inspector is closed again.
    Run,
    /// The verdict is one that the truth accepts.
    Verdict,
    /// The strongest finding names the holder's variable.
    Holder,
    /// It names the line that declares the holder.
    Line,
    /// It names the line that adds to the holder.
    Insert,
    /// Nothing innocent is accused.
    Decoys,
}

impl Aspect {
    /// In the order of the columns.
    pub(crate) const ALL: [Self; 6] =
        [Self::Run, Self::Verdict, Self::Holder, Self::Line, Self::Insert, Self::Decoys];

    /// The column's head, and the word in the recorded file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Verdict => "verdict",
            Self::Holder => "holder",
            Self::Line => "line",
            Self::Insert => "insert",
            Self::Decoys => "decoys",
        }
    }

    /// Whether a program that leaks, or does not, is judged by it.
    pub(crate) fn applies(self, leaks: bool) -> bool {
        leaks || matches!(self, Self::Run | Self::Verdict | Self::Decoys)
    }
}

/// What is wrong about an answer; nothing when it is fully right.
pub(crate) type Wrong = BTreeSet<Aspect>;

/// All that can be wrong: there was no answer.
pub(crate) fn no_answer(leaks: bool) -> Wrong {
    Aspect::ALL.into_iter().filter(|aspect| aspect.applies(leaks)).collect()
}

/// Judges everything but [`Aspect::Run`].
pub(crate) fn judge(truth: &Truth, answer: &Answer) -> Wrong {
    let mut wrong = Wrong::new();
    if !truth.accepts(&answer.verdict) {
        wrong.insert(Aspect::Verdict);
    }
    if let Some(culprit) = &truth.culprit {
        wrong.extend(missed(culprit, answer.findings.first()));
    }
    for culprit in &truth.also_leaks {
        // Whichever finding comes closest is meant for it.
        let others = answer.findings.iter().filter(|finding| finding.accuses());
        let closest = others.map(|finding| missed(culprit, Some(finding))).min_by_key(Wrong::len);
        wrong.extend(closest.unwrap_or_else(|| missed(culprit, None)));
    }
    if answer.findings.iter().any(|finding| finding.accuses() && blames_the_innocent(finding, truth)) {
        wrong.insert(Aspect::Decoys);
    }
    wrong
}

/// What a finding does not say of a culprit.
fn missed(culprit: &Culprit, finding: Option<&Finding>) -> Wrong {
    let holder = |finding: &Finding| names(finding, culprit);
    let line = |finding: &Finding| {
        let (file, line) = (finding.holder.file.as_deref(), finding.holder.line);
        file.zip(line).is_some_and(|(file, line)| culprit.holder.is_at(file, line))
    };
    let insert = |finding: &Finding| {
        finding.grows_at.as_ref().is_some_and(|at| culprit.inserted_at.is(&at.file, at.line))
    };
    let mut wrong = Wrong::new();
    if !finding.is_some_and(holder) {
        wrong.insert(Aspect::Holder);
    }
    if !finding.is_some_and(line) {
        wrong.insert(Aspect::Line);
    }
    if !finding.is_some_and(insert) {
        wrong.insert(Aspect::Insert);
    }
    wrong
}

fn names(finding: &Finding, culprit: &Culprit) -> bool {
    let variable = finding.holder.variable.as_deref();
    variable.is_some_and(|name| culprit.holder.is_called(name))
        || culprit.holder.is_called(&finding.holder.expression)
}

/// Whether a finding accuses a decoy or a bounded population, or anything where nothing leaks.
///
/// The members of a finding are always accused. Its holder is too, unless it is a true one: the class of a
/// static field, or of a metric, may be a decoy where its instances are meant.
fn blames_the_innocent(finding: &Finding, truth: &Truth) -> bool {
    if !truth.leaks() {
        return true;
    }
    let holder = &finding.holder;
    let right_holder = truth.culprits().any(|culprit| names(finding, culprit));
    let accused = |class: &str| {
        let as_holder = holder.class == class || holder.variable.as_deref() == Some(class);
        finding.growth.member_class == class || (as_holder && !right_holder)
    };
    let at = holder.file.as_deref().zip(holder.line);
    truth.not_leaks.iter().any(|class| accused(class))
        || truth.bounded.iter().any(|population| {
            accused(&population.constructor) || at.is_some_and(|(file, line)| population.place.is(file, line))
        })
}

/// In one line: what was found, and what would have been right.
pub(crate) fn explain(truth: &Truth, answer: &Answer) -> String {
    let mut found = vec![answer.verdict.clone()];
    let accusing = answer.findings.iter().enumerate();
    found.extend(accusing.filter(|(at, finding)| *at == 0 || finding.accuses()).map(|(_, finding)| {
        let holder = &finding.holder;
        let (file, line) = (holder.file.as_deref().map_or("-", base_name), holder.line.unwrap_or(0));
        let grows = finding.grows_at.as_ref();
        format!(
            "{} ({}) at {file}:{line}, {} added at {} [{:?}]",
            holder.expression,
            holder.variable.as_deref().unwrap_or("no variable"),
            finding.growth.member_class,
            grows.map_or("-".into(), |at| format!("{}:{}", base_name(&at.file), at.line)),
            finding.confidence,
        )
    }));
    let verdicts = std::iter::once(&truth.expect).chain(&truth.also_accept).cloned();
    let mut right = vec![verdicts.collect::<Vec<_>>().join(" or ")];
    right.extend(truth.culprits().map(|culprit| {
        let holder = &culprit.holder;
        let places = std::iter::once(&holder.place).chain(&holder.also_places);
        let places = places.map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        format!("{} at {places}, added at {}", holder.variable, culprit.inserted_at)
    }));
    format!("found {} | right: {}", found.join("; "), right.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUTH: &str = r#"{
        "expect": "leak",
        "leak": { "constructor": "Device" },
        "holder": {
            "variable": "registry", "expression": "registry.items", "aliases": ["devices"],
            "place": { "file": "a.js", "line": 29 }, "alsoPlaces": [{ "file": "a.js", "line": 19 }]
        },
        "insertedAt": { "file": "a.js", "line": 24 },
        "notLeaks": ["Reading"],
        "bounded": [{ "constructor": "Page", "max": 9, "place": { "file": "a.js", "line": 5 } }]
    }"#;
    const HEALTHY: &str =
        r#"{ "expect": "bounded", "alsoAccept": ["no leak"], "leak": null, "notLeaks": ["Page"] }"#;

    fn truth(json: &str) -> Truth {
        serde_json::from_str(json).unwrap()
    }

    fn finding(variable: &str, class: &str, member: &str, lines: (u32, u32)) -> Finding {
        let json = serde_json::json!({
            "confidence": "high",
            "holder": {
                "variable": variable, "expression": variable, "class": class,
                "file": "/somewhere/a.js", "line": lines.0
            },
            "grows_at": { "file": "file:///somewhere/a.js", "line": lines.1 },
            "growth": { "member_class": member }
        });
        serde_json::from_value(json).unwrap()
    }

    fn wrong(truth: &Truth, verdict: &str, findings: Vec<Finding>) -> Vec<&'static str> {
        let answer = Answer { verdict: verdict.into(), findings };
        judge(truth, &answer).into_iter().map(Aspect::name).collect()
    }

    #[test]
    fn the_right_answer_has_nothing_wrong_under_any_of_the_holders_names_and_lines() {
        let truth = truth(TRUTH);
        for (name, line) in [("registry", 29), ("registry.items", 19), ("devices", 29)] {
            let found = finding(name, "Registry", "Device", (line, 24));
            assert_eq!(wrong(&truth, "leak", vec![found]), Vec::<&str>::new());
        }
    }

    #[test]
    fn each_aspect_is_wrong_by_itself() {
        let truth = truth(TRUTH);
        let right = || finding("registry", "Registry", "Device", (29, 24));
        assert_eq!(wrong(&truth, "bounded", vec![right()]), ["verdict"]);
        assert_eq!(wrong(&truth, "leak", vec![finding("other", "Map", "Device", (29, 24))]), ["holder"]);
        assert_eq!(wrong(&truth, "leak", vec![finding("registry", "Map", "Device", (30, 24))]), ["line"]);
        assert_eq!(wrong(&truth, "leak", vec![finding("registry", "Map", "Device", (29, 25))]), ["insert"]);
        assert_eq!(wrong(&truth, "leak", vec![]), ["holder", "line", "insert"]);
    }

    #[test]
    fn a_decoy_is_accused_as_member_or_holder_or_by_its_line_but_not_with_low_confidence() {
        let truth = truth(TRUTH);
        let with = |second: Finding| {
            wrong(&truth, "leak", vec![finding("registry", "Registry", "Device", (29, 24)), second])
        };
        assert_eq!(with(finding("seen", "Map", "Reading", (7, 8))), ["decoys"]);
        assert_eq!(with(finding("last", "Reading", "Object", (7, 8))), ["decoys"]);
        assert_eq!(with(finding("pages", "Map", "Object", (5, 8))), ["decoys"]);
        assert_eq!(with(finding("seen", "Map", "Object", (7, 8))), Vec::<&str>::new());
        let mut low = finding("seen", "Map", "Reading", (7, 8));
        low.confidence = super::super::answer::Confidence::Low;
        assert_eq!(with(low), Vec::<&str>::new());
    }

    #[test]
    fn the_true_holder_may_have_the_class_of_a_decoy() {
        let mut truth = truth(TRUTH);
        truth.not_leaks = vec!["Registry".into()];
        let right = finding("registry", "Registry", "Device", (29, 24));
        assert_eq!(wrong(&truth, "leak", vec![right]), Vec::<&str>::new());
    }

    #[test]
    fn where_nothing_leaks_every_accusation_is_wrong() {
        let truth = truth(HEALTHY);
        assert_eq!(wrong(&truth, "no leak", vec![]), Vec::<&str>::new());
        assert_eq!(wrong(&truth, "leak", vec![finding("x", "Map", "Object", (1, 2))]), ["verdict", "decoys"]);
    }

    #[test]
    fn both_kinds_of_leak_are_right_where_the_memory_is_outside_the_heap() {
        let mut truth = truth(TRUTH);
        assert!(!truth.accepts("off-heap leak"));
        truth.external = true;
        assert!(truth.accepts("off-heap leak") && truth.accepts("leak") && !truth.accepts("bounded"));
    }

    #[test]
    fn a_second_leak_has_to_be_found_too() {
        let mut truth = truth(TRUTH);
        truth.also_leaks = vec![
            serde_json::from_str(
                r#"{ "holder": { "variable": "trail", "place": { "file": "a.js", "line": 40 } },
                     "insertedAt": { "file": "a.js", "line": 41 } }"#,
            )
            .unwrap(),
        ];
        let first = || finding("registry", "Registry", "Device", (29, 24));
        assert_eq!(wrong(&truth, "leak", vec![first()]), ["holder", "line", "insert"]);
        let second = finding("trail", "Array", "Record", (40, 42));
        assert_eq!(wrong(&truth, "leak", vec![first(), second]), ["insert"]);
    }
}
