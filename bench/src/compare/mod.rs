//! leakhound and its peers on the same files, in turn, round by round.
//!
//! The machine's noise hits whoever runs at the moment, so ratios are taken within a round and their median
//! is printed.

mod measure;
mod peers;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use self::measure::Cost;
use self::peers::{Peer, Question, command, older};

/// `leakhound-bench compare`
#[derive(Args)]
pub(crate) struct CompareArgs {
    /// The snapshots; the smallest one's pair is compared too, where FILE.older.heapsnapshot exists
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Runs of everybody on every file
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The leakhound to measure
    #[arg(long, default_value = "target/release/leakhound")]
    leakhound: PathBuf,
    /// The folder in which `bench/peers/package.json` is installed
    #[arg(long)]
    peers: PathBuf,
    /// DevTools' worker as one ES module
    #[arg(long)]
    worker: Option<PathBuf>,
    /// The Node.js that runs DevTools' worker and memlab
    #[arg(long, default_value = "node")]
    node: PathBuf,
    /// A folder with a C library for @heap-snapshot/tool, where the system's is too old
    #[arg(long)]
    libc: Option<PathBuf>,
    /// memlab runs once on files up to so many megabytes: it takes minutes
    #[arg(long, default_value_t = 320)]
    memlab_up_to: u64,
}

/// One peer's costs, round by round; or why there are none.
type Costs = Result<Vec<Cost>, String>;

pub(crate) fn run(args: &CompareArgs) -> anyhow::Result<()> {
    if args.rounds == 0 {
        bail!("no rounds, no figures");
    }
    println!("| file | question | who | CPU s | wall s | peak MB (anonymous) | CPU × | wall × | peak × |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut per_byte = Vec::new();
    for file in &args.files {
        let size = fs::metadata(file).with_context(|| format!("look at {}", file.display()))?.len();
        let ours =
            question(args, file, Question::Classes, &[Peer::HeapSnapshotTool, Peer::DevTools, Peer::Memlab])?;
        println!(
            "| | anonymous peak, of the file's size | leakhound | | | {:.2} × | | | |",
            median(&ours, |cost| cost.anonymous) / size as f64
        );
        per_byte.push((file, median(&ours, |cost| cost.cpu) / size as f64));
        question(args, file, Question::Again, &[])?;
        remove_index(file)?;
        question(args, file, Question::ClassesWithoutIndex, &[Peer::HeapSnapshotTool])?;
        question(args, file, Question::Shallow, &[Peer::HeapSnapshotTool])?;
        if older(file).exists() {
            question(args, file, Question::Difference, &[Peer::HeapSnapshotTool, Peer::DevTools])?;
        }
    }
    if let [(_, first), .., (file, last)] = per_byte.as_slice() {
        println!("\nCPU per byte, {} against the first file: {:.2} ×", name(file), last / first);
    }
    Ok(())
}

/// Asks everybody the same, prints a line each, returns leakhound's costs.
fn question(
    args: &CompareArgs,
    file: &Path,
    question: Question,
    peers: &[Peer],
) -> anyhow::Result<Vec<Cost>> {
    let mut ours = Vec::new();
    let mut theirs: Vec<(Peer, Costs)> = peers.iter().map(|&peer| (peer, Ok(Vec::new()))).collect();
    let size = fs::metadata(file)?.len();
    for round in 0..args.rounds {
        if question == Question::Classes {
            remove_index(file)?;
        }
        let command_of = |peer| command(args, peer, question, file);
        let Some(mut own) = command_of(Peer::Leakhound) else {
            bail!("leakhound has no answer to {question:?}")
        };
        ours.push(measure::run(&mut own)?);
        for (peer, costs) in &mut theirs {
            if *peer == Peer::Memlab && (round > 0 || size > args.memlab_up_to * 1_000_000) {
                if round == 0 {
                    *costs = Err("not run: takes many minutes at this size".into());
                }
                continue;
            }
            let Ok(known) = costs else { continue };
            match command_of(*peer).map(|mut command| measure::run(&mut command)) {
                Some(Ok(cost)) => known.push(cost),
                Some(Err(error)) => *costs = Err(format!("failed: {error:#}").chars().take(120).collect()),
                None => *costs = Err("cannot be asked".into()),
            }
        }
    }
    let asked = match question {
        Question::Classes => "classes",
        Question::ClassesWithoutIndex => "classes, `--no-index`",
        Question::Shallow => "classes by shallow size",
        Question::Again => "classes, opened before",
        Question::Difference => "comparison of a pair",
    };
    println!(
        "| {} ({:.0} MB) | {asked} | leakhound | {} | | | |",
        name(file),
        size as f64 / 1e6,
        figures(&ours)
    );
    for (peer, costs) in &theirs {
        match costs {
            Ok(costs) => println!(
                "| | | {} | {} | {:.1} | {:.1} | {:.1} |",
                peer.name(),
                figures(costs),
                ratio(costs, &ours, |cost| cost.cpu),
                ratio(costs, &ours, |cost| cost.wall),
                ratio(costs, &ours, |cost| cost.resident),
            ),
            Err(why) => println!("| | | {} | {why} | | | | | |", peer.name()),
        }
    }
    Ok(ours)
}

fn figures(costs: &[Cost]) -> String {
    format!(
        "{:.2} | {:.2} | {:.0} ({:.0})",
        median(costs, |cost| cost.cpu),
        median(costs, |cost| cost.wall),
        median(costs, |cost| cost.resident) / 1e6,
        median(costs, |cost| cost.anonymous) / 1e6
    )
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().replace(".heapsnapshot", "")
}

fn remove_index(file: &Path) -> anyhow::Result<()> {
    let mut index = file.as_os_str().to_owned();
    index.push(".lhx");
    match fs::remove_file(&index) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("remove the index"),
        _ => Ok(()),
    }
}

fn median(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    middle(costs.iter().map(of).collect())
}

/// Median of the rounds' ratios.
fn ratio(theirs: &[Cost], ours: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    middle(theirs.iter().zip(ours).map(|(their, our)| of(their) / of(our)).collect())
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cost, middle, ratio};

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let cost = |cpu| Cost { cpu, ..Cost::default() };
        // A slow round for both is no different ratio.
        let (theirs, ours) = ([cost(4.0), cost(40.0), cost(6.0)], [cost(1.0), cost(10.0), cost(1.0)]);
        assert!((ratio(&theirs, &ours, |cost| cost.cpu) - 4.0).abs() < 1e-9);
        assert!((middle(vec![1.0, 2.0]) - 1.5).abs() < 1e-9);
        assert!(middle(Vec::new()).is_nan());
    }
}
