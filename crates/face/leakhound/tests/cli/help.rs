//! The help pages: they fit a screen and end with examples.

use crate::support::{folder, leakhound, run};

const COMMANDS: [&[&str]; 25] = [
    &[],
    &["hunt"],
    &["run"],
    &["capture"],
    &["capture", "heap"],
    &["analyze"],
    &["summary"],
    &["statistics"],
    &["object"],
    &["retainers"],
    &["paths"],
    &["dominators"],
    &["strings"],
    &["search"],
    &["diff"],
    &["containment"],
    &["retained-set"],
    &["roots"],
    &["realms"],
    &["closures"],
    &["contexts"],
    &["traces"],
    &["timeline"],
    &["ps"],
    &["demo"],
];

#[test]
fn help_fits_a_screen_and_long_help_ends_with_examples() {
    let here = folder();
    for command in COMMANDS {
        let name = if command.is_empty() { "leakhound".to_owned() } else { command.join("-") };
        let short = run(leakhound(here.path(), command).arg("-h"));
        assert_eq!((short.code, short.stderr.as_str()), (0, ""), "{name}");
        assert!(short.stdout.lines().count() <= 30, "{name}:\n{}", short.stdout);
        assert!(short.stdout.lines().all(|line| line.chars().count() <= 90), "{name}:\n{}", short.stdout);
        insta::assert_snapshot!(format!("{name}-short"), short.stdout);

        let long = run(leakhound(here.path(), command).arg("--help"));
        let examples = long.stdout.split("Examples:\n").nth(1).unwrap_or_default();
        let lines: Vec<&str> = examples.lines().collect();
        assert!(lines.len() >= 2, "{name}:\n{}", long.stdout);
        assert!(lines.iter().all(|line| line.starts_with("  leakhound ")), "{name}:\n{}", long.stdout);
        insta::assert_snapshot!(format!("{name}-long"), long.stdout);
    }
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let here = folder();
    for arguments in [
        &[][..],
        &["bogus"],
        &["hunt"],
        &["hunt", "1", "--for", "soon"],
        &["hunt", "1", "--snapshots", "1"],
        &["hunt", "1", "--until-growth", "much"],
        &["capture", "core", "1"],
        &["run"],
        &["run", "--for", "3s", "--", "node"],
    ] {
        let said = run(&mut leakhound(here.path(), arguments));
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{arguments:?}: {said:#?}");
        assert!(!said.stderr.is_empty());
    }
}
