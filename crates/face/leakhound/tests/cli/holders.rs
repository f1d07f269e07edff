//! The views that show what holds memory from other sides than classes, on dumps of a real process.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use leakhound_heap::{Heap, NodeId};
use serde_json::Value;

use crate::support::{folder, leakhound, node, nodes, run};

/// A program with a package of its own, closures that capture, and allocations recorded from another thread.
const PROGRAM: &str = "
const { Worker } = require('worker_threads');
const { Keeper } = require('keeper');
const kept = [], handlers = [];
function fill() { for (let i = 0; i < 700; i++) kept.push(new Keeper(i)); }
function handler() { const big = new Array(1000).fill('x'); return function leaky() { return big; }; }
for (let i = 0; i < 30; i++) handlers.push(handler());
globalThis.shop = { kept, handlers };
const worker = new Worker(`
  const { Session } = require('inspector');
  const { parentPort } = require('worker_threads');
  const { openSync, writeSync } = require('fs');
  const session = new Session();
  session.connectToMainThread();
  const file = openSync('recorded.heaptimeline', 'w');
  session.on('HeapProfiler.addHeapSnapshotChunk', (message) => writeSync(file, message.params.chunk));
  const send = (method, params) => new Promise((done) => session.post(method, params, done));
  setInterval(() => {}, 1000);
  parentPort.once('message', async () => {
    await send('HeapProfiler.stopTrackingHeapObjects');
    process.exit();
  });
  send('HeapProfiler.startTrackingHeapObjects', { trackAllocations: true }).then(() => parentPort.postMessage('on'));
`, { eval: true });
worker.once('message', () => { fill(); setTimeout(() => worker.postMessage('done'), 300); });
";

const KEEPER: &str = "class Keeper { constructor(n) { this.n = { n }; } }\nexports.Keeper = Keeper;\n";

fn record(folder: &Path, node: &Path) {
    let package = folder.join("node_modules/keeper");
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("index.js"), KEEPER).unwrap();
    fs::write(folder.join("shop.js"), PROGRAM).unwrap();
    let output = Command::new(node).arg("shop.js").current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn look(folder: &Path, arguments: &[&str]) -> Value {
    let said = run(leakhound(folder, arguments).arg("--json"));
    assert_eq!(said.code, 0, "{said:#?}");
    let text = run(&mut leakhound(folder, arguments));
    assert_eq!(text.code, 0, "{text:#?}");
    assert!(text.stdout.lines().all(|line| line.chars().count() <= 120), "{}", text.stdout);
    said.json()
}

fn heap(folder: &Path) -> Heap {
    Heap::read(fs::read(folder.join("recorded.heaptimeline")).unwrap().into(), &()).unwrap()
}

fn sum(rows: &Value, field: &str) -> u64 {
    rows.as_array().unwrap().iter().map(|row| row[field].as_u64().unwrap()).sum()
}

const FILE: &str = "recorded.heaptimeline";

#[test]
fn groups_of_every_kind_are_the_same_objects_and_bytes() {
    let here = folder();
    record(here.path(), &node());
    for model in ["gc", "devtools"] {
        let classes = look(here.path(), &["summary", FILE, "--model", model]);
        for by in ["location", "package", "shape"] {
            let view = look(here.path(), &["summary", FILE, "--model", model, "--by", by]);
            assert_eq!(view["by"], by);
            for field in ["count", "shallow_size"] {
                assert_eq!(
                    sum(&view["classes"], field),
                    sum(&classes["classes"], field),
                    "{model} {by} {field}"
                );
            }
            let rows = view["classes"].as_array().unwrap();
            let named = |wanted: &str| {
                let found = rows.iter().find(|row| row["name"].as_str().unwrap().contains(wanted));
                found.unwrap_or_else(|| panic!("no {wanted} by {by}: {view:#}"))["count"].as_u64().unwrap()
            };
            match by {
                // The class itself stands there too.
                "location" => assert_eq!(named("keeper/index.js:1:27"), 701),
                "package" => assert!(named("keeper") >= 700 && named("(application)") >= 30),
                _ => assert!(named("Keeper {n}") >= 600, "a shape while it was young may be another"),
            }
        }
    }
}

#[test]
fn what_a_selection_retains_is_what_it_dominates() {
    let here = folder();
    record(here.path(), &node());
    let heap = heap(here.path());
    let shop =
        heap.nodes().find_map(|node: NodeId| heap.edges(node).find(|edge| heap.edge_name(edge) == "shop"));
    let id = heap.id(shop.expect("nothing is called shop").to).to_string();
    for model in ["gc", "devtools"] {
        let object = look(here.path(), &["object", FILE, &id, "--model", model]);
        let set = look(here.path(), &["retained-set", FILE, &id, "--model", model]);
        assert_eq!(set["selected"], 1);
        assert_eq!(set["size"], object["object"]["retained_size"], "{model}");
        assert_eq!(sum(&set["classes"], "shallow_size"), set["size"].as_u64().unwrap());
    }
    let keepers = look(here.path(), &["retained-set", FILE, "--class", "^Keeper$"]);
    assert_eq!(keepers["selected"], 700);
    let row = keepers["classes"].as_array().unwrap().iter().find(|row| row["name"] == "Keeper").unwrap();
    assert_eq!(row["count"], 700, "{row}");
    assert!(!keepers["boundary"].as_array().unwrap().is_empty(), "the prototype is held by others too");
    run(&mut leakhound(here.path(), &["retained-set", FILE, "--class", "^Nobody$"])).fails(2, &["no object"]);

    let tree = look(here.path(), &["containment", FILE, "--depth", "1", "--limit", "1000000"]);
    assert_eq!(tree["content_count"].as_u64().unwrap(), heap.degree(heap.root()) as u64);
    assert_eq!(tree["contents"].as_array().unwrap().len(), heap.degree(heap.root()));
    let below = look(here.path(), &["containment", FILE, &id, "--depth", "2"]);
    let edges: Vec<&str> =
        below["contents"].as_array().unwrap().iter().filter_map(|edge| edge["edge"].as_str()).collect();
    assert!(edges.contains(&"kept") && edges.contains(&"handlers"), "{below:#}");

    let roots = look(here.path(), &["roots", FILE]);
    assert!(!roots["user_roots"].as_array().unwrap().is_empty());
    let names: Vec<&str> =
        roots["roots"].as_array().unwrap().iter().filter_map(|root| root["name"].as_str()).collect();
    assert!(names.contains(&"(Global handles)"), "{names:?}");
}

#[test]
fn functions_and_what_they_captured_are_counted() {
    let here = folder();
    record(here.path(), &node());
    let closures = look(here.path(), &["closures", FILE]);
    let rows = closures["functions"].as_array().unwrap();
    let leaky = rows.iter().find(|row| row["name"] == "leaky").unwrap();
    assert_eq!((&leaky["count"], &leaky["contexts"]), (&30.into(), &30.into()), "{leaky:#}");
    assert_eq!(leaky["variables"], serde_json::json!(["big"]));
    assert!(leaky["location"].as_str().unwrap().contains("shop.js:6:"), "{leaky:#}");
    // Each captured array has a thousand elements.
    assert!(leaky["retained_size"].as_u64().unwrap() > 30 * 4000, "{leaky:#}");

    let contexts = look(here.path(), &["contexts", FILE]);
    assert_eq!(contexts["knows_uses"], false);
    let big = contexts["contexts"].as_array().unwrap().iter().filter(|context| {
        context["variables"].as_array().unwrap().iter().any(|variable| variable["variable"] == "big")
    });
    let big: Vec<&Value> = big.collect();
    assert_eq!(big.len(), 30);
    assert!(big.iter().all(|context| context["closures"] == 1));
}

#[test]
fn recordings_say_who_allocated_what_is_alive_and_when() {
    let mut found = 0;
    for node in nodes() {
        let here = folder();
        record(here.path(), &node);
        let heap = heap(here.path());
        let view = look(here.path(), &["traces", FILE, "--class", "^Keeper$", "--depth", "30"]);
        // Some releases of V8 lose the stacks of objects that move; what is left is said.
        let lost = view["untraced_count"].as_u64().unwrap();
        assert_eq!(sum(&view["functions"], "live_count") + lost, 700, "{view:#}");
        // Every level of a stack holds what the levels below it hold.
        assert_eq!(sum(&view["stacks"], "live_count") + lost, 700, "{view:#}");
        let functions = view["functions"].as_array().unwrap();
        let fill = functions.iter().find(|row| row["function"] == "fill");
        found = found.max(fill.map_or(0, |row| row["live_count"].as_u64().unwrap()));

        let timeline = look(here.path(), &["timeline", FILE]);
        let born = heap.nodes().filter(|&node| heap.id(node) % 2 == 1).count() as u64;
        let later = timeline["later_count"].as_u64().unwrap();
        assert_eq!(sum(&timeline["buckets"], "live_count") + later, born);
        assert!(timeline["buckets"].as_array().unwrap().len() > 2);
    }
    assert!(found > 500, "fill allocated 700, {found} are known");
    let here = folder();
    let script = "require('v8').writeHeapSnapshot('plain.heapsnapshot')";
    let status =
        Command::new(node()).args(["-e", script]).current_dir(here.path()).stdout(Stdio::null()).status();
    assert!(status.unwrap().success());
    for view in ["traces", "timeline"] {
        run(&mut leakhound(here.path(), &[view, "plain.heapsnapshot"])).fails(2, &["recorded"]).hints();
    }
}

#[test]
fn realms_own_what_was_made_in_them() {
    let script = "const vm = require('vm'); globalThis.other = vm.createContext({}); \
        vm.runInContext('globalThis.own = []; for (let i = 0; i < 5000; i++) own.push({ i: [i] })', other); \
        require('v8').writeHeapSnapshot('a.heapsnapshot')";
    let mut told = 0;
    for node in nodes() {
        let here = folder();
        let status =
            Command::new(node).args(["-e", script]).current_dir(here.path()).stdout(Stdio::null()).status();
        assert!(status.unwrap().success());
        for model in ["gc", "devtools"] {
            let view = look(here.path(), &["realms", "a.heapsnapshot", "--model", model]);
            let realms = view["realms"].as_array().unwrap();
            assert!(realms.len() >= 2);
            let bytes = |part: &Value| part["shallow_size"].as_u64().unwrap();
            let all: u64 = realms.iter().map(|realm| bytes(&realm["own"])).sum();
            let sum = all + bytes(&view["shared"]) + bytes(&view["nobodys"]);
            assert_eq!(sum, view["total_size"].as_u64().unwrap());
            // The main one and that of the program, which has made ten thousand objects. V8 writes whose a
            // map is since Node.js 22.
            let own = realms.iter().map(|realm| realm["own"]["count"].as_u64().unwrap());
            told += usize::from(own.filter(|&count| count >= 10_000).count() >= 2);
        }
    }
    assert!(told >= 2, "no release tells realms apart");
}
