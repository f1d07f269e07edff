//! The tiers: a crate's folder is its tier, and an arrow points only to a tier below or to a
//! sibling that is named here.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::workspace_root;

/// Siblings that may use each other, `(from, to)`.
const SIBLINGS: [(&str, &str); 4] = [
    ("leakhound-diagnose", "leakhound-heap"),
    ("leakhound-diagnose", "leakhound-profile"),
    ("leakhound-capture", "leakhound-inspector"),
    ("leakhound-serve", "leakhound-mcp"),
];

/// A folder below `crates/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    Model,
    Source,
    Store,
    App,
    Face,
}

impl Tier {
    fn of(folder: &str) -> Option<Self> {
        Some(match folder {
            "model" => Self::Model,
            "source" => Self::Source,
            "store" => Self::Store,
            "app" => Self::App,
            "face" => Self::Face,
            _ => return None,
        })
    }

    fn may_use(self, other: Self) -> bool {
        match self {
            Self::Model => false,
            Self::Source | Self::Store => other == Self::Model,
            Self::App => matches!(other, Self::Source | Self::Store | Self::Model),
            Self::Face => other == Self::App,
        }
    }
}

/// A crate of the workspace that stands in a tier.
#[derive(Clone, Debug)]
struct Member {
    tier: Tier,
    uses: Vec<Arrow>,
}

#[derive(Clone, Debug)]
struct Arrow {
    to: String,
    only_in_tests: bool,
}

/// Fails with every arrow that may not be.
pub(crate) fn run() -> anyhow::Result<()> {
    eprintln!("── architecture");
    let members = members(&metadata(&workspace_root()?)?)?;
    let wrong = wrong_arrows(&members);
    if !wrong.is_empty() {
        bail!("arrows that the architecture forbids:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

/// What cargo knows of the workspace, its own crates only.
pub(crate) fn metadata(root: &Path) -> anyhow::Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("read the workspace's metadata")
}

fn members(metadata: &Metadata) -> anyhow::Result<BTreeMap<String, Member>> {
    let crates = metadata.workspace_root.join("crates");
    let mut members = BTreeMap::new();
    for package in metadata.workspace_packages() {
        let Ok(place) = package.manifest_path.strip_prefix(&crates) else { continue };
        let folder = place.components().next().map(|part| part.as_str()).unwrap_or_default();
        let tier =
            Tier::of(folder).with_context(|| format!("crates/{folder} is no tier ({})", package.name))?;
        let uses = package
            .dependencies
            .iter()
            .map(|used| Arrow {
                to: used.name.clone(),
                only_in_tests: used.kind == DependencyKind::Development,
            })
            .collect();
        members.insert(package.name.to_string(), Member { tier, uses });
    }
    Ok(members)
}

/// Test dependencies may point to any tier below, others only where the tier allows it.
fn wrong_arrows(members: &BTreeMap<String, Member>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (from, member) in members {
        for arrow in &member.uses {
            let Some(target) = members.get(&arrow.to) else { continue };
            let sibling = SIBLINGS.contains(&(from.as_str(), arrow.to.as_str()));
            let below_in_tests = arrow.only_in_tests && is_below(target.tier, member.tier);
            if !(member.tier.may_use(target.tier) || sibling || below_in_tests) {
                wrong.push(format!("{from} ({:?}) → {} ({:?})", member.tier, arrow.to, target.tier));
            }
        }
    }
    wrong
}

fn is_below(lower: Tier, upper: Tier) -> bool {
    let height = |tier| match tier {
        Tier::Model => 0,
        Tier::Source | Tier::Store => 1,
        Tier::App => 2,
        Tier::Face => 3,
    };
    height(lower) < height(upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate's name, its tier, and what it uses: name and whether in tests only.
    type Case = (&'static str, Tier, &'static [(&'static str, bool)]);

    fn graph(crates: &[Case]) -> BTreeMap<String, Member> {
        let arrow =
            |(to, only_in_tests): &(&str, bool)| Arrow { to: (*to).into(), only_in_tests: *only_in_tests };
        crates
            .iter()
            .map(|(name, tier, uses)| {
                ((*name).into(), Member { tier: *tier, uses: uses.iter().map(arrow).collect() })
            })
            .collect()
    }

    const BELOW_APP: [Case; 6] = [
        ("leakhound-heap", Tier::Model, &[]),
        ("leakhound-profile", Tier::Model, &[]),
        ("leakhound-diagnose", Tier::Model, &[("leakhound-heap", false), ("leakhound-profile", false)]),
        ("leakhound-inspector", Tier::Source, &[("serde", false)]),
        ("leakhound-capture", Tier::Source, &[("leakhound-inspector", false), ("leakhound-heap", false)]),
        ("leakhound-lake", Tier::Store, &[("leakhound-heap", false)]),
    ];

    fn with(more: &[Case]) -> Vec<String> {
        let mut crates = BELOW_APP.to_vec();
        crates.extend_from_slice(more);
        wrong_arrows(&graph(&crates))
    }

    #[test]
    fn every_arrow_of_this_workspace_is_allowed() {
        let members = members(&metadata(&workspace_root().unwrap()).unwrap()).unwrap();
        assert!(members.len() >= 7, "found only {:?}", members.keys());
        assert_eq!(wrong_arrows(&members), Vec::<String>::new());
    }

    #[test]
    fn arrows_downwards_and_named_siblings_are_allowed() {
        let wrong = with(&[
            (
                "leakhound-workbench",
                Tier::App,
                &[("leakhound-capture", false), ("leakhound-lake", false), ("leakhound-heap", false)],
            ),
            ("leakhound", Tier::Face, &[("leakhound-workbench", false)]),
        ]);
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn an_arrow_upwards_is_found() {
        let wrong = with(&[
            ("leakhound-workbench", Tier::App, &[]),
            ("leakhound-v8mem", Tier::Model, &[("leakhound-workbench", false)]),
        ]);
        assert_eq!(wrong, ["leakhound-v8mem (Model) → leakhound-workbench (App)"]);
    }

    #[test]
    fn a_face_reaches_the_model_through_the_app_only() {
        let wrong = with(&[
            ("leakhound-workbench", Tier::App, &[]),
            (
                "leakhound",
                Tier::Face,
                &[("leakhound-workbench", false), ("leakhound-heap", false), ("leakhound-capture", false)],
            ),
        ]);
        assert_eq!(
            wrong,
            ["leakhound (Face) → leakhound-heap (Model)", "leakhound (Face) → leakhound-capture (Source)"]
        );
    }

    #[test]
    fn a_face_may_use_the_model_in_its_tests() {
        assert_eq!(with(&[("leakhound", Tier::Face, &[("leakhound-heap", true)])]), Vec::<String>::new());
    }

    #[test]
    fn tests_do_not_excuse_an_arrow_upwards() {
        let wrong = with(&[
            ("leakhound-workbench", Tier::App, &[]),
            ("leakhound-v8mem", Tier::Model, &[("leakhound-workbench", true)]),
        ]);
        assert_eq!(wrong, ["leakhound-v8mem (Model) → leakhound-workbench (App)"]);
    }

    #[test]
    fn siblings_that_are_not_named_are_found_in_both_directions() {
        let wrong = with(&[
            ("leakhound-telemetry", Tier::Source, &[("leakhound-lake", false)]),
            ("leakhound-v8mem", Tier::Model, &[("leakhound-diagnose", false)]),
        ]);
        assert_eq!(
            wrong,
            [
                "leakhound-telemetry (Source) → leakhound-lake (Store)",
                "leakhound-v8mem (Model) → leakhound-diagnose (Model)"
            ]
        );
        let reversed = graph(&[
            ("leakhound-diagnose", Tier::Model, &[]),
            ("leakhound-heap", Tier::Model, &[("leakhound-diagnose", false)]),
        ]);
        assert_eq!(wrong_arrows(&reversed), ["leakhound-heap (Model) → leakhound-diagnose (Model)"]);
    }
}
