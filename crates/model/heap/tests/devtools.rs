//! The devtools model against Chrome DevTools' own worker, on snapshots of real Node.js processes, number
//! for number. `cargo xtask test` installs the worker and passes it on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use leakhound_heap::format::Sample;
use leakhound_heap::query::{Classes, Comparison, Filter, Realm, Realms, RowSource, Statistics, TraceTotals};
use leakhound_heap::v8::Landmarks;
use leakhound_heap::{Dominators, Heap, Lens, Levels, Model};
use serde::Deserialize;

#[derive(Deserialize)]
struct Worker {
    total: u64,
    statistics: WorkerStatistics,
    classes: Vec<WorkerRow>,
    columns: Columns,
    filters: BTreeMap<String, Vec<WorkerRow>>,
    #[serde(default)]
    difference: Vec<WorkerDifference>,
    /// Only of a recording.
    #[serde(default)]
    samples: Option<WorkerSamples>,
    #[serde(default)]
    allocators: Option<Vec<WorkerAllocator>>,
}

#[derive(Deserialize)]
struct WorkerSamples {
    ids: Vec<u32>,
    sizes: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WorkerAllocator {
    name: String,
    script_name: String,
    line: u64,
    column: u64,
    count: u64,
    size: u64,
    live_count: u64,
    live_size: u64,
}

#[derive(Deserialize)]
struct WorkerStatistics {
    total: u64,
    native: Native,
    v8heap: V8Heap,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Native {
    total: u64,
    typed_arrays: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V8Heap {
    total: u64,
    code: u64,
    js_arrays: u64,
    strings: u64,
    system: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WorkerRow {
    key: String,
    name: String,
    count: u64,
    distance: i32,
    #[serde(rename = "self")]
    shallow: u64,
    max_ret: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WorkerDifference {
    key: String,
    added: u64,
    removed: u64,
    added_size: u64,
    removed_size: u64,
}

/// One value a node, in file order.
#[derive(Deserialize)]
struct Columns {
    id: Vec<u32>,
    distance: Vec<i32>,
    #[serde(rename = "self")]
    shallow: Vec<u64>,
    retained: Vec<u64>,
    dominator: Vec<u32>,
    /// Ordinal of the native context; −1: nobody's, −2: of several.
    realm: Vec<i64>,
}

/// Differences found, the first ones spelled out.
#[derive(Default)]
struct Mismatches {
    count: usize,
    first: Vec<String>,
}

impl Mismatches {
    fn check<T: PartialEq + std::fmt::Debug>(&mut self, what: impl FnOnce() -> String, ours: T, theirs: T) {
        if ours != theirs {
            self.count += 1;
            if self.first.len() < 10 {
                self.first.push(format!("{}: {ours:?}, the worker says {theirs:?}", what()));
            }
        }
    }
}

fn read(path: &Path) -> Heap {
    Heap::read(std::fs::read(path).unwrap().into(), &()).unwrap()
}

fn ask(node: &Path, bundle: &Path, newer: &Path, older: &Path) -> Worker {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden/worker.mjs");
    let output = Command::new(node).arg(script).args([bundle, newer, older]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn compare(heap: &Heap, older: &Heap, worker: &Worker) -> Mismatches {
    let mut wrong = Mismatches::default();
    let lens = Lens::new(heap, Model::DevTools);
    let dominators = Dominators::of(heap, &lens);
    let retained = dominators.retained_by(heap, &lens);
    let levels = Levels::of(heap, &lens);
    let columns = &worker.columns;
    let realms = Realms::new(heap, &Landmarks::new(heap));
    assert_eq!(columns.id.len(), heap.node_count());
    for node in heap.nodes() {
        let at = node.index();
        let name =
            |what: &str| format!("{what} of @{} {:?} {:?}", heap.id(node), heap.kind(node), heap.name(node));
        wrong.check(|| name("id"), heap.id(node), columns.id[at]);
        wrong.check(|| name("distance"), levels.get(node), columns.distance[at]);
        wrong.check(|| name("shallow size"), lens.size(heap, node), columns.shallow[at]);
        wrong.check(|| name("retained size"), retained[at], columns.retained[at]);
        let realm = match realms.of(node) {
            Realm::Of(number) => realms.contexts()[number].index() as i64,
            Realm::Shared => -2,
            Realm::Nobodys => -1,
        };
        wrong.check(|| name("realm"), realm, columns.realm[at]);
        if node != heap.root() {
            let dominator = dominators.parent(node).map(|node| node.index() as u32);
            wrong.check(|| name("dominator"), dominator, Some(columns.dominator[at]));
        }
    }
    let statistics = Statistics::new(heap, &lens);
    let theirs = &worker.statistics;
    let ours = [statistics.total, statistics.native, statistics.typed_arrays, statistics.v8_heap];
    let v8 = [theirs.total, theirs.native.total, theirs.native.typed_arrays, theirs.v8heap.total];
    wrong.check(|| "statistics".into(), ours, v8);
    let ours =
        [statistics.code, statistics.js_arrays, statistics.strings, statistics.system, statistics.total];
    let heap_parts = &theirs.v8heap;
    let theirs = [heap_parts.code, heap_parts.js_arrays, heap_parts.strings, heap_parts.system, worker.total];
    wrong.check(|| "statistics of the V8 heap".into(), ours, theirs);

    let classes = Classes::new(heap, &lens);
    let order = Some((&dominators, &retained[..]));
    let source = RowSource { heap, lens: &lens, classes: &classes, levels: Some(&levels), order, only: None };
    same_rows(&mut wrong, "no filter", source, &worker.classes);
    for (name, filter) in [
        ("objectsRetainedByContexts", Filter::Contexts),
        ("objectsRetainedByDetachedDomNodes", Filter::Detached),
        ("objectsRetainedByConsole", Filter::Console),
        ("objectsRetainedByEventHandlers", Filter::EventHandlers),
        ("duplicatedStrings", Filter::DuplicatedStrings),
    ] {
        let only = filter.nodes(heap, &lens, &levels);
        same_rows(&mut wrong, name, RowSource { only: Some(&only), ..source }, &worker.filters[name]);
    }

    recording(&mut wrong, heap, &lens, worker);

    let comparison = Comparison::new((older, &Lens::new(older, Model::DevTools)), (heap, &lens));
    let ours: BTreeMap<String, _> = (comparison.rows.iter())
        .map(|row| (row.key.to_string(), [row.added, row.removed, row.added_size, row.removed_size]))
        .collect();
    let theirs: BTreeMap<String, _> = (worker.difference.iter())
        .map(|row| (row.key.clone(), [row.added, row.removed, row.added_size, row.removed_size]))
        .collect();
    for key in ours.keys().chain(theirs.keys().filter(|key| !ours.contains_key(*key))) {
        wrong.check(|| format!("difference of {key:?}"), ours.get(key), theirs.get(key));
    }
    wrong
}

/// Compares the buckets of the timeline, and what each function allocated.
fn recording(wrong: &mut Mismatches, heap: &Heap, lens: &Lens, worker: &Worker) {
    let ids: Vec<u32> = heap.samples().iter().map(|sample| sample.last_id).collect();
    let mut sizes = vec![0; ids.len()];
    for node in heap.nodes().filter(|&node| heap.id(node) % 2 == 1) {
        if let Some(at) = Sample::of(heap.samples(), heap.id(node)) {
            sizes[at] += lens.size(heap, node);
        }
    }
    let theirs = worker
        .samples
        .as_ref()
        .map_or_else(Default::default, |samples| (&samples.ids[..], &samples.sizes[..]));
    wrong.check(|| "buckets of the timeline".into(), (&ids[..], &sizes[..]), theirs);

    let strings = heap.strings();
    let mut ours = Vec::new();
    if let Some(traces) = heap.traces() {
        let totals = TraceTotals::new(heap, traces, |node| lens.size(heap, node));
        for (function, total) in
            traces.functions.iter().zip(&totals.functions).filter(|(_, total)| total.count > 0)
        {
            ours.push((
                (strings.get(function.name).into_owned(), strings.get(function.script_name).into_owned()),
                (u64::from(function.line), u64::from(function.column)),
                [total.count, total.size, total.live_count, total.live_size],
            ));
        }
    }
    let theirs = worker.allocators.iter().flatten().map(|row| {
        (
            (row.name.clone(), row.script_name.clone()),
            (row.line, row.column),
            [row.count, row.size, row.live_count, row.live_size],
        )
    });
    let mut theirs: Vec<_> = theirs.collect();
    ours.sort();
    theirs.sort();
    for at in 0..ours.len().max(theirs.len()) {
        wrong.check(|| format!("allocating function {at}"), ours.get(at), theirs.get(at));
    }
}

/// Compares two class tables, row by row.
fn same_rows(wrong: &mut Mismatches, filter: &str, source: RowSource<'_>, theirs: &[WorkerRow]) {
    let ours: BTreeMap<String, _> = (source.rows().iter())
        .map(|row| {
            let key = row.key(source.classes);
            let numbers = (row.count, row.distance.unwrap(), row.shallow, row.retained.unwrap());
            (key.to_string(), (key.name.clone(), numbers))
        })
        .collect();
    let theirs: BTreeMap<String, _> = (theirs.iter())
        .map(|row| (row.key.clone(), (row.name.clone(), (row.count, row.distance, row.shallow, row.max_ret))))
        .collect();
    for key in ours.keys().chain(theirs.keys().filter(|key| !ours.contains_key(*key))) {
        wrong.check(|| format!("class {key:?} ({filter})"), ours.get(key), theirs.get(key));
    }
}

#[test]
fn every_number_equals_that_of_chromes_own_worker() {
    let Some(bundle) = std::env::var_os("LEAKHOUND_TEST_DEVTOOLS").map(PathBuf::from) else {
        let quick = std::env::var_os("LEAKHOUND_TEST_QUICK").is_some();
        assert!(quick || std::env::var_os("CI").is_none(), "LEAKHOUND_TEST_DEVTOOLS is not set");
        eprintln!("skipped (1): comparison with DevTools: LEAKHOUND_TEST_DEVTOOLS is not set");
        return;
    };
    let nodes = std::env::var_os("LEAKHOUND_TEST_NODES").expect("LEAKHOUND_TEST_NODES is not set");
    let nodes: Vec<PathBuf> = std::env::split_paths(&nodes).collect();
    // The worker needs a newer Node.js than some of those that write snapshots.
    let newest = nodes.last().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden");
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a.heapsnapshot"), folder.path().join("b.heapsnapshot"));
    let mut failed = String::new();
    for node in &nodes {
        for variant in ["default", "internals", "numbers", "everything", "realms", "recorded"] {
            let mut program = Command::new(node);
            match variant {
                "recorded" => program.arg(golden.join("recorded.js")),
                _ => program.arg(golden.join("heap.js")).arg(variant),
            };
            let status = program.args([&first, &second]).output().unwrap();
            assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
            let worker = ask(newest, &bundle, &second, &first);
            assert!(worker.classes.len() > 100 && worker.difference.len() > 5, "the worker says too little");
            if variant == "recorded" {
                let allocators = worker.allocators.as_ref().expect("no allocations were recorded");
                let known = allocators.iter().any(|row| row.name == "sell" || row.name == "Ticket");
                assert!(known && worker.samples.as_ref().is_some_and(|samples| samples.ids.len() > 2));
            }
            let wrong = compare(&read(&second), &read(&first), &worker);
            if wrong.count > 0 {
                let lines = wrong.first.join("\n  ");
                failed += &format!("{} {variant}: {} mismatches\n  {lines}\n", node.display(), wrong.count);
            }
        }
    }
    assert!(failed.is_empty(), "{failed}");
}
