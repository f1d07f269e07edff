//! The main job: baseline, growth under load, target, final, verdict.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use leakhound_capture::{
    AttachOptions, Attached, Cancel, CaptureError, Decision, Headroom, InspectorError, Resolved, Target,
    Tolerance, attach, capture_heap_snapshot, estimate, policy, sampling,
};

use crate::analyze::{Input, on_a_thread, phase};
use crate::event::{Event, Listener, Plan};
use crate::evidence::{self, Record, RecordedSnapshot};
use crate::load::Load;
use crate::view::{CaptureCost, MemoryPoint, TargetView, VerdictView};
use crate::{WorkbenchError, sampling as sampled};

/// Longest wait for `--until-growth` when no `--for` bounds it.
const GROWTH_PATIENCE: Duration = Duration::from_secs(3600);
/// Time for in-flight work to drain after the load has ended.
const COOL_DOWN: Duration = Duration::from_secs(3);
/// Between two forced collections that check whether growth is real.
const RECHECK: Duration = Duration::from_secs(10);
/// A process this much less busy than before counts as without load.
const IDLE_SHARE: f64 = 0.2;

/// How to hunt.
#[derive(Clone, Debug)]
pub struct HuntOptions {
    /// The target as typed.
    pub target: String,
    /// Watching time between the first and the last snapshot.
    pub duration: Option<Duration>,
    /// Take the last snapshot once heap and buffers have grown by this many bytes.
    pub until_growth: Option<u64>,
    /// Number of snapshots, at least 2.
    pub snapshots: usize,
    /// Folder in which the evidence folder is made; the working directory by default.
    pub out: Option<PathBuf>,
    /// Command that makes load; empty for a service that has its own.
    pub load: Vec<OsString>,
    /// Command that runs the load command given behind it and ends it when its own standard input closes, so
    /// that no load outlives a killed leakhound; may be empty.
    pub load_guard: Vec<OsString>,
    /// Take snapshots even where the policy refuses.
    pub force: bool,
    /// Take no snapshot at all.
    pub sampling_only: bool,
    /// Bytes between two allocation samples.
    pub sampling_interval: u64,
    /// Longest tolerated pause.
    pub max_pause: Duration,
}

impl HuntOptions {
    /// The defaults: one minute, three snapshots.
    pub fn new(target: impl Into<String>) -> Self {
        Self {
            target: target.into(),
            duration: None,
            until_growth: None,
            snapshots: 3,
            out: None,
            load: Vec::new(),
            load_guard: Vec::new(),
            force: false,
            sampling_only: false,
            sampling_interval: 32 * 1024,
            max_pause: Tolerance::default().max_pause,
        }
    }

    fn duration(&self) -> Duration {
        match (self.duration, self.until_growth) {
            (Some(duration), _) => duration,
            (None, Some(_)) => GROWTH_PATIENCE,
            (None, None) => Duration::from_secs(60),
        }
    }
}

/// Hunts a process and writes the evidence folder with the report.
///
/// # Errors
/// The target cannot be found, refuses, dies, or would be endangered; the evidence cannot be written; the
/// user interrupts. The inspector is closed again on every path.
pub async fn hunt(
    options: &HuntOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<VerdictView, WorkbenchError> {
    if options.snapshots < 2 && !options.sampling_only {
        return Err(WorkbenchError::usage(
            "hunt",
            "growth needs at least two snapshots",
            "give --snapshots 2 or more",
        ));
    }
    // What can be seen to fail is said before the target is touched.
    Load::check(&options.load)?;
    if let Some(parent) = &options.out {
        std::fs::create_dir_all(parent).map_err(WorkbenchError::file("create", parent))?;
    }
    let resolved = Target::parse(&options.target)?.resolve()?;
    let mut attached = attach(&resolved, &AttachOptions::default(), cancel).await?;
    let gathered = gather(&mut attached, options, cancel, events).await;
    let gathered = gathered.map_err(|error| gone_instead(&attached, error));
    let released = release(attached, events).await;
    let gathered = gathered?;
    let root = root_of(&resolved);
    let view = match gathered {
        Gathered::Snapshots { folder, mut record } => {
            record.warnings.extend(released);
            evidence::keep_record(&folder, &record)?;
            let input = Input::of_hunt(folder, record, root);
            let cancel = cancel.clone();
            on_a_thread(events, move |sender| input.judge(&cancel, sender)).await?
        }
        Gathered::Samples { folder, mut record, middle, last } => {
            record.warnings.extend(released);
            evidence::keep_record(&folder, &record)?;
            on_a_thread(events, move |_| sampled::judge(&folder, &record, &middle, &last, root)).await?
        }
    };
    if let Some(folder) = view.evidence_dir.clone() {
        let html = evidence::keep_reports(Path::new(&folder), &view)?;
        events(Event::Written(html));
    }
    Ok(view)
}

/// Closes what was opened in the target; returns what the user has to know about it.
pub(crate) async fn release(attached: Attached, events: Listener<'_>) -> Option<String> {
    let opened = attached.opened_by_us();
    let process = attached.process().cloned();
    if opened {
        events(Event::Releasing);
    }
    match attached.close().await {
        Ok(()) => {
            // A target that has ended was not released, whatever the reason.
            if opened && process.is_none_or(|process| process.is_alive()) {
                events(Event::Released);
            }
            None
        }
        // A target that is gone has nothing left open.
        Err(CaptureError::TargetDied { .. }) => None,
        Err(error) => {
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let text = format!("failed to {error}{hint}");
            events(Event::Warning(text.clone()));
            Some(text)
        }
    }
}

/// A lost connection of a target that is no more is the end of the target.
fn gone_instead(attached: &Attached, error: WorkbenchError) -> WorkbenchError {
    let lost = matches!(
        error,
        WorkbenchError::Capture(CaptureError::Inspector(
            InspectorError::Closed { .. } | InspectorError::TimedOut { .. }
        ))
    );
    let Some(process) = attached.process().filter(|_| lost) else { return error };
    let deadline = Instant::now() + Duration::from_millis(300);
    // The connection ends a moment before the process does.
    while process.is_alive() {
        if Instant::now() > deadline {
            return error;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    CaptureError::Gone { pid: process.pid, during: Some("the hunt".to_owned()) }.into()
}

/// The target's root directory, so that the sources of a process in a container are found.
fn root_of(resolved: &Resolved) -> Option<PathBuf> {
    let Resolved::Process(process) = resolved else { return None };
    let root = PathBuf::from(format!("/proc/{}/root", process.pid));
    std::fs::read_link(&root).ok().filter(|link| link != Path::new("/")).map(|_| root)
}

/// The target as every view shows it.
pub(crate) fn target_view(attached: &Attached) -> TargetView {
    let facts = attached.facts();
    let process = attached.process();
    let script = facts.argv.get(1).and_then(|script| Path::new(script).file_name());
    let name = process
        .map(|process| process.name.clone())
        .or_else(|| script.map(|script| script.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "node".into());
    let limit = process.map(|process| Headroom::of(process.pid, None).limit);
    TargetView {
        name,
        pid: process.map_or(u32::try_from(facts.pid).ok(), |process| u32::try_from(process.pid).ok()),
        node_version: Some(facts.version.clone()),
        v8_version: Some(facts.v8.clone()),
        command: process.map(|process| process.command.join(" ")),
        heap_limit_bytes: Some(facts.memory.heap_limit).filter(|&limit| limit > 0),
        container_limit_bytes: limit.flatten().or(facts.constrained_memory),
    }
}

/// Headroom of the target, measured where possible.
pub(crate) fn headroom(attached: &Attached, folder: Option<&Path>) -> Headroom {
    match attached.process() {
        Some(process) => Headroom::of(process.pid, folder),
        None => Headroom::reported(attached.facts(), folder),
    }
}

enum Gathered {
    Snapshots { folder: PathBuf, record: Record },
    Samples { folder: PathBuf, record: Record, middle: Vec<u8>, last: Vec<u8> },
}

/// One hunt under way.
struct Run<'a> {
    attached: &'a mut Attached,
    options: &'a HuntOptions,
    cancel: &'a Cancel,
    folder: PathBuf,
    record: Record,
    began: Instant,
    load: Option<Load>,
    /// Heap and buffers after the first collection, the level that growth is measured from.
    level: u64,
    /// CPU seconds a second of each interval so far.
    busy: Vec<f64>,
}

async fn gather(
    attached: &mut Attached,
    options: &HuntOptions,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<Gathered, WorkbenchError> {
    let target = target_view(attached);
    events(Event::Attached(target.clone()));
    let mut warnings = attached.warnings().to_vec();
    let parent = options.out.clone().unwrap_or_default();
    let plan = plan(attached, options, &parent)?;
    warnings.extend(plan.warnings.clone());
    events(Event::Plan(plan));
    warnings.iter().for_each(|warning| events(Event::Warning(warning.clone())));
    let folder = evidence::folder(&parent, &target.name, target.pid)?;
    events(Event::Evidence(folder.clone()));
    let record = Record { schema: "leakhound.hunt/1".into(), target, warnings, ..Record::default() };
    let mut run = Run {
        attached,
        options,
        cancel,
        folder,
        record,
        began: Instant::now(),
        load: None,
        level: 0,
        busy: Vec::new(),
    };
    let gathered =
        if options.sampling_only { run.samples(events).await } else { run.snapshots(events).await };
    if let Some(load) = run.load.take() {
        load.stop().await;
    }
    let samples = match gathered {
        Ok(samples) => samples,
        Err(error) => {
            // What there is stays readable: `analyze FOLDER` judges it.
            if !run.record.snapshots.is_empty() {
                let _ = evidence::keep_record(&run.folder, &run.record);
                let kept = format!("the evidence so far is kept in {}", run.folder.display());
                events(Event::Warning(kept));
            } else {
                let _ = std::fs::remove_dir(&run.folder);
            }
            return Err(error);
        }
    };
    let Run { folder, record, .. } = run;
    Ok(match samples {
        Some((middle, last)) => Gathered::Samples { folder, record, middle, last },
        None => Gathered::Snapshots { folder, record },
    })
}

/// What will be done, or the refusal.
fn plan(attached: &Attached, options: &HuntOptions, parent: &Path) -> Result<Plan, WorkbenchError> {
    let headroom = headroom(attached, Some(parent));
    let mut plan =
        Plan { snapshots: 0, duration: options.duration(), estimate: None, headroom, warnings: Vec::new() };
    if options.sampling_only {
        return Ok(plan);
    }
    let cost = estimate(attached.facts());
    plan.snapshots = options.snapshots;
    plan.estimate = Some(cost);
    match policy(&cost, &headroom, &Tolerance::pause(options.max_pause)) {
        Decision::Refused(refusal) if options.force => {
            plan.warnings.push(format!("forced although {}", refusal.reason));
        }
        decision => plan.warnings = decision.into_result()?,
    }
    Ok(plan)
}

impl Run<'_> {
    async fn snapshots(
        &mut self,
        events: Listener<'_>,
    ) -> Result<Option<(Vec<u8>, Vec<u8>)>, WorkbenchError> {
        let count = self.options.snapshots;
        let interval = self.options.duration() / (count as u32 - 1);
        let mut first = None;
        let mut load_before = None;
        for at in 0..count {
            if at > 0 {
                load_before = self.interval(at, count, interval, events).await?;
            }
            let started = Instant::now();
            let seconds = first.map_or(0.0, |first: Instant| started.duration_since(first).as_secs_f64());
            first.get_or_insert(started);
            self.snapshot(&phase(at, count), seconds, load_before, events).await?;
            let memory = self.read_memory().await?;
            if at == 0 {
                self.level = level(&memory);
                sampling::start(self.attached, self.options.sampling_interval, self.cancel).await?;
                self.load = Load::start(&self.options.load, &self.options.load_guard, &self.folder)?;
            }
        }
        match sampling::stop(self.attached, self.cancel).await {
            Ok(profile) => {
                let path = self.folder.join(evidence::PROFILE);
                evidence::write_private(&path, &profile).map_err(WorkbenchError::file("write", &path))?;
            }
            // There is one sampling for all clients of a process. The snapshots say the most anyway.
            Err(CaptureError::Inspector(error @ InspectorError::Remote { .. })) => {
                let warning =
                    format!("sampled allocations are missing: another debugger ended them ({error})");
                events(Event::Warning(warning.clone()));
                self.record.warnings.push(warning);
            }
            Err(error) => return Err(error.into()),
        }
        self.record.container_used_bytes = headroom(self.attached, None).used;
        Ok(None)
    }

    async fn samples(&mut self, events: Listener<'_>) -> Result<Option<(Vec<u8>, Vec<u8>)>, WorkbenchError> {
        let half = self.options.duration() / 2;
        sampling::start(self.attached, self.options.sampling_interval, self.cancel).await?;
        self.read_memory().await?;
        self.load = Load::start(&self.options.load, &self.options.load_guard, &self.folder)?;
        self.watch(half, u64::MAX, events).await?;
        let middle = sampling::take(self.attached, self.cancel).await?;
        self.watch(half, u64::MAX, events).await?;
        let last = sampling::stop(self.attached, self.cancel).await?;
        let path = self.folder.join(evidence::PROFILE);
        evidence::write_private(&path, &last).map_err(WorkbenchError::file("write", &path))?;
        self.record.container_used_bytes = headroom(self.attached, None).used;
        Ok(Some((middle, last)))
    }

    /// Lets the target work until snapshot `at` is due; returns whether it was under load.
    async fn interval(
        &mut self,
        at: usize,
        count: usize,
        interval: Duration,
        events: Listener<'_>,
    ) -> Result<Option<bool>, WorkbenchError> {
        let goal = match self.options.until_growth {
            Some(bytes) => bytes / (count as u64 - 1) * at as u64,
            None => u64::MAX,
        };
        let had_load = self.load.as_mut().map(Load::is_running);
        let cpu = self.cpu();
        let watched = Instant::now();
        if had_load == Some(false) {
            // Nothing more to come: only what is in flight has to drain.
            self.watch(COOL_DOWN, u64::MAX, events).await?;
            return Ok(Some(false));
        }
        self.watch(interval, goal, events).await?;
        let seconds = watched.elapsed().as_secs_f64().max(0.001);
        let busy = cpu.zip(self.cpu()).map(|(from, to)| (to - from).max(0.0) / seconds);
        if at + 1 == count && self.load.is_some() {
            if let Some(load) = self.load.take() {
                load.stop().await;
            }
            self.watch(COOL_DOWN.min(self.options.duration() / 4), u64::MAX, events).await?;
        }
        if had_load.is_some() {
            return Ok(Some(true));
        }
        // A service with load of its own: whether it still has any shows in the CPU it uses.
        let before = self.busy.iter().copied().fold(0.0, f64::max);
        self.busy.extend(busy);
        Ok(busy.map(|busy| self.busy.len() == 1 || busy > IDLE_SHARE * before))
    }

    fn cpu(&self) -> Option<f64> {
        self.attached.process().and_then(|process| process.cpu_time()).map(|time| time.as_secs_f64())
    }

    /// Waits, reading memory now and then, until time is up, growth has reached `goal`, or the load command
    /// has ended.
    async fn watch(&mut self, time: Duration, goal: u64, events: Listener<'_>) -> Result<(), WorkbenchError> {
        let began = Instant::now();
        let tick = (time / 30).clamp(Duration::from_millis(250), Duration::from_secs(2));
        let mut rechecked: Option<Instant> = None;
        while began.elapsed() < time {
            let rest = time - began.elapsed();
            tokio::select! {
                () = tokio::time::sleep(tick.min(rest)) => {}
                () = self.cancel.cancelled() => return Err(WorkbenchError::Interrupted),
            }
            let memory = self.read_memory().await?;
            events(Event::Watching { elapsed: began.elapsed(), until: time, memory });
            if let Some(warning) = self.load.as_mut().and_then(|load| load.has_just_ended(events)) {
                self.record.warnings.extend(warning);
                break;
            }
            let grown = level(&memory).saturating_sub(self.level);
            if grown >= goal && rechecked.is_none_or(|at| at.elapsed() >= RECHECK) {
                // Garbage does not count as growth.
                rechecked = Some(Instant::now());
                self.attached.collect_garbage(self.cancel).await?;
                if level(&self.read_memory().await?).saturating_sub(self.level) >= goal {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn read_memory(&mut self) -> Result<MemoryPoint, WorkbenchError> {
        let sample = self.attached.memory().await?;
        let point = MemoryPoint {
            seconds: self.began.elapsed().as_secs_f64(),
            rss_bytes: sample.rss,
            heap_used_bytes: Some(sample.heap_used),
            external_bytes: Some(sample.external),
        };
        self.record.memory.push(point);
        Ok(point)
    }

    async fn snapshot(
        &mut self,
        phase: &str,
        seconds: f64,
        load_before: Option<bool>,
        events: Listener<'_>,
    ) -> Result<(), WorkbenchError> {
        // The heap has grown since the plan: every snapshot is asked for again.
        self.attached.refresh_facts().await?;
        let cost = estimate(self.attached.facts());
        let room = headroom(self.attached, Some(&self.folder));
        if !self.options.force {
            policy(&cost, &room, &Tolerance::pause(self.options.max_pause)).into_result()?;
        }
        events(Event::SnapshotStarted { phase: phase.into(), expected_bytes: cost.file_bytes.likely });
        let file = format!("{}.heapsnapshot", phase.replace(' ', "-"));
        let path = self.folder.join(&file);
        let taken = capture_heap_snapshot(self.attached, &path, Some(&cost), self.cancel, |progress| {
            events(Event::Snapshot(progress));
        })
        .await?;
        events(Event::SnapshotDone {
            phase: phase.into(),
            bytes: taken.bytes,
            pause: taken.pause,
            extra_memory: taken.extra_memory,
        });
        self.record.captures.push(CaptureCost {
            phase: phase.into(),
            file: file.clone(),
            bytes: taken.bytes,
            pause_seconds: taken.pause.as_secs_f64(),
            expected_pause_seconds: Some(cost.pause_seconds.likely),
            extra_memory_bytes: taken.extra_memory,
            expected_extra_memory_bytes: Some(cost.extra_bytes.likely),
        });
        self.record.snapshots.push(RecordedSnapshot { file, phase: phase.into(), seconds, load_before });
        Ok(())
    }
}

/// What growth is measured in: heap and what it holds outside.
fn level(memory: &MemoryPoint) -> u64 {
    memory.heap_used_bytes.unwrap_or(0) + memory.external_bytes.unwrap_or(0)
}
