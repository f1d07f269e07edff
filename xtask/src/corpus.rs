//! `cargo xtask corpus`: the corpus' truth checked by its own checker, on each Node.js.

use std::process::Command;

use anyhow::bail;
use clap::Args;

use crate::skips::{Skips, on_ci};
use crate::{nodes, packages, process, workspace_root};

/// `cargo xtask corpus`
#[derive(Args)]
pub(crate) struct CorpusArgs {
    /// Only this major of Node.js (may be repeated)
    #[arg(long = "node", value_name = "MAJOR")]
    majors: Vec<u32>,
    /// Only these programs
    #[arg(value_name = "PROGRAM")]
    programs: Vec<String>,
}

pub(crate) fn run(args: &CorpusArgs) -> anyhow::Result<()> {
    let root = workspace_root()?;
    let mut skips = Skips::default();
    let packages = skips.keep("the corpus' npm packages", packages::install(&root));
    let mut wrong = Vec::new();
    for node in nodes::find(&args.majors, &mut skips)? {
        let version = process::version_of(&node)?;
        let mut command = Command::new(&node);
        command.arg(root.join("tests/leaks/verify.js")).args(&args.programs);
        if let Some(packages) = &packages {
            command.arg("--packages").arg(packages);
        }
        if let Err(error) = process::step(&format!("corpus on Node.js {version}"), &mut command) {
            eprintln!("{error:#}");
            wrong.push(version);
        }
    }
    if !wrong.is_empty() {
        bail!("the corpus' truth does not hold on {}", wrong.join(", "));
    }
    skips.settle(on_ci())
}
