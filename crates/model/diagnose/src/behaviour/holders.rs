//! Who is accused, and with which lines.

use super::{APP, fill, only, server, titles};
use crate::testing::Process;
use crate::{Confidence, FindingKind, Scope, Verdict, diagnose};

#[test]
fn a_map_that_only_gains_members_is_a_leak_held_by_its_variable() {
    let (mut process, _, cache, _) = server();
    for _ in 0..4 {
        fill(&mut process, cache, 50);
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Leak, "{:?}", titles(&diagnosis));
    assert_eq!(diagnosis.confidence, Confidence::High);
    let finding = only(&diagnosis);
    assert_eq!(finding.kind, FindingKind::Collection);
    assert_eq!(finding.title, "cache (Map) grows without bound");
    assert_eq!(finding.holder.variable.as_deref(), Some("cache"));
    assert_eq!(finding.holder.expression, "cache");
    assert_eq!(finding.holder.class, "Map");
    assert_eq!(finding.holder.scope, Scope::Module);
    assert_eq!((finding.holder.file.as_deref(), finding.holder.line), (Some(APP), Some(1)));
    assert_eq!(finding.holder.source.as_deref(), Some("const cache = new Map();"));
    let site = finding.grows_at.as_ref().unwrap();
    assert_eq!((site.file.as_str(), site.line), (APP, 5));
    assert_eq!(site.function.as_deref(), Some("handle"));
    assert_eq!(site.source.as_deref(), Some("cache.set(id, session);"));
    // What came before the first snapshot or is not yet proven to stay does not count.
    assert_eq!((finding.growth.member_class.as_str(), finding.growth.members), ("Session", 100));
    let members: Vec<u64> = finding.growth.series.iter().map(|point| point.members).collect();
    assert_eq!(members, [50, 100, 150, 200]);
    assert_eq!(finding.growth.seconds, Some(20.0));
    assert!(finding.path.iter().any(|step| step.is_holder && step.class == "Map"));
    assert!(finding.evidence.iter().any(|evidence| evidence.supports));
    assert!(!finding.advice.is_empty());
}

#[test]
fn without_sources_the_verdict_still_names_the_variable() {
    let (mut process, app, _, _) = server();
    // The dump itself holds no text of this module either.
    let bare = process.bare_module("/app/bare.js");
    process.function(bare, "keep", 4, 13);
    let kept = process.map();
    process.variable(bare, "kept", kept);
    let _ = app;
    for _ in 0..4 {
        fill(&mut process, kept, 50);
        process.snapshot(Some(true));
    }
    let diagnosis = diagnose(&process.case(&()));
    let finding = only(&diagnosis);
    assert_eq!(diagnosis.verdict, Verdict::Leak);
    assert_eq!(finding.holder.variable.as_deref(), Some("kept"));
    assert_eq!(finding.holder.line, None);
    assert!(finding.confidence <= Confidence::Medium);
}

#[test]
fn the_beginning_of_a_source_that_the_dump_holds_gives_lines_too() {
    let (mut process, _, cache, _) = server();
    for _ in 0..4 {
        fill(&mut process, cache, 50);
        process.snapshot(Some(true));
    }
    let diagnosis = diagnose(&process.case(&()));
    let finding = only(&diagnosis);
    assert_eq!(finding.holder.line, Some(1));
    assert_eq!(finding.grows_at.as_ref().map(|site| site.line), Some(5));
}

#[test]
fn two_holders_give_two_findings_and_the_larger_comes_first() {
    let mut process = Process::new();
    let app = process.module(
        APP,
        "const small = new Map();\nconst large = new Map();\nfunction f(x) {\n  small.set(x, new A());\n  \
         large.set(x, new B());\n}\n",
    );
    process.function(app, "f", 2, 10);
    let (small, large) = (process.map(), process.map());
    process.variable(app, "small", small);
    process.variable(app, "large", large);
    for _ in 0..4 {
        fill(&mut process, small, 30);
        fill(&mut process, large, 90);
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Leak);
    let named: Vec<_> = diagnosis
        .findings
        .iter()
        .map(|finding| {
            (
                finding.holder.expression.as_str(),
                finding.holder.line,
                finding.grows_at.as_ref().map(|at| at.line),
            )
        })
        .collect();
    assert_eq!(named, [("large", Some(2), Some(5)), ("small", Some(1), Some(4))]);
    assert!(diagnosis.headline.contains("large"));
}

#[test]
fn a_linked_list_is_named_by_the_variable_that_holds_its_head() {
    let source = "let head = null;\nfunction add(x) {\n  head = { next: head, x };\n}\n";
    let mut process = Process::new();
    let app = process.module(APP, source);
    process.function(app, "add", 1, 12);
    let mut head = process.record("Entry");
    for _ in 0..4 {
        for _ in 0..60 {
            let entry = process.record("Entry");
            process.set(entry, "next", head);
            head = entry;
        }
        process.variable(app, "head", head);
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Leak, "{:?}", titles(&diagnosis));
    let finding = only(&diagnosis);
    assert_eq!(finding.kind, FindingKind::LinkedStructure);
    assert_eq!(finding.holder.variable.as_deref(), Some("head"));
    assert_eq!(finding.holder.line, Some(1));
    assert_eq!(finding.grows_at.as_ref().map(|at| at.line), Some(3));
}

#[test]
fn a_linked_list_that_grows_at_its_tail_is_named_by_its_variable_too() {
    let source = "const list = new List();\nfunction add(x) {\n  list.append(x);\n}\n";
    let mut process = Process::new();
    let app = process.module(APP, source);
    process.function(app, "add", 1, 12);
    let list = process.object("List", 32);
    process.variable(app, "list", list);
    let mut tail = process.record("Entry");
    process.set(list, "head", tail);
    for _ in 0..4 {
        for _ in 0..60 {
            let entry = process.record("Entry");
            process.set(tail, "next", entry);
            tail = entry;
        }
        process.set(list, "tail", tail);
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Leak, "{:?}", titles(&diagnosis));
    let finding = only(&diagnosis);
    assert_eq!(finding.kind, FindingKind::LinkedStructure);
    assert_eq!(finding.holder.variable.as_deref(), Some("list"));
}

#[test]
fn many_small_arrays_below_one_map_are_one_finding() {
    let source = "const rooms = new Map();\nfunction say(room, text) {\n  rooms.get(room).push(text);\n}\n";
    let mut process = Process::new();
    let app = process.module(APP, source);
    process.function(app, "say", 1, 12);
    let rooms = process.map();
    process.variable(app, "rooms", rooms);
    let arrays: Vec<_> = (0..60)
        .map(|_| {
            let room = process.array();
            process.map_set(rooms, room);
            room
        })
        .collect();
    for _ in 0..4 {
        for &room in &arrays {
            for _ in 0..2 {
                let message = process.record("Message");
                process.push(room, message);
            }
        }
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Leak, "{:?}", titles(&diagnosis));
    let finding = only(&diagnosis);
    assert_eq!(finding.holder.variable.as_deref(), Some("rooms"));
    assert_eq!(finding.growth.member_class, "Message");
    assert_eq!(finding.growth.members, 240);
}

#[test]
fn listeners_that_pile_up_are_told_by_the_line_that_adds_them() {
    let source = "\
const bus = new EventEmitter();
function connect(socket) {
  const state = new State(socket);
  bus.on('tick', () => state.send());
}
";
    let mut process = Process::new();
    let app = process.module(APP, source);
    process.function(app, "connect", 1, 16);
    let bus = process.object("EventEmitter", 64);
    process.variable(app, "bus", bus);
    let events = process.object("Object", 56);
    process.set(bus, "_events", events);
    let listeners = process.array();
    process.set(events, "tick", listeners);
    for _ in 0..4 {
        for _ in 0..40 {
            let scope = process.context(app);
            let state = process.record("State");
            process.link(scope, "context", "state", state);
            let listener = process.closure(app, scope, "", 3, 17);
            process.push(listeners, listener);
        }
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Leak, "{:?}", titles(&diagnosis));
    let finding = only(&diagnosis);
    assert_eq!(finding.kind, FindingKind::Listener);
    assert_eq!(finding.holder.variable.as_deref(), Some("bus"));
    assert_eq!(finding.holder.line, Some(1));
    assert_eq!(finding.grows_at.as_ref().map(|at| at.line), Some(4));
}

#[test]
fn timers_that_only_node_holds_are_named_by_their_callback() {
    let source = "\
function start(job) {
  const state = new State(job);
  setInterval(() => state.poll(), 1000);
}
";
    let mut process = Process::new();
    let app = process.module(APP, source);
    process.function(app, "start", 0, 14);
    let internals = process.internals();
    let lists = process.object("Object", 56);
    process.variable(internals, "timerListMap", lists);
    let list = process.object("TimersList", 72);
    process.set(lists, "1000", list);
    let mut last = list;
    for _ in 0..4 {
        for _ in 0..40 {
            let timeout = process.object("Timeout", 120);
            let scope = process.context(app);
            let state = process.record("State");
            process.link(scope, "context", "state", state);
            let callback = process.closure(app, scope, "", 2, 14);
            process.set(timeout, "_onTimeout", callback);
            process.set(timeout, "_idlePrev", last);
            process.set(timeout, "_idleNext", list);
            process.set(last, "_idleNext", timeout);
            process.set(list, "_idlePrev", timeout);
            last = timeout;
        }
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Leak, "{:?}", titles(&diagnosis));
    let finding = only(&diagnosis);
    assert_eq!(finding.kind, FindingKind::Timer);
    assert_eq!(finding.growth.member_class, "Timeout");
    assert_eq!(finding.holder.file.as_deref(), Some(APP));
    assert_eq!(finding.holder.line, Some(3));
    assert_eq!(finding.grows_at.as_ref().map(|at| at.line), Some(3));
}

#[test]
fn bytes_outside_the_heap_make_an_off_heap_leak() {
    let source = "const frames = [];\nfunction onFrame(data) {\n  frames.push(data);\n}\n";
    let mut process = Process::new();
    let app = process.module(APP, source);
    process.function(app, "onFrame", 1, 16);
    let frames = process.array();
    process.variable(app, "frames", frames);
    for _ in 0..4 {
        for _ in 0..30 {
            let buffer = process.buffer(16 << 10);
            process.push(frames, buffer);
        }
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::OffHeapLeak, "{:?}", titles(&diagnosis));
    let finding = only(&diagnosis);
    assert_eq!(finding.kind, FindingKind::OffHeap);
    assert_eq!(finding.holder.variable.as_deref(), Some("frames"));
    assert_eq!(finding.growth.external_bytes, 60 * (16 << 10));
    assert_eq!(finding.grows_at.as_ref().map(|at| at.line), Some(3));
}

#[test]
fn a_property_of_the_global_object_is_a_holder() {
    let source = "function track(x) {\n  global.seen = global.seen || [];\n  global.seen.push(x);\n}\n";
    let mut process = Process::new();
    let app = process.module(APP, source);
    process.function(app, "track", 0, 14);
    let seen = process.array();
    let global = process.global;
    process.set(global, "seen", seen);
    for _ in 0..4 {
        for _ in 0..50 {
            let record = process.record("Visit");
            process.push(seen, record);
        }
        process.snapshot(Some(true));
    }
    let diagnosis = process.diagnose();
    assert_eq!(diagnosis.verdict, Verdict::Leak, "{:?}", titles(&diagnosis));
    let finding = only(&diagnosis);
    assert_eq!((finding.holder.variable.as_deref(), finding.holder.scope), (Some("seen"), Scope::Global));
    assert_eq!(finding.grows_at.as_ref().map(|at| at.line), Some(3));
}

#[test]
fn a_list_inside_an_object_is_written_as_the_source_writes_it() {
    let source = "\
class Registry {
  constructor() {
    this.items = [];
  }
  register(x) {
    this.items.push(x);
  }
}
const registry = new Registry();
";
    let mut process = Process::new();
    let app = process.module(APP, source);
    process.function(app, "use", 8, 20);
    let registry = process.object("Registry", 24);
    process.variable(app, "registry", registry);
    let items = process.array();
    process.set(registry, "items", items);
    for _ in 0..4 {
        for _ in 0..50 {
            let record = process.record("Item");
            process.push(items, record);
        }
        process.snapshot(Some(true));
    }
    let finding = &process.diagnose().findings[0];
    assert_eq!(finding.holder.expression, "registry.items");
    assert_eq!(
        (finding.holder.class.as_str(), finding.holder.collection.as_deref()),
        ("Registry", Some("Array"))
    );
    assert_eq!(finding.holder.line, Some(9));
    let site = finding.grows_at.as_ref().unwrap();
    assert_eq!((site.line, site.function.as_deref()), (6, Some("Registry.register")));
}

#[test]
fn the_fingerprint_stays_when_lines_ids_and_counts_change() {
    let id = |source: &str, line: u32, first: u32, count: usize| {
        let mut process = Process::with_first_id(first);
        let app = process.module(APP, source);
        process.function(app, "handle", line, 15);
        let cache = process.map();
        process.variable(app, "cache", cache);
        for _ in 0..4 {
            fill(&mut process, cache, count);
            process.snapshot(Some(true));
        }
        only(&process.diagnose()).id.clone()
    };
    let source = "const cache = new Map();\nfunction handle(id) {\n  cache.set(id, new Session());\n}\n";
    let moved = format!("// a comment\n\n\n{source}");
    let one = id(source, 1, 3, 50);
    assert_eq!(one, id(&moved, 4, 100_001, 80));
    assert!(one.starts_with("lh-"));
    let renamed = source.replace("cache", "sessions");
    let other = {
        let mut process = Process::new();
        let app = process.module(APP, &renamed);
        process.function(app, "handle", 1, 15);
        let cache = process.map();
        process.variable(app, "sessions", cache);
        for _ in 0..4 {
            fill(&mut process, cache, 50);
            process.snapshot(Some(true));
        }
        only(&process.diagnose()).id.clone()
    };
    assert_ne!(one, other);
}
