//! A heap snapshot, streamed from the target straight into a file, checked on its way.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use leakhound_inspector::protocol::{
    self, Command, HeapSnapshotChunk, HeapSnapshotProgress, TakeHeapSnapshot,
};
use leakhound_inspector::{Incoming, InspectorError, ProtocolError};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::attach::Attached;
use crate::cancel::Cancel;
use crate::chunk;
use crate::error::CaptureError;
use crate::estimate::{SnapshotEstimate, free_disk};
use crate::process;
use crate::scan::{Counts, ScanError, Scanner};

/// Bytes collected before they go to the writer.
const BLOCK: usize = 1 << 20;
/// Blocks between the receiver and the writer; then the receiver waits, and TCP makes the target wait.
const IN_FLIGHT: usize = 3;
/// How often liveness and memory are looked at.
const TICK: Duration = Duration::from_millis(250);

/// How far a snapshot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotProgress {
    /// The target builds the graph; its main thread stands still.
    Building {
        /// Objects seen.
        done: u64,
        /// Objects expected, by V8's estimate; may be passed.
        total: u64,
    },
    /// The file arrives.
    Writing {
        /// Bytes so far.
        bytes: u64,
    },
    /// Nothing new, but the target lives.
    Waiting {
        /// Since the last sign.
        silent: Duration,
    },
}

/// A finished, verified snapshot.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SnapshotOutcome {
    /// The file, readable by its owner only.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// From the request to the last byte: how long the target's main thread stood still, at most.
    pub pause: Duration,
    /// Growth of the target's resident set at its peak; `None` when it cannot be seen from here.
    pub extra_memory: Option<u64>,
    /// Nodes in the snapshot.
    pub nodes: u64,
    /// Edges in the snapshot.
    pub edges: u64,
}

/// Takes a heap snapshot of a target into a new file.
///
/// The bytes go to `NAME.partial` (created with mode 0600, never overwriting), are checked against the
/// snapshot's own header as they pass, synced, and renamed to `dest`. Our memory stays at a few megabytes
/// whatever the size. The *target's* does not: ask [`policy`](crate::policy) first. There is no overall
/// time-out; as long as the target lives it is waited for.
///
/// # Errors
/// On any failure the partial file stays, unless it is empty, and the error names it: [`CaptureError::TargetDied`],
/// [`CaptureError::DiskFull`], [`CaptureError::Cancelled`], [`CaptureError::Incomplete`]. Before anything is
/// asked of the target: [`CaptureError::Exists`], [`CaptureError::NoSpace`].
pub async fn capture_heap_snapshot(
    attached: &mut Attached,
    dest: &Path,
    estimate: Option<&SnapshotEstimate>,
    cancel: &Cancel,
    mut progress: impl FnMut(SnapshotProgress) + Send,
) -> Result<SnapshotOutcome, CaptureError> {
    let (file, partial) = create(dest, estimate)?;
    let (blocks, incoming_blocks) = mpsc::channel::<Vec<u8>>(IN_FLIGHT);
    let (spent, spare) = mpsc::channel::<Vec<u8>>(IN_FLIGHT + 2);
    // Checking and writing happen beside the receiving, not on the async runtime.
    let writer = tokio::task::spawn_blocking(move || write(file, incoming_blocks, &spent));
    let mut receiver = Receiver { blocks, spare, block: Vec::with_capacity(BLOCK + BLOCK / 4), bytes: 0 };

    let started = Instant::now();
    let mut memory = Memory::before(attached);
    let received = receive(attached, &mut receiver, &mut memory, cancel, &mut progress).await;
    let received = match received {
        Ok(()) => receiver.flush().await,
        failed => failed,
    };
    let pause = started.elapsed();
    memory.look(attached);
    drop(receiver);
    let written = match writer.await {
        Ok(written) => written,
        Err(_) => Written { bytes: 0, end: Err(WriteError::Io(io::Error::other("the writer stopped"))) },
    };
    let counts = match verdict(attached, &partial, received, &written) {
        Ok(counts) => counts,
        Err(error) => {
            if written.bytes == 0 {
                // Nothing in it is worth keeping.
                let _ = std::fs::remove_file(&partial);
            }
            return Err(error);
        }
    };
    publish(&partial, dest)?;
    Ok(SnapshotOutcome {
        path: dest.to_owned(),
        bytes: written.bytes,
        pause,
        extra_memory: memory.growth(),
        nodes: counts.nodes,
        edges: counts.edges,
    })
}

/// Why receiving stopped early.
enum Stop {
    Cancelled,
    /// The writer is gone; its own result says why.
    Writer,
    Inspector(InspectorError),
}

impl From<InspectorError> for Stop {
    fn from(error: InspectorError) -> Self {
        Self::Inspector(error)
    }
}

struct Receiver {
    blocks: mpsc::Sender<Vec<u8>>,
    spare: mpsc::Receiver<Vec<u8>>,
    block: Vec<u8>,
    bytes: u64,
}

impl Receiver {
    async fn flush(&mut self) -> Result<(), Stop> {
        if self.block.is_empty() {
            return Ok(());
        }
        let next = self.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(BLOCK + BLOCK / 4));
        let full = std::mem::replace(&mut self.block, next);
        self.bytes += full.len() as u64;
        self.blocks.send(full).await.map_err(|_| Stop::Writer)
    }
}

async fn receive(
    attached: &mut Attached,
    receiver: &mut Receiver,
    memory: &mut Memory,
    cancel: &Cancel,
    progress: &mut (impl FnMut(SnapshotProgress) + Send),
) -> Result<(), Stop> {
    const METHOD: &str = TakeHeapSnapshot::METHOD;
    let process = attached.process.clone();
    let client = &mut attached.client;
    let id = client.send(&TakeHeapSnapshot { report_progress: true, capture_numeric_value: false }).await?;
    let mut last = Instant::now();
    loop {
        memory.tick(process.as_ref().map(|process| process.pid));
        let incoming = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Stop::Cancelled),
            incoming = client.next(METHOD, TICK) => incoming?,
        };
        let (method, params) = match incoming {
            None => {
                if process.as_ref().is_some_and(|process| !process.is_alive()) {
                    return Err(InspectorError::Closed { during: METHOD.to_owned() }.into());
                }
                progress(SnapshotProgress::Waiting { silent: last.elapsed() });
                continue;
            }
            Some(Incoming::Response { id: got, result, .. }) if got == id => {
                return match result {
                    Ok(_) => Ok(()),
                    Err(error) => Err(InspectorError::Remote { method: METHOD.to_owned(), error }.into()),
                };
            }
            Some(Incoming::Event { method, params }) => (method, params),
            Some(_) => continue,
        };
        last = Instant::now();
        let wrong = |source: ProtocolError| InspectorError::Protocol { during: METHOD.to_owned(), source };
        if let Some(event) = protocol::event::<HeapSnapshotChunk<'_>>(&method, params).map_err(wrong)? {
            if !chunk::unescape(event.chunk.get(), &mut receiver.block) {
                return Err(wrong(ProtocolError::Neither).into());
            }
            if receiver.block.len() >= BLOCK {
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => return Err(Stop::Cancelled),
                    flushed = receiver.flush() => flushed?,
                }
                progress(SnapshotProgress::Writing { bytes: receiver.bytes });
            }
        } else if let Some(event) = protocol::event::<HeapSnapshotProgress>(&method, params).map_err(wrong)? {
            progress(SnapshotProgress::Building { done: event.done, total: event.total });
        }
    }
}

enum WriteError {
    Io(io::Error),
    Scan(ScanError),
}

struct Written {
    bytes: u64,
    end: Result<Counts, WriteError>,
}

/// Runs on a thread of its own: checks, writes, syncs.
fn write(mut file: File, mut blocks: mpsc::Receiver<Vec<u8>>, spent: &mpsc::Sender<Vec<u8>>) -> Written {
    let mut scanner = Scanner::new();
    let mut bytes = 0;
    let mut scan = Ok(());
    while let Some(mut block) = blocks.blocking_recv() {
        if let Err(error) = put(&mut file, &block, &mut bytes) {
            return Written { bytes, end: Err(WriteError::Io(error)) };
        }
        // A stream that turns out wrong is still written to its end: evidence for whoever looks into it.
        if scan.is_ok() {
            scan = scanner.feed(&block);
        }
        block.clear();
        let _ = spent.try_send(block);
    }
    if let Err(error) = file.sync_all() {
        return Written { bytes, end: Err(WriteError::Io(error)) };
    }
    Written { bytes, end: scan.and_then(|()| scanner.finish()).map_err(WriteError::Scan) }
}

/// `write_all`, counting what reached the file also when it ends in an error.
fn put(file: &mut File, mut block: &[u8], bytes: &mut u64) -> io::Result<()> {
    while !block.is_empty() {
        match file.write(block) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                *bytes += count as u64;
                block = block.get(count..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Which of several truths to tell: a broken disk explains a stopped receiver, a stopped receiver explains
/// an incomplete file.
fn verdict(
    attached: &Attached,
    partial: &Path,
    received: Result<(), Stop>,
    written: &Written,
) -> Result<Counts, CaptureError> {
    let path = partial.to_owned();
    if let Err(WriteError::Io(error)) = &written.end {
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return Err(CaptureError::DiskFull { path, written: written.bytes });
        }
        let source = io::Error::new(error.kind(), error.to_string());
        return Err(CaptureError::File { action: "write", path, source });
    }
    match received {
        Ok(()) | Err(Stop::Writer) => {}
        Err(Stop::Cancelled) => {
            let partial = (written.bytes > 0).then_some(path);
            return Err(CaptureError::Cancelled { what: "the heap snapshot", partial });
        }
        Err(Stop::Inspector(InspectorError::Closed { .. })) => {
            // The connection ends a moment before the process is gone from the table.
            let died = attached.process.is_none() || ended_soon(attached);
            let written = written.bytes;
            return Err(if died {
                CaptureError::TargetDied { path, written }
            } else {
                CaptureError::ConnectionLost { path, written }
            });
        }
        Err(Stop::Inspector(error)) => return Err(error.into()),
    }
    match &written.end {
        Ok(counts) => Ok(*counts),
        Err(WriteError::Scan(error)) => Err(CaptureError::Incomplete { path, source: error.clone() }),
        Err(WriteError::Io(_)) => unreachable_io(path),
    }
}

fn unreachable_io(path: PathBuf) -> Result<Counts, CaptureError> {
    Err(CaptureError::File { action: "write", path, source: io::Error::other("the writer stopped") })
}

fn ended_soon(attached: &Attached) -> bool {
    for _ in 0..20 {
        if attached.is_gone() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

fn create(dest: &Path, estimate: Option<&SnapshotEstimate>) -> Result<(File, PathBuf), CaptureError> {
    if dest.symlink_metadata().is_ok() {
        return Err(CaptureError::Exists { path: dest.to_owned() });
    }
    if let Some(estimate) = estimate
        && let Some(free) = dest.parent().and_then(free_disk)
        && free < estimate.file_bytes.likely
    {
        return Err(CaptureError::NoSpace {
            path: dest.to_owned(),
            needed: estimate.file_bytes.likely,
            free,
        });
    }
    let mut name = dest.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial);
    match opened {
        Ok(file) => Ok((file, partial)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(CaptureError::Exists { path: partial })
        }
        Err(source) => Err(CaptureError::File { action: "create", path: partial, source }),
    }
}

/// Gives a complete file its name, without ever replacing another, and makes that durable.
pub(crate) fn publish(partial: &Path, dest: &Path) -> Result<(), CaptureError> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    let renamed = match renameat_with(CWD, partial, CWD, dest, RenameFlags::NOREPLACE) {
        // Some network file systems lack the flag; a hard link does not overwrite either.
        Err(Errno::INVAL | Errno::NOSYS) => {
            std::fs::hard_link(partial, dest).and_then(|()| std::fs::remove_file(partial))
        }
        other => other.map_err(io::Error::from),
    };
    match renamed {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(CaptureError::Exists { path: dest.to_owned() });
        }
        Err(source) => return Err(CaptureError::File { action: "rename", path: partial.to_owned(), source }),
    }
    let parent = match dest.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(|source| CaptureError::File {
        action: "sync",
        path: parent.to_owned(),
        source,
    })
}

/// The target's resident set around a snapshot.
struct Memory {
    before: Option<(u64, u64)>,
    highest: u64,
    looked: Instant,
}

impl Memory {
    fn before(attached: &Attached) -> Self {
        let before = attached.process.as_ref().and_then(|process| process::resident(process.pid));
        Self { before, highest: 0, looked: Instant::now() }
    }

    fn tick(&mut self, pid: Option<i32>) {
        if self.looked.elapsed() >= TICK {
            self.sample(pid);
        }
    }

    fn look(&mut self, attached: &Attached) {
        self.sample(attached.process.as_ref().map(|process| process.pid));
    }

    fn sample(&mut self, pid: Option<i32>) {
        self.looked = Instant::now();
        if let (Some((rss, peak)), Some((_, peak_before))) = (pid.and_then(process::resident), self.before) {
            // The kernel's own peak counts only if it was reached now and not long ago.
            let peak = if peak > peak_before { peak } else { rss };
            self.highest = self.highest.max(peak);
        }
    }

    fn growth(&self) -> Option<u64> {
        let (before, _) = self.before?;
        (self.highest > 0).then(|| self.highest.saturating_sub(before))
    }
}
