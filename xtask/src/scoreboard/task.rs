//! `cargo xtask scoreboard`: which programs, on which Node.js, and what comes of it.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use anyhow::{Context as _, bail};
use clap::Args;

use super::compare::{Aspect, Wrong, explain, judge, no_answer};
use super::program::{self, Program, leaks};
use super::run::{self, Mode, Setting};
use super::table::{Column, Scores};
use crate::skips::{Skips, on_ci};
use crate::test::release_binary;
use crate::{nodes, packages, process, workspace_root};

/// `cargo xtask scoreboard`
#[derive(Args)]
pub(crate) struct ScoreboardArgs {
    /// Only this major of Node.js (may be repeated)
    #[arg(long = "node", value_name = "MAJOR")]
    majors: Vec<u32>,
    /// Only this mode (may be repeated)
    #[arg(long = "mode", value_name = "MODE")]
    modes: Vec<Mode>,
    /// The leakhound to judge [default: the release build]
    #[arg(long, value_name = "PATH")]
    bin: Option<PathBuf>,
    /// Record the result in tests/leaks/SCOREBOARD.md
    #[arg(long)]
    update: bool,
    /// Keep snapshots and answers in the cache; the next run uses the snapshots again
    #[arg(long)]
    keep: bool,
    /// How many programs at once
    #[arg(long, value_name = "N", default_value_t = JOBS)]
    jobs: usize,
    /// Only these programs
    #[arg(value_name = "PROGRAM")]
    programs: Vec<String>,
}

const JOBS: usize = 2;
/// What `cargo xtask test` hunts on every Node.js, beside all of `given/`.
const HEALTHY_IN_TESTS: [&str; 2] = ["healthy/backlog-queue", "healthy/lru-steady"];
/// The Node.js on which `cargo xtask test` analyses the whole corpus.
const OFFLINE_IN_TESTS: u32 = 22;

/// One program to be run.
#[derive(Clone)]
struct Job {
    program: Program,
    node: PathBuf,
    version: String,
    column: Column,
}

/// A job's result, with lines for people about what is wrong.
struct Scored {
    program: String,
    column: Column,
    wrong: Wrong,
    because: Vec<String>,
}

pub(crate) fn run(args: &ScoreboardArgs) -> anyhow::Result<()> {
    let root = workspace_root()?;
    let mut skips = Skips::default();
    let binary = match &args.bin {
        Some(binary) => std::path::absolute(binary)?,
        None => release_binary(&root)?,
    };
    let programs = program::select(program::all(&corpus(&root))?, &args.programs)?;
    let modes = if args.modes.is_empty() { &Mode::ALL[..] } else { &args.modes };
    let mut jobs = Vec::new();
    for (node, version, major) in node_releases(&args.majors, &mut skips)? {
        for mode in Mode::ALL.into_iter().filter(|mode| modes.contains(mode)) {
            let column = Column { major, mode };
            jobs.extend(programs.iter().map(|program| Job {
                program: program.clone(),
                node: node.clone(),
                version: version.clone(),
                column,
            }));
        }
    }
    let setting = setting(&root, binary, args.keep, &mut jobs, &mut skips)?;
    if args.update {
        let scores = score(&setting, &jobs, args.jobs);
        let recorded = recorded(&root)?;
        for worse in recorded.regressions(&scores) {
            eprintln!("worse than recorded: {worse}");
        }
        let known: BTreeSet<_> = program::all(&corpus(&root))?.into_iter().map(|known| known.name).collect();
        let updated = recorded.updated(&scores, &known);
        fs::write(file(&root), updated.to_markdown()).context("write the scoreboard")?;
    } else {
        hold_to_the_record(&root, &setting, &jobs, args.jobs)?;
    }
    skips.settle(on_ci())
}

/// The part of the scoreboard that is a test: a few hunts on every Node.js, and all snapshots of one.
pub(crate) fn part_of_the_tests(root: &Path, binary: PathBuf, skips: &mut Skips) -> anyhow::Result<()> {
    eprintln!("── scoreboard");
    let mut jobs = Vec::new();
    for (node, version, major) in node_releases(&[], skips)? {
        for program in program::all(&corpus(root))? {
            let hunted =
                program.name.starts_with("given/") || HEALTHY_IN_TESTS.contains(&program.name.as_str());
            let modes = [(Mode::Offline, major == OFFLINE_IN_TESTS), (Mode::Live, hunted)];
            jobs.extend(modes.into_iter().filter(|(_, wanted)| *wanted).map(|(mode, _)| Job {
                program: program.clone(),
                node: node.clone(),
                version: version.clone(),
                column: Column { major, mode },
            }));
        }
    }
    let setting = setting(root, binary, false, &mut jobs, skips)?;
    hold_to_the_record(root, &setting, &jobs, JOBS)
}

/// Runs the jobs and fails when an answer is worse than the recorded one.
///
/// A hunt sees a process that is never twice the same: a worse answer has a second chance, in plain sight.
fn hold_to_the_record(root: &Path, setting: &Setting, jobs: &[Job], at_once: usize) -> anyhow::Result<()> {
    let recorded = recorded(root)?;
    let mut scores = score(setting, jobs, at_once);
    let is_worse = |job: &&Job| {
        let wrong = scores.get(&job.program.name, job.column);
        let before = recorded.get(&job.program.name, job.column);
        wrong.zip(before).is_some_and(|(wrong, before)| !wrong.is_subset(before))
    };
    let live = jobs.iter().filter(|job| job.column.mode == Mode::Live);
    let again: Vec<_> = live.filter(is_worse).cloned().collect();
    if !again.is_empty() {
        println!("worse than recorded, hunted once more:");
        for (program, column, wrong) in score(setting, &again, at_once).cells() {
            scores.insert(program, column, wrong.clone());
        }
    }
    // What would be a regression the other way round.
    for better in scores.regressions(&recorded) {
        println!("better than recorded (see --update): {better}");
    }
    let regressions = recorded.regressions(&scores);
    if !regressions.is_empty() {
        bail!("worse than {}:\n  {}", file(root).display(), regressions.join("\n  "));
    }
    Ok(())
}

fn corpus(root: &Path) -> PathBuf {
    root.join("tests").join("leaks")
}

fn file(root: &Path) -> PathBuf {
    corpus(root).join("SCOREBOARD.md")
}

/// The recorded scores; none before the first `--update`.
fn recorded(root: &Path) -> anyhow::Result<Scores> {
    let path = file(root);
    match fs::read_to_string(&path) {
        Ok(markdown) => Scores::parse(&markdown).with_context(|| format!("read {}", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Scores::default()),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

/// Binary, version and major of each Node.js.
fn node_releases(majors: &[u32], skips: &mut Skips) -> anyhow::Result<Vec<(PathBuf, String, u32)>> {
    let mut releases = Vec::new();
    for binary in nodes::find(majors, skips)? {
        let version = process::version_of(&binary)?;
        let major = nodes::major_of(&version).with_context(|| format!("{version} is no version"))?;
        releases.push((binary, version, major));
    }
    Ok(releases)
}

/// What the jobs need; those that lack something are left out and counted.
fn setting(
    root: &Path,
    leakhound: PathBuf,
    keep: bool,
    jobs: &mut Vec<Job>,
    skips: &mut Skips,
) -> anyhow::Result<Setting> {
    if !leakhound.is_file() {
        bail!("{} is missing\n  hint: cargo build --release --package leakhound", leakhound.display());
    }
    let mut packages = None;
    if jobs.iter().any(|job| job.program.needs_packages()) {
        packages = skips.keep("the corpus' npm packages", packages::install(root));
        jobs.retain(|job| packages.is_some() || !job.program.needs_packages());
    }
    Ok(Setting { leakhound, corpus: corpus(root), packages, keep })
}

/// Runs all jobs, `at_once` at a time, and prints each result as it comes.
fn score(setting: &Setting, jobs: &[Job], at_once: usize) -> Scores {
    let columns = Aspect::ALL.map(|aspect| format!("{:<8}", aspect.name())).concat();
    println!("{:<36} {:<11} {}", "program", "node", columns.trim_end());

    let mut scores = Scores::default();
    let queue = Mutex::new(jobs.iter());
    let (results, scored) = mpsc::sync_channel(at_once.max(1));
    thread::scope(|scope| {
        for _ in 0..at_once.max(1) {
            let (results, queue) = (results.clone(), &queue);
            scope.spawn(move || {
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                while let Some(job) = next() {
                    if results.send(result_of(job, setting)).is_err() {
                        break; // nobody reads on
                    }
                }
            });
        }
        drop(results);
        for result in scored {
            print_result(&result);
            scores.insert(&result.program, result.column, result.wrong);
        }
    });
    print_summary(&scores);
    scores
}

fn result_of(job: &Job, setting: &Setting) -> Scored {
    let (wrong, because) = match run::run(&job.program, &job.node, &job.version, job.column.mode, setting) {
        Ok(ran) => {
            let mut wrong = judge(&ran.truth, &ran.answer);
            let mut because = ran.faults;
            if !because.is_empty() {
                wrong.insert(Aspect::Run);
            }
            if !wrong.is_empty() {
                because.push(explain(&ran.truth, &ran.answer));
            }
            (wrong, because)
        }
        Err(error) => (no_answer(leaks(&job.program.name)), vec![format!("{error:#}")]),
    };
    Scored { program: job.program.name.clone(), column: job.column, wrong, because }
}

fn print_result(result: &Scored) {
    let mark = |aspect: Aspect| match (aspect.applies(leaks(&result.program)), result.wrong.contains(&aspect))
    {
        (false, _) => "·",
        (true, true) => "✗",
        (true, false) => "✓",
    };
    let marks = Aspect::ALL.map(|aspect| format!("{:<8}", mark(aspect))).concat();
    let node = format!("{} {}", result.column.major, result.column.mode.name());
    println!("{:<36} {node:<11} {}", result.program, marks.trim_end());
    for line in &result.because {
        println!("    {line}");
    }
}

fn print_summary(scores: &Scores) {
    for column in scores.columns() {
        let totals = scores.totals(column);
        let aspects = totals.aspects.iter().map(|(aspect, share)| format!("{} {share}", aspect.name()));
        let aspects = aspects.collect::<Vec<_>>().join(", ");
        println!("Node.js {} {}: {} fully right ({aspects})", column.major, column.mode.name(), totals.fully);
    }
}
