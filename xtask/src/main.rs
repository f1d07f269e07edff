//! The project's own tasks: `cargo xtask test`, `nodes`, `corpus`, `scoreboard`, `bench`, `architecture`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool for people: printing is its job")]

mod architecture;
mod bench;
mod cache;
mod corpus;
mod nodes;
mod packages;
mod process;
mod scoreboard;
mod skips;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own tasks", disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Formatting, clippy, architecture and all tests, on every supported Node.js
    Test(test::TestArgs),
    /// Print the Node.js binaries of the tests, one a line, installing what is missing
    Nodes(nodes::NodesArgs),
    /// Run the leak corpus offline and check its ground truth, without leakhound
    Corpus(corpus::CorpusArgs),
    /// Run leakhound over the leak corpus and compare its verdicts with the ground truth
    Scoreboard(scoreboard::ScoreboardArgs),
    /// Measure leakhound beside its peers on generated snapshots
    Bench(bench::BenchArgs),
    /// Check the arrows between the workspace's crates
    Architecture,
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Test(args) => test::run(&args),
        Task::Nodes(args) => nodes::run(&args),
        Task::Corpus(args) => corpus::run(&args),
        Task::Scoreboard(args) => scoreboard::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Architecture => architecture::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root: the parent of xtask's own folder.
fn workspace_root() -> anyhow::Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .context("xtask has no parent folder")
}
