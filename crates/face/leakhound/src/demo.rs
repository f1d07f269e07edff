//! `demo`: a small leaking server, load, the hunt, the verdict.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use leakhound_workbench::hunt::{HuntOptions, hunt};
use leakhound_workbench::{Cancel, WorkbenchError};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::arguments::Demo;
use crate::commands::verdict;
use crate::guard;
use crate::printer::Printer;

const SERVER: &str = include_str!("../demo/server.js");
const LOAD: &str = include_str!("../demo/load.js");
/// How long the server may take to say its port. A first start reads a hundred megabytes of `node` from
/// a cold disk, perhaps beside other work.
const START: Duration = Duration::from_secs(60);
/// Requests before the hunt, so that start-up is over.
const WARM_UP: &str = "2";

#[derive(Deserialize)]
struct Ready {
    pid: u32,
    port: u16,
}

/// The demo's files. They stay: the verdict names their lines.
struct Stage {
    folder: PathBuf,
}

impl Stage {
    fn new(parent: &Path) -> Result<Self, WorkbenchError> {
        let folder = parent.join("leakhound-demo");
        std::fs::create_dir_all(&folder).map_err(WorkbenchError::file("create", &folder))?;
        for (name, text) in [("server.js", SERVER), ("load.js", LOAD)] {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(WorkbenchError::file("write", &path))?;
        }
        let folder = std::fs::canonicalize(&folder).map_err(WorkbenchError::file("open", &folder))?;
        Ok(Self { folder })
    }
}

pub(crate) async fn demo(
    arguments: Demo,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let parent = arguments.out.clone().unwrap_or_default();
    let stage = Stage::new(&parent)?;
    let (mut server, ready) = start(&stage.folder.join("server.js"), cancel).await?;
    printer.note(&format!("demo       a leaking server is up: pid {}, port {}", ready.pid, ready.port));
    let load = |seconds: String| -> Vec<OsString> {
        let script = stage.folder.join("load.js");
        vec!["node".into(), script.into(), ready.port.to_string().into(), seconds.into(), "8".into()]
    };
    warm_up(&load(WARM_UP.into()), cancel).await?;
    // The hunt ends the load; this is only the bound in case it cannot.
    let seconds = (arguments.duration.as_secs() + 120).to_string();
    let options = HuntOptions {
        duration: Some(arguments.duration),
        out: arguments.out,
        load: load(seconds),
        load_guard: guard::command(),
        ..HuntOptions::new(ready.pid.to_string())
    };
    let hunted = hunt(&options, cancel, &mut |event| printer.event(event)).await;
    // The server ends when its standard input closes.
    drop(server.stdin.take());
    let _ = tokio::time::timeout(Duration::from_secs(3), server.wait()).await;
    let view = hunted?;
    verdict(&view, None, printer)
}

async fn start(script: &Path, cancel: &Cancel) -> Result<(Child, Ready), WorkbenchError> {
    let mut server = Command::new("node")
        // Somebody else's process may hold Node's own inspector port.
        .arg("--inspect-port=0")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // What Node says about its inspector is none of the user's business here.
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => WorkbenchError::usage(
                "start the demo's server",
                "there is no `node` on PATH",
                "install Node.js 18 or later, or put it on PATH, then run the demo again",
            ),
            _ => WorkbenchError::Start { role: "the demo's server", command: "node".into(), source },
        })?;
    let Some(out) = server.stdout.take() else {
        return Err(WorkbenchError::Internal("the demo's server has no standard output".into()));
    };
    let mut lines = BufReader::new(out).lines();
    let line = tokio::select! {
        line = tokio::time::timeout(START, lines.next_line()) => line,
        () = cancel.cancelled() => return Err(WorkbenchError::Interrupted),
    };
    let ready = line.ok().and_then(Result::ok).flatten().and_then(|line| serde_json::from_str(&line).ok());
    let ready = ready.ok_or_else(|| {
        WorkbenchError::usage(
            "start the demo's server",
            "it did not say its port",
            "see what `node --version` prints: Node.js 18 or later is needed",
        )
    })?;
    Ok((server, ready))
}

async fn warm_up(load: &[OsString], cancel: &Cancel) -> Result<(), WorkbenchError> {
    let Some((program, arguments)) = load.split_first() else { return Ok(()) };
    let failed = |source| WorkbenchError::Start { role: "the demo's load", command: "node".into(), source };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    // The load ends when its standard input closes, and waiting would close it.
    let _open = child.stdin.take();
    tokio::select! {
        ended = child.wait() => ended.map(|_| ()).map_err(failed),
        () = cancel.cancelled() => Err(WorkbenchError::Interrupted),
    }
}
