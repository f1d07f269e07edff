//! The programs that are compared, and what each is asked.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::CompareArgs;

/// Who runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Leakhound,
    HeapSnapshotTool,
    DevTools,
    Memlab,
}

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Leakhound => "leakhound",
            Self::HeapSnapshotTool => "@heap-snapshot/tool",
            Self::DevTools => "DevTools' worker",
            Self::Memlab => "memlab",
        }
    }
}

/// What they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// The class table with distances and retained sizes.
    Classes,
    /// The same, without an index being written.
    ClassesWithoutIndex,
    /// The class table by shallow size.
    Shallow,
    /// A view of a file that was opened before.
    Again,
    /// What came and went between two files.
    Difference,
}

/// The command that answers; `None` where the peer does not answer such a question.
pub(crate) fn command(args: &CompareArgs, peer: Peer, question: Question, file: &Path) -> Option<Command> {
    let older = older(file);
    match peer {
        Peer::Leakhound => {
            let mut command = Command::new(&args.leakhound);
            match question {
                Question::Difference => command.arg("diff").arg(&older).arg(file),
                _ => command.arg("summary").arg(file),
            };
            match question {
                Question::Shallow => command.args(["--shallow", "--no-index"]),
                Question::Classes | Question::Again => &mut command,
                Question::ClassesWithoutIndex | Question::Difference => command.arg("--no-index"),
            };
            command.args(["--model", "devtools", "--json"]);
            Some(command)
        }
        Peer::HeapSnapshotTool => {
            let mut command = heap_snapshot_tool(args);
            match question {
                Question::Difference => command.arg("diff").arg(file).arg(&older),
                _ => command.arg("summary").arg(file),
            };
            Some(command)
        }
        Peer::DevTools => {
            let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers").join("devtools.mjs");
            let mut command = node(args);
            command.arg(driver).arg(args.worker.as_ref()?).arg(file);
            match question {
                Question::Difference => _ = command.arg(&older),
                Question::Classes => {}
                _ => return None,
            }
            Some(command)
        }
        Peer::Memlab => {
            let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers").join("memlab.cjs");
            let mut command = node(args);
            command.arg(driver).arg(&args.peers).arg(file);
            (question == Question::Classes).then_some(command)
        }
    }
}

/// The file that is the older one of a pair.
pub(crate) fn older(file: &Path) -> PathBuf {
    file.with_extension("older.heapsnapshot")
}

fn node(args: &CompareArgs) -> Command {
    let mut command = Command::new(&args.node);
    command.arg("--max-old-space-size=20000");
    command
}

/// Its binary wants a newer C library than many systems have; with one at hand, it is started through it.
fn heap_snapshot_tool(args: &CompareArgs) -> Command {
    let binary = args.peers.join("node_modules/@heap-snapshot/linux-x64/heap-snapshot");
    let Some(libc) = &args.libc else { return Command::new(binary) };
    let folder = libc.join("usr/lib/x86_64-linux-gnu");
    let mut command = Command::new(folder.join("ld-linux-x86-64.so.2"));
    command.arg("--library-path").arg(&folder).arg(binary);
    command
}
