//! `leakhound-bench`: what measuring needs and the product does not.
//!
//! `compare` runs leakhound and its peers in turn and prints ratios.
//! `generate` writes a synthetic snapshot of a wanted size, byte for byte the same for the same seed.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a tool for people: printing is its job")]

mod compare;
mod generate;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::generate::{Layout, Recipe};

#[derive(Parser)]
#[command(name = "leakhound-bench", about = "What measuring needs", disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run leakhound and its peers in turn on the same files, print a table of ratios
    Compare(compare::CompareArgs),
    /// Write a synthetic heap snapshot of about this size
    Generate {
        /// The file to write
        file: PathBuf,
        /// Its size in megabytes of 1,000,000 bytes; met within a tenth
        #[arg(long, default_value_t = 50)]
        megabytes: u64,
        /// Files of one seed, size and layout are equal byte for byte
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The node fields of which Node.js release
        #[arg(long, value_enum, default_value_t = Layout::Node20)]
        layout: Layout,
    },
    /// Write a snapshot of few nodes and very many edges: 720,000,000 make more than 2^31 numbers
    GenerateEdges {
        /// The file to write
        file: PathBuf,
        /// How many edges
        #[arg(long, default_value_t = 720_000_000)]
        edges: u64,
    },
}

fn main() -> ExitCode {
    match run(Args::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Compare(args) => compare::run(&args)?,
        Task::Generate { file, megabytes, seed, layout } => {
            let recipe = Recipe { bytes: megabytes.saturating_mul(1_000_000), seed, layout };
            let written = create(&file, |out| generate::snapshot(&recipe, out))?;
            eprintln!(
                "{}: {} nodes, {} edges, {} strings",
                file.display(),
                written.nodes,
                written.edges,
                written.strings
            );
        }
        Task::GenerateEdges { file, edges } => create(&file, |out| generate::many_edges(edges, out))?,
    }
    Ok(())
}

fn create<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<T>,
) -> anyhow::Result<T> {
    let context = || format!("write {}", path.display());
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).with_context(context)?);
    let written = write(&mut out).with_context(context)?;
    out.flush().with_context(context)?;
    Ok(written)
}
