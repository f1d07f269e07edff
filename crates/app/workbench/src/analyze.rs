//! The verdict from files.

use std::path::{Path, PathBuf};

use leakhound_diagnose::{Case, Limits, ProcessMemory, Snapshot, Sources, diagnose};
use leakhound_profile::AllocationProfile;
use tokio::sync::mpsc;

use crate::event::Listener;
use crate::evidence::{self, Record};
use crate::sources::DiskSources;
use crate::view::{TargetView, VERDICT_SCHEMA, VerdictView};
use crate::{Cancel, Event, WorkbenchError, open, unpacked};

/// What to analyze.
#[derive(Clone, Debug, Default)]
pub struct AnalyzeOptions {
    /// Snapshots (`.heapsnapshot`) in order of time, at most one profile (`.heapprofile`), or the folder of
    /// a hunt.
    pub files: Vec<PathBuf>,
    /// Write report.html, report.md and verdict.json into this folder.
    pub report: Option<PathBuf>,
}

/// Judges files: one snapshot gives suspects, two or more of one process give growth.
///
/// # Errors
/// Unreadable files, nothing to read, or cancelled.
pub async fn analyze(
    options: AnalyzeOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<VerdictView, WorkbenchError> {
    let input = Input::sort(&options.files)?;
    let cancel_inner = cancel.clone();
    let report = options.report.clone();
    let (view, written) = on_a_thread(events, move |sender| {
        let view = input.judge(&cancel_inner, sender)?;
        let written = match report {
            Some(folder) => {
                std::fs::create_dir_all(&folder).map_err(WorkbenchError::file("create", &folder))?;
                Some(evidence::keep_reports(&folder, &view)?)
            }
            None => None,
        };
        Ok((view, written))
    })
    .await?;
    if let Some(path) = written {
        events(Event::Written(path));
    }
    Ok(view)
}

/// Runs CPU work on a thread of its own while its events are passed on.
pub(crate) async fn on_a_thread<T: Send + 'static>(
    events: Listener<'_>,
    work: impl FnOnce(&mpsc::Sender<Event>) -> Result<T, WorkbenchError> + Send + 'static,
) -> Result<T, WorkbenchError> {
    let (sender, mut receiver) = mpsc::channel(64);
    let work = tokio::task::spawn_blocking(move || work(&sender));
    while let Some(event) = receiver.recv().await {
        events(event);
    }
    work.await.map_err(|error| WorkbenchError::Internal(error.to_string()))?
}

/// The files, sorted by what they are.
pub(crate) struct Input {
    snapshots: Vec<PathBuf>,
    profile: Option<PathBuf>,
    /// Folder of a hunt, with its record.
    hunt: Option<(PathBuf, Record)>,
    /// Prefix for absolute paths of sources.
    root: Option<PathBuf>,
}

impl Input {
    fn sort(files: &[PathBuf]) -> Result<Self, WorkbenchError> {
        let mut input = Self { snapshots: Vec::new(), profile: None, hunt: None, root: None };
        for file in files {
            if file.as_os_str() == unpacked::STDIN {
                if input.snapshots.contains(file) {
                    return Err(WorkbenchError::usage(
                        "analyze",
                        "standard input (-) is given twice",
                        "it holds one snapshot: name the others",
                    ));
                }
                input.snapshots.push(file.clone());
                continue;
            }
            let details = std::fs::metadata(file).map_err(WorkbenchError::file("open", file))?;
            if details.is_dir() {
                let record = evidence::record(file).ok_or_else(|| {
                    WorkbenchError::usage(
                        format!("analyze {}", file.display()),
                        "it is a folder without the record of a hunt (hunt.json)",
                        "give the folder that a hunt has made, or the .heapsnapshot files themselves",
                    )
                })?;
                input.add_hunt(file.clone(), record);
            } else if file.extension().is_some_and(|extension| extension == "heapprofile") {
                if input.profile.replace(file.clone()).is_some() {
                    return Err(WorkbenchError::usage(
                        "analyze",
                        "there is more than one .heapprofile among the files",
                        "give the one that was taken between the snapshots",
                    ));
                }
            } else {
                input.snapshots.push(file.clone());
            }
        }
        if input.snapshots.is_empty() {
            return Err(WorkbenchError::usage(
                "analyze",
                "there is no heap snapshot among the files",
                "give at least one .heapsnapshot; a .heapprofile alone does not tell what stays",
            ));
        }
        Ok(input)
    }

    pub(crate) fn of_hunt(folder: PathBuf, record: Record, root: Option<PathBuf>) -> Self {
        let mut input = Self { snapshots: Vec::new(), profile: None, hunt: None, root };
        input.add_hunt(folder, record);
        input
    }

    fn add_hunt(&mut self, folder: PathBuf, record: Record) {
        self.snapshots.extend(record.snapshots.iter().map(|snapshot| folder.join(&snapshot.file)));
        let profile = folder.join(evidence::PROFILE);
        if profile.is_file() {
            self.profile = Some(profile);
        }
        self.hunt = Some((folder, record));
    }

    /// Reads everything and judges it. CPU work: not for the async runtime's threads.
    pub(crate) fn judge(
        self,
        cancel: &Cancel,
        events: &mpsc::Sender<Event>,
    ) -> Result<VerdictView, WorkbenchError> {
        let mut warnings = Vec::new();
        let mut heaps = Vec::new();
        for path in &self.snapshots {
            heaps.push((path.clone(), open::heap(path, cancel, events)?));
        }
        if self.hunt.is_none() && heaps.len() > 1 {
            // V8 numbers objects as it meets them: a later snapshot has a larger largest id.
            let newest = |heap: &leakhound_heap::Heap| {
                heap.nodes().map(|node| heap.id(node)).filter(|id| id & 1 == 1).max().unwrap_or(0)
            };
            let order: Vec<u32> = heaps.iter().map(|(_, heap)| newest(heap)).collect();
            if !order.is_sorted() {
                heaps.sort_by_key(|(_, heap)| newest(heap));
                warnings
                    .push("the snapshots were not given in order of time; sorted by their object ids".into());
            }
        }
        let profile = self.profile.as_deref().map(open::profile).transpose()?;
        let recorded = self.hunt.as_ref().map(|(_, record)| record);
        let count = heaps.len();
        let snapshots: Vec<Snapshot> = heaps
            .into_iter()
            .enumerate()
            .map(|(at, (path, heap))| {
                let known = recorded.and_then(|record| record.snapshots.get(at));
                Snapshot {
                    heap,
                    file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                    phase: known.map_or_else(|| phase(at, count), |known| known.phase.clone()),
                    seconds: known.map(|known| known.seconds),
                    load_before: known.and_then(|known| known.load_before),
                }
            })
            .collect();
        let mut sources = DiskSources::new(self.root.clone());
        if let Some((folder, _)) = &self.hunt {
            sources = sources.with_evidence(folder);
        }
        let _ = events.try_send(Event::Judging);
        let mut view = judge(&snapshots, profile.as_ref(), &sources, recorded);
        view.diagnosis.warnings.splice(0..0, warnings);
        if let Some((folder, _)) = &self.hunt {
            view.evidence_dir = Some(folder.display().to_string());
            // Sources beside the dumps make the folder readable on any machine; a full disk must not cost
            // the verdict.
            if let Err(error) = sources.keep(folder) {
                view.diagnosis
                    .warnings
                    .push(format!("the sources could not be kept beside the dumps: {error}"));
            }
        } else {
            view.target.name = common_name(&self.snapshots);
        }
        Ok(view)
    }
}

/// Names of the phases of `count` snapshots.
pub(crate) fn phase(at: usize, count: usize) -> String {
    match at {
        0 if count == 1 => "snapshot".into(),
        0 => "baseline".into(),
        at if at + 1 == count => "final".into(),
        1 => "target".into(),
        at => format!("target {at}"),
    }
}

/// A name for files that nobody named: their folder's.
fn common_name(files: &[PathBuf]) -> String {
    let first = files.first().and_then(|file| file.file_name()).unwrap_or_default().to_string_lossy();
    match files.first().and_then(|file| file.parent()).and_then(Path::file_name) {
        Some(folder) if files.len() > 1 => folder.to_string_lossy().into_owned(),
        _ => first.into_owned(),
    }
}

fn judge(
    snapshots: &[Snapshot],
    profile: Option<&AllocationProfile>,
    sources: &dyn Sources,
    record: Option<&Record>,
) -> VerdictView {
    let last = record.and_then(|record| record.memory.last());
    let first = record.and_then(|record| record.memory.first());
    let limits = Limits {
        heap_limit: record.and_then(|record| record.target.heap_limit_bytes),
        heap_used: last.and_then(|point| point.heap_used_bytes),
        container_limit: record.and_then(|record| record.target.container_limit_bytes),
        container_used: record.and_then(|record| record.container_used_bytes),
    };
    let memory = first.zip(last).map(|(first, last)| ProcessMemory {
        rss: (first.rss_bytes, last.rss_bytes),
        heap_used: (first.heap_used_bytes.unwrap_or(0), last.heap_used_bytes.unwrap_or(0)),
        external: (first.external_bytes.unwrap_or(0), last.external_bytes.unwrap_or(0)),
    });
    let diagnosis = diagnose(&Case { snapshots, allocations: profile, sources, limits, memory });
    let mut view = VerdictView {
        schema: VERDICT_SCHEMA.into(),
        leakhound: env!("CARGO_PKG_VERSION").into(),
        created: evidence::now(),
        target: record.map_or_else(TargetView::default, |record| record.target.clone()),
        diagnosis,
        memory: record.map_or_else(Vec::new, |record| record.memory.clone()),
        captures: record.map_or_else(Vec::new, |record| record.captures.clone()),
        partial: snapshots.iter().any(|snapshot| !snapshot.heap.losses().is_empty()),
        evidence_dir: None,
    };
    if let Some(record) = record {
        view.diagnosis.warnings.splice(0..0, record.warnings.clone());
    }
    view
}
