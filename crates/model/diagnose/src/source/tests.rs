use std::fmt::Write as _;

use proptest::prelude::*;

use super::position::Lines;
use super::*;

const MAP_CACHE: &str = r#"'use strict';
class CachedResponse {
  constructor(id) {
    this.id = id;
    this.body = Buffer.from(`response body of request ${id} `.repeat(6)).toString();
  }
}
class RecentEntry {
  constructor(id) { this.id = id; }
}
const responseCache = new Map(); // @mark holder
const recent = []; // bounded: not a leak
let served = 0;
function handle() {
  const id = `req-${(served++).toString(36).padStart(8, '0')}`;
  responseCache.set(id, new CachedResponse(id)); // @mark insert
  recent.push(new RecentEntry(id));
  if (recent.length > 200) recent.shift();
}
const serve = (n) => { for (let i = 0; i < n; i++) handle(); };
module.exports = { handle };
"#;

const EVENT_LISTENERS: &str = r#"'use strict';
const { EventEmitter } = require('node:events');
class RequestContext {
  constructor(n) {
    this.user = { id: n, name: `user ${n}` };
    this.rows = Array.from({ length: 64 }, (_, i) => ({ n, i }));
  }
}
const configBus = new EventEmitter(); // @mark holder
configBus.setMaxListeners(0);
const jobs = new EventEmitter();
let served = 0;
function handle() {
  const context = new RequestContext(served++);
  configBus.on('reload', function onReload() { context.rows.length = 0; }); // @mark insert
  jobs.once('done', function onDone() { return context.user.id; }); // removed below: not a leak
  jobs.emit('done');
}
"#;

const TIMERS: &str = r#"'use strict';
class Session {
  constructor(n) { this.token = `session-${n}`; this.beats = 0; }
}
const HOUR = 3_600_000;
let opened = 0;
function open() {
  const session = new Session(opened++);
  setInterval(function heartbeat() { session.beats++; }, HOUR); // @mark insert
}
function openAndClose() {
  const session = new ClosedSession(opened++);
  clearInterval(setInterval(function tick() { session.beats++; }, HOUR));
}
"#;

const BUFFERS: &str = r#"class Upload {
  constructor(n) {
    this.name = `file-${n}.bin`;
    this.chunk = Buffer.alloc(65536, n & 255); // @mark alloc
  }
}
const finishedUploads = []; // @mark holder
let started = 0;
function upload() {
  finishedUploads.push(new Upload(started++)); // @mark insert
  Buffer.alloc(65536).fill(1); // dropped: not a leak
}
"#;

const HTTP_REQUESTS: &str = r#"const http = require('node:http');
class Visit {
  constructor(req, res) { this.req = req; this.res = res; }
}
const visits = new Set(); // @mark holder
let answered = 0;
const server = http.createServer((req, res) => {
  const visit = new Visit(req, res);
  visits.add(visit); // @mark insert
  res.on('finish', () => { visits.delete(visit); answered++; });
  if (req.url === '/quick') res.end('ok');
  else res.write('never finished');
});
module.exports = { server, visits };
"#;

const TREE: &str = r#"class TreeNode {
  constructor(parent, n) {
    this.parent = parent;
    this.previous = parent ? parent.children.at(-1) : undefined;
    this.children = [];
    this.seeAlso = undefined;
  }
}
const documentRoot = new TreeNode(null, 0); // @mark holder
const open = [documentRoot]; // bounded list of places to append at
const scratch = [];
let made = 1;
function grow() {
  const parent = made % 64 === 0 ? documentRoot : open[made % open.length];
  const node = new TreeNode(parent, made++);
  parent.children.push(node); // @mark insert
  node.seeAlso = open[(made * 7) % open.length];
  if (open.length < 256) open.push(node);
  else if (made % 5 === 0) open[made % 256] = node;
  scratch.push(new Scratch(made));
  if (scratch.length > 100) scratch.length = 0;
}
const serve = (n) => { for (let i = 0; i < n; i++) grow(); };
"#;

fn js(text: &str) -> SourceText {
    SourceText::parse("/app/server.js", text.into())
}

/// Where a piece of text first stands.
fn find(text: &str, piece: &str) -> Position {
    Lines::new(text).position(text, text.find(piece).expect(piece) as u32)
}

fn marked(text: &str, mark: &str) -> u32 {
    let mark = format!("@mark {mark}");
    text.lines().position(|line| line.contains(&mark)).expect("mark") as u32
}

fn best(source: &SourceText, name: &str) -> Addition {
    let binding = &source.bindings_named(name)[0];
    source.additions_to(binding).into_iter().next().expect("an addition")
}

fn texts(additions: &[Addition]) -> Vec<&str> {
    additions.iter().map(|a| a.text.as_str()).collect()
}

#[test]
fn each_leak_program_names_its_holder_and_its_insert() {
    for (text, variable) in [
        (MAP_CACHE, "responseCache"),
        (EVENT_LISTENERS, "configBus"),
        (BUFFERS, "finishedUploads"),
        (HTTP_REQUESTS, "visits"),
        (TREE, "documentRoot"),
    ] {
        let source = js(text);
        assert_eq!(source.problems(), &[] as &[String]);
        let mut asked = 0;
        for function in source.functions().iter().skip(1) {
            let found = source.resolve(variable, function.start).expect(variable);
            assert_eq!(found.declaration.line, marked(text, "holder"), "{variable}: {function:?}");
            assert_eq!(found.scope_function, FunctionId::TOP);
            let additions = source.additions_to(&found);
            assert_eq!(additions[0].position.line, marked(text, "insert"), "{additions:#?}");
            asked += 1;
        }
        assert!(asked > 1);
    }
}

#[test]
fn a_session_kept_by_its_timer_is_captured_by_the_interval() {
    let source = js(TIMERS);
    let heartbeat = source.function_at(find(TIMERS, "() { session.beats++; }, HOUR); //")).unwrap();
    assert_eq!(heartbeat.name.as_deref(), Some("heartbeat"));
    let session = source.resolve("session", heartbeat.start).unwrap();
    assert_eq!(session.initializer, Some(Initializer::New("Session".into())));
    assert_eq!(source.function(session.scope_function).name.as_deref(), Some("open"));
    let first = &source.additions_to(&session)[0];
    assert_eq!(first.how, AdditionKind::Captured);
    assert_eq!(first.position.line, marked(TIMERS, "insert"));
    assert_eq!(source.calls_in(session.scope_function, "setInterval"), [find(TIMERS, "setInterval")]);
    let other = source.resolve("session", find(TIMERS, "() { session.beats++; }, HOUR));")).unwrap();
    assert_eq!(other.initializer, Some(Initializer::New("ClosedSession".into())));
}

#[test]
fn deletions_are_told_apart_from_additions() {
    let source = js(HTTP_REQUESTS);
    let visits = &source.bindings_named("visits")[0];
    let gone = source.deletions_from(visits);
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].member, "visits.delete");
    assert_eq!(source.function(gone[0].function).kind, FunctionKind::Arrow);

    let source = js(TREE);
    let scratch = &source.bindings_named("scratch")[0];
    assert_eq!(source.deletions_from(scratch)[0].how, DeletionKind::Length);
    assert!(source.deletions_from(&source.bindings_named("documentRoot")[0]).is_empty());

    let source = js("let q = [1]; const t = setInterval(f); function f(k) { q.splice(0, 1); q = []; \
                     delete q[k]; q[k] = undefined; q = q.filter(Boolean); clearInterval(t); }");
    let kinds: Vec<_> = source.deletions_from(&source.bindings_named("q")[0]).iter().map(|d| d.how).collect();
    use DeletionKind::{Cancel, Delete, Method, Reset, Unset};
    assert_eq!(kinds, [Method, Reset, Delete, Unset, Reset]);
    assert_eq!(source.deletions_from(&source.bindings_named("t")[0])[0].how, Cancel);
    assert!(source.additions_to(&source.bindings_named("q")[0]).is_empty());
}

/// Positions as Node 18, 20, 22, 24 and 26 all wrote them into heap snapshots.
#[test]
fn functions_start_where_v8_says() {
    let text = r#"#!/usr/bin/env node
'use strict';
const keep = globalThis.keep = {};
function decl(a) { return a; }
async function asyncDecl(a) { await a; return [1]; }
function* genDecl(a) { yield a; }
const exprAnon = function (a) { return a; };
const exprNamed = function named(a) { return a; };
const arrowParens = (a) => a;
const arrowBare = a => a;
const asyncArrow = async (a) => a;
const asyncArrowBare = async a => a;
const asyncExpr = async function (a) { return a; };
async function* asyncGen(a) { yield a; }
const obj = {
  method(a) { return a; },
  async asyncMethod(a) { return a; },
  *genMethod(a) { yield a; },
  get getter() { return 1; },
  ['comp' + 'uted'](a) { return a; },
  'quoted'(a) { return a; },
  prop: function (a) { return a; },
  arrowProp: (a) => a,
};
class WithCtor { constructor(a) { this.a = a; } meth(a) { return a; } static stat(a) { return a; } get g() { return 1; } #priv(a) { return a; } getPriv() { return this.#priv; } async am(a) { return a; } }
class NoCtor { meth(a) { return a; } }
class Fields { x = new Map(); static s = [1]; handler = (a) => a; #p = 1; }
class FieldsCtor { x = new Map(); constructor(a) { this.a = a; } }
class Derived extends NoCtor { m2(a) { return a; } }
class DerivedCtor extends NoCtor { constructor(a) { super(); this.a = a; } }
const ClassExpr = class { constructor(b) { this.b = b; } };
const ClassExprNo = class { m() {} };
const ClassNamedNo = class Inner { m() {} };
class StaticBlock { static { this.z = () => 1; } }
function OldStyle(a) { this.a = a; }
const comm = function /* c */ spaced /* d */ (a) { return a; };
const dflt = (a = () => 1) => a;
function * gg (a) { yield a; }
const astral = { '😀': 1 }, afterAstral = (a) => a; function afterAstral2(a) { return a; }
const ctx = (() => { const held = new Map(); return (k) => held.get(k); })();
"#;
    let source = js(text);
    assert_eq!(source.problems(), &[] as &[String]);
    for (line, column, name) in [
        (3, 13, "decl"),
        (4, 24, "asyncDecl"),
        (5, 17, "genDecl"),
        (6, 26, "exprAnon"),
        (7, 32, "named"),
        (8, 20, "arrowParens"),
        (9, 18, "arrowBare"),
        (10, 19, "asyncArrow"),
        (11, 23, "asyncArrowBare"),
        (12, 33, "asyncExpr"),
        (13, 24, "asyncGen"),
        (15, 8, "method"),
        (16, 19, "asyncMethod"),
        (17, 12, "genMethod"),
        (18, 12, "get getter"),
        (19, 19, ""),
        (20, 10, "quoted"),
        (21, 17, "prop"),
        (22, 13, "arrowProp"),
        (24, 28, "WithCtor"),
        (24, 52, "meth"),
        (24, 81, "stat"),
        (24, 104, "get g"),
        (24, 126, "#priv"),
        (24, 185, "am"),
        (25, 0, "NoCtor"),
        (26, 0, "Fields"),
        (26, 56, "handler"),
        (27, 45, "FieldsCtor"),
        (28, 0, "Derived"),
        (29, 46, "DerivedCtor"),
        (30, 37, "ClassExpr"),
        (31, 20, "ClassExprNo"),
        (32, 21, "Inner"),
        (33, 0, "StaticBlock"),
        (34, 17, "OldStyle"),
        (35, 45, "spaced"),
        (36, 13, "dflt"),
        (36, 18, "a"),
        (37, 14, "gg"),
        (38, 42, "afterAstral"),
        (38, 73, "afterAstral2"),
        (39, 52, ""),
    ] {
        let at = Position::new(line, column);
        let function = source.function_at(at).unwrap_or_else(|| panic!("{name} at {at:?}"));
        assert_eq!(function.start, at, "{name}");
        assert_eq!(function.name.as_deref().unwrap_or(""), name, "{at:?}");
    }
    let closure = Position::new(39, 52);
    let held = source.resolve("held", closure).unwrap();
    assert_eq!(held.initializer, Some(Initializer::New("Map".into())));
    assert_eq!(held.scope_function, source.function_at(closure).unwrap().parent.unwrap());
}

/// Sampled call frames: 0:0 and 0:37 on Node 18 and 20, 0:8 on 22, 0:10 and 0:37 on 24 and 26.
#[test]
fn field_initialisers_are_found_wherever_a_version_puts_them() {
    let text = "class F { x = Array(2000).fill(1.5); static s = Array(2000).fill(1.5); \
                constructor(){ this.y = 1;} }\nclass S { static { globalThis.sb = [1]; } }\n";
    let source = js(text);
    for at in [(0, 8), (0, 10), (0, 37), (1, 8), (1, 10)] {
        let function = source.function_at(Position::new(at.0, at.1)).unwrap();
        assert_eq!(function.kind, FunctionKind::FieldInitializers, "{at:?}");
    }
    let class = source.function_at(Position::new(0, 0)).unwrap();
    assert_eq!(class.kind, FunctionKind::Constructor);
    assert_eq!(class.start, Position::new(0, 82));
    assert!(source.function_named_at("", Position::new(0, 0)).unwrap().id.is_top());
    assert_eq!(source.function_named_at("F", Position::new(0, 82)).unwrap().id, class.id);
}

#[test]
fn a_position_near_a_function_finds_it_and_one_far_off_does_not() {
    let source = js(MAP_CACHE);
    let at = find(MAP_CACHE, "handle()");
    assert_eq!(source.function_at(at).unwrap().name.as_deref(), Some("handle"));
    assert!(source.function_at(find(MAP_CACHE, "let served")).is_none());
    assert!(source.function_at(Position::new(9999, 0)).is_none());
    let inside = source.enclosing_function(find(MAP_CACHE, "recent.shift")).unwrap();
    assert_eq!(inside.name.as_deref(), Some("handle"));
    assert!(source.enclosing_function(find(MAP_CACHE, "const serve")).unwrap().id.is_top());
}

#[test]
fn additions_of_every_shape_are_found_and_ranked() {
    let text = r#"
const m = new Map(); let list = []; const o = {}; const bus = new EventEmitter();
let head = null, chain = Promise.resolve(), log = '', held = new Store();
function each(k, v, x) {
  m.set(k, v);
  m.get(k).push(v);
  const inner = m.get(k) ?? [];
  inner.push(x);
  list = [...list, v];
  list = list.concat(v);
  list.splice(0, 0, v);
  list.push.apply(list, v);
  Array.prototype.push.apply(list, v);
  o[k] = v;
  o.name = v;
  o.a.b.push(v);
  (o[k] ||= []).push(v);
  const { items } = o;
  items.add(v);
  bus.prependListener('x', v);
  head = { value: v, next: head };
  chain = chain.then(() => v);
  log += `line ${v}`;
  new Keeper(held);
  keep(held);
  held.accept(v);
  for (const value of m) value.push(1);
  o?.deep?.set(k, v);
}
"#;
    let source = js(text);
    let of = |name: &str| source.additions_to(&source.bindings_named(name)[0]);
    assert_eq!(texts(&of("m")), ["m.set(k, v);", "m.get(k).push(v);", "inner.push(x);"]);
    assert_eq!(of("m")[1].member, "m.get().push");
    assert_eq!(of("m")[2].via, Via::Alias);
    let list = of("list");
    assert_eq!(list.len(), 5, "{list:#?}");
    assert_eq!(list.iter().filter(|a| a.how == AdditionKind::Rebuild).count(), 2);
    let o = of("o");
    assert_eq!(o[0].text, "o[k] = v;");
    let all = texts(&o);
    for line in
        ["o.name = v;", "o.a.b.push(v);", "(o[k] ||= []).push(v);", "items.add(v);", "o?.deep?.set(k, v);"]
    {
        assert!(all.contains(&line), "{line} in {o:#?}");
    }
    assert_eq!(of("bus")[0].how, AdditionKind::Listen);
    assert_eq!(of("head")[0].how, AdditionKind::Rebuild);
    assert_eq!(of("chain")[0].how, AdditionKind::Rebuild);
    assert_eq!(of("log")[0].how, AdditionKind::Append);
    let held: Vec<_> = of("held").iter().map(|a| a.how).collect();
    assert!(held.contains(&AdditionKind::PassedToNew), "{held:?}");
    assert!(held.contains(&AdditionKind::Passed) && held.contains(&AdditionKind::Method));
}

#[test]
fn what_a_function_adds_to_its_parameter_counts_for_what_it_is_passed() {
    let text =
        "const seen = [];\nfunction note(list, v) { list.push(v); }\nconst each = (v) => note(seen, v);";
    let first = best(&js(text), "seen");
    assert_eq!((first.via, first.position.line), (Via::Parameter, 1));
}

#[test]
fn shadowed_names_resolve_outward_from_the_closure() {
    let text = "const items = [];\nfunction outer() {\n  const items = new Set();\n  \
                return (items2) => { const items = 1; return items2; };\n}\nfunction other() { items.push(1); }";
    let source = js(text);
    let arrow = find(text, "(items2)");
    let all = source.resolve_all("items", arrow);
    assert_eq!(all.iter().map(|b| b.declaration.line).collect::<Vec<_>>(), [2, 0, 3]);
    assert_eq!(source.resolve("items", find(text, "() { items")).unwrap().declaration.line, 0);
    assert_eq!(source.bindings_named("items").len(), 3);
    assert!(source.resolve("absent", arrow).is_none());
}

#[test]
fn parameters_imports_and_locals_are_bindings() {
    let text = "import { a as b } from 'x';\nasync function f(p, { q }, ...rest) {\n  let l = await load();\n  \
                try { var w = 1; } catch (err) {}\n  class K {}\n  await (() => { const inner = 1; })();\n}";
    let source = SourceText::parse("x.mjs", text.into());
    let f = source.function_at(find(text, "(p")).unwrap();
    assert!(f.is_async);
    let locals = source.locals_of(f.id);
    let names: Vec<_> = locals.iter().map(|b| (b.name.as_str(), b.kind)).collect();
    assert_eq!(
        names,
        [
            ("p", BindingKind::Param),
            ("q", BindingKind::Param),
            ("rest", BindingKind::Param),
            ("l", BindingKind::Let),
            ("w", BindingKind::Var),
            ("err", BindingKind::Catch),
            ("K", BindingKind::Class)
        ]
    );
    assert_eq!(locals[3].initializer, Some(Initializer::Call("load".into())));
    assert_eq!(source.bindings_named("b")[0].kind, BindingKind::Import);
    assert_eq!(source.bindings_named("f")[0].kind, BindingKind::Function);
}

#[test]
fn properties_are_declared_and_added_to() {
    let text = r#"class Registry {
  #waiting = new Set();
  static all = [];
  names = {};
  constructor() { this.items = new Map(); this.spare = null; }
  add(k, v) {
    this.items.set(k, v);
    this.#waiting.add(v);
    Registry.all.push(this);
    this.names[k] = v;
    const items = this.items;
    items.get(k).push(v);
    this.spare = [...this.spare, v];
  }
  drop(k) { this.items.delete(k); this.spare = []; }
}
class Other { constructor() { this.items = []; } add(v) { this.items.push(v); } }
function Old() { this.items = {}; }
const literal = { items: [] , deep: { queue: [] } };
literal.deep.queue.push(1);
function g(r, v) { r.items.push(v); }
"#;
    let source = js(text);
    let place = |name: &str, class| source.property_declaration(name, class).unwrap();
    assert_eq!(place("items", Some("Registry")).initializer, Some(Initializer::New("Map".into())));
    assert_eq!(place("items", Some("Other")).initializer, Some(Initializer::Array));
    assert_eq!(place("items", Some("Old")).initializer, Some(Initializer::Object));
    assert_eq!(place("#waiting", None).kind, PropertyKind::Field);
    assert_eq!(place("all", None).kind, PropertyKind::StaticField);
    assert_eq!(place("queue", None).kind, PropertyKind::Literal);
    assert!(source.property_declaration("absent", None).is_none());

    let added = source.additions_to_property("items", Some("Registry"));
    assert_eq!(added[0].text, "this.items.set(k, v);");
    assert!(texts(&added).contains(&"items.get(k).push(v);"), "{added:#?}");
    let other = source.additions_to_property("items", Some("Other"));
    assert!(other[0].text.contains("this.items.push(v)"), "{other:#?}");
    assert_eq!(source.additions_to_property("#waiting", None)[0].member, "this.#waiting.add");
    assert_eq!(source.additions_to_property("all", None)[0].member, "Registry.all.push");
    assert_eq!(source.additions_to_property("names", None)[0].how, AdditionKind::SetElement);
    assert_eq!(source.additions_to_property("queue", None)[0].member, "literal.deep.queue.push");
    assert_eq!(source.additions_to_property("spare", None)[0].how, AdditionKind::Rebuild);
    let gone = source.deletions_from_property("items");
    assert_eq!(gone.iter().map(|d| d.member.as_str()).collect::<Vec<_>>(), ["this.items.delete"]);
    assert_eq!(source.deletions_from_property("spare")[0].how, DeletionKind::Reset);
}

#[test]
fn calls_and_allocations_belong_to_their_function() {
    let text =
        "function f(a) {\n  g(() => g(1));\n  x.g(2);\n  new g();\n  return [{}, `t${a}`, 'a' + a, /r/];\n}";
    let source = js(text);
    let f = source.function_at(Position::new(0, 10)).unwrap().id;
    let lines: Vec<_> = source.calls_in(f, "g").iter().map(|p| (p.line, p.column)).collect();
    assert_eq!(lines, [(1, 2), (2, 4), (3, 2), (1, 10)]);
    let places: Vec<_> = source.allocations_in(f).iter().map(|p| (p.line, p.column)).collect();
    assert_eq!(places, [(1, 4), (3, 2), (4, 9), (4, 10), (4, 14), (4, 23), (4, 32)]);
}

#[test]
fn typescript_is_understood() {
    let text = r#"import type { Thing } from './thing';
export enum Level { Low, High }
abstract class Base<T> { abstract run(x: T): void; }
export class Store<T extends object> extends Base<T> {
  private readonly cache: Map<string, T> = new Map<string, T>();
  constructor(private listeners: Array<(t: T) => void> = []) { super(); }
  run(x: T): void { (this.cache as any).set(x!.toString(), x); }
  on(fn: (t: T) => void): this { this.listeners.push(fn); return this; }
}
const pending = new Set<Promise<void>>();
export async function track<P extends Promise<void>>(p: P): Promise<void> {
  pending.add(p as Promise<void>);
}
declare function ghost(a: number): void;
"#;
    for name in ["store.ts", "store.mts", "store.cts", "file:///app/store.ts?v=1"] {
        let source = SourceText::parse(name, text.into());
        assert!(source.is_parsed() && source.problems().is_empty(), "{name}: {:?}", source.problems());
        assert_eq!(best(&source, "pending").position.line, 11);
        let track = source.function_at(find(text, "(p: P)")).unwrap();
        assert_eq!(track.name.as_deref(), Some("track"));
        let cache = source.property_declaration("cache", Some("Store")).unwrap();
        assert_eq!(cache.initializer, Some(Initializer::New("Map".into())));
        assert_eq!(source.additions_to_property("cache", Some("Store"))[0].position.line, 6);
        assert_eq!(
            source.property_declaration("listeners", Some("Store")).unwrap().kind,
            PropertyKind::Field
        );
        assert_eq!(source.additions_to_property("listeners", Some("Store"))[0].member, "this.listeners.push");
    }
}

#[test]
fn jsx_and_commonjs_and_top_level_return_are_understood() {
    for (name, text) in [
        ("a.jsx", "const seen = [];\nexport const A = () => <b onClick={() => seen.push(1)}>x</b>;"),
        ("a.js", "#!/usr/bin/env node\nconst seen = [];\nif (x) return;\nfunction f() { seen.push(1); }"),
        ("a.cjs", "with (o) {}\nvar seen = [];\nfunction f() { seen.push(010); }"),
        ("a.js", "import x from 'y';\nconst seen = await x();\nexport const f = () => seen.push(1);"),
        ("", "const seen = [];\nfunction f() { seen.push(1); }"),
    ] {
        let source = SourceText::parse(name, text.into());
        assert!(source.is_parsed(), "{name}: {:?}", source.problems());
        assert_eq!(source.problems(), &[] as &[String], "{text}");
        assert_eq!(best(&source, "seen").member, "seen.push");
    }
}

#[test]
fn minified_code_is_told_apart_by_column() {
    let text = "(()=>{const a=new Map,b=[];function c(d,e){a.set(d,e)}const f=d=>{b.push(d);b.length>9&&b.shift()};module.exports={c,f}})();";
    let source = js(text);
    let c = find(text, "(d,e){");
    assert_eq!(source.function_at(c).unwrap().name.as_deref(), Some("c"));
    let a = source.resolve("a", c).unwrap();
    assert_eq!(a.declaration, find(text, "a=new Map"));
    let first = &source.additions_to(&a)[0];
    assert_eq!(first.position, find(text, "a.set"));
    assert_eq!(first.call_position, find(text, "set(d,e)"));
    let b = source.resolve("b", find(text, "d=>{")).unwrap();
    assert_eq!(source.deletions_from(&b)[0].call_position, find(text, "shift()"));
}

#[test]
fn a_quoted_line_of_minified_code_begins_where_it_matters() {
    let text = format!(
        "{}const cache=new Map;function f(k){{cache.set(k,1)}}{}",
        "a();".repeat(500),
        "b();".repeat(500)
    );
    let first = best(&js(&text), "cache");
    assert!(first.text.starts_with("cache.set(k,1)"), "{}", first.text);
    assert!(first.text.chars().count() <= 160);
}

#[test]
fn broken_syntax_falls_back_to_words() {
    let text = "const cache = new Map();\nfunction f(k) {\n  cache.set(k, {);\n  // cache.set(comment)\n  cache.delete(k);\n";
    let source = js(text);
    assert!(!source.problems().is_empty());
    let cache = source.resolve("cache", Position::new(1, 10)).unwrap();
    assert_eq!(cache.declaration, Position::new(0, 6));
    assert_eq!(cache.initializer, Some(Initializer::New("Map".into())));
    let added = source.additions_to(&cache);
    assert_eq!(texts(&added), ["cache.set(k, {);"]);
    assert_eq!(added[0].position, Position::new(2, 2));
    assert_eq!(source.deletions_from(&cache)[0].position.line, 4);
    assert!(source.functions()[0].id.is_top());
}

#[test]
fn sources_too_big_or_too_deep_are_searched_as_text() {
    let big = format!("const cache = new Map();\n{}\ncache.set(1, 2);", " ".repeat(MAX_PARSED));
    let deep = format!("const cache = new Map();\n{}\ncache.set(1, 2);", "[".repeat(2_000_000));
    let wide = format!("const cache = new Map();\nx = 1{};\ncache.set(1, 2);", "+1".repeat(1_000_000));
    let many = |link: &str, n: usize| {
        format!("const cache = new Map();\nx = a{};\ncache.set(1, 2);", link.repeat(n))
    };
    let calls = many(".b()", 500_000);
    let again = many("(c)", 500_000);
    let elements = many("[c]", 500_000);
    let words = many("+typeof typeof a", 500_000);
    let elses = many(";if(a)b();else ", 1).replace("else ", &"else if(a)b();".repeat(300_000));
    let loops = many(&format!(";{}", "for(;;)".repeat(300_000)), 1);
    for text in [big, deep, wide, calls, again, elements, words, elses, loops] {
        let source = js(&text);
        assert!(!source.is_parsed());
        assert_eq!(best(&source, "cache").position, Position::new(2, 0));
    }
}

#[test]
fn an_embedded_binary_does_not_keep_a_source_from_being_parsed() {
    let binary = "Ab+/".repeat(400_000);
    let text =
        format!("const cache = '{binary}';\n//# sourceMappingURL=data:application/json;base64,{binary}");
    assert!(js(&text).is_parsed());
}

#[test]
fn nesting_below_the_bounds_does_not_exhaust_the_stack() {
    let n = 9_000;
    for text in [
        format!("x = {}1{}", "(".repeat(n), ")".repeat(n)),
        format!("x = {}{}", "[".repeat(n), "]".repeat(n)),
        format!("x = {}1{}", "{a:".repeat(n), "}".repeat(n)),
        format!("{}{}", "{".repeat(n), "}".repeat(n)),
        format!("{}{}", "function f(){".repeat(n), "}".repeat(n)),
        format!("{}{}", "a(()=>{".repeat(n / 2), "})".repeat(n / 2)),
        format!("x = 1{}", "+y".repeat(40_000)),
        format!("x = {}1", "!".repeat(40_000)),
        format!("x = a{}", ".b()".repeat(9_000)),
        format!("x = {}1", "a=>".repeat(20_000)),
        format!("x = {}1", "a?1:".repeat(20_000)),
        format!("{}x", "if(a)b();else ".repeat(9_000)),
        format!("x = {}", "typeof ".repeat(9_000)),
    ] {
        let _ = js(&text);
    }
}

#[test]
fn lines_and_columns_are_v8s_whatever_the_characters() {
    let text = "/* a\u{2028}b */\r\nconst x = '😀é', f = (a) => x;\rconst g =\n(d) => d;";
    let lines = Lines::new(text);
    let place = |piece: &str| lines.position(text, text.find(piece).unwrap() as u32);
    assert_eq!(place("const x"), Position::new(2, 0));
    assert_eq!(place("(a)"), Position::new(2, 21));
    assert_eq!(place("const g"), Position::new(3, 0));
    assert_eq!(place("(d)"), Position::new(4, 0));
    let source = js(text);
    assert_eq!(source.function_at(Position::new(2, 21)).unwrap().name.as_deref(), Some("f"));
    // As Node 20 wrote it, before V8 built its table of line ends.
    assert_eq!(source.function_at(Position::new(1, 21)).unwrap().name.as_deref(), Some("f"));
    assert_eq!(source.line_text(2), "const x = '😀é', f = (a) => x;");
    assert_eq!(source.line_text(99), "");
    let marked = SourceText::parse("a.js", "\u{feff}const x = 1;".into());
    assert_eq!(marked.bindings_named("x")[0].declaration, Position::new(0, 6));
}

#[test]
fn packages_and_internals_are_told_by_path() {
    assert_eq!(package_of("/app/src/server.js"), None);
    assert_eq!(package_of("/app/node_modules/express/lib/a.js"), Some("express"));
    assert_eq!(package_of("file:///a/node_modules/@fastify/ajv/i.js"), Some("@fastify/ajv"));
    assert_eq!(package_of("/a/node_modules/x/node_modules/@y/z/i.js"), Some("@y/z"));
    assert_eq!(package_of("/a/node_modules/.pnpm/lru@1/node_modules/lru/i.js"), Some("lru"));
    assert_eq!(package_of(r"C:\a\node_modules\pg\lib\i.js"), Some("pg"));
    assert_eq!(package_of("/a/my_node_modules/x/i.js"), None);
    assert_eq!(package_of("/a/node_modules"), None);
    assert_eq!(package_of("/a/node_modules/"), None);
    assert!(is_node_internal("node:events") && is_node_internal("internal/timers"));
    assert!(!is_node_internal("/app/internal/a.js") && !is_node_internal("file:///internal/a.js"));
}

fn ask_everything(source: &SourceText) {
    for function in source.functions() {
        let _ = source.function_at(function.start);
        let _ = source.enclosing_function(function.range.end);
        let _ = source.allocations_in(function.id);
        let _ = source.calls_in(function.id, "set");
        for binding in source.locals_of(function.id) {
            let _ = source.resolve(&binding.name, function.start);
            let _ = source.additions_to(&binding);
            let _ = source.deletions_from(&binding);
        }
    }
    for name in ["cache", "items", "x", "", "é"] {
        for binding in source.bindings_named(name) {
            let _ = source.additions_to(&binding);
            let _ = source.deletions_from(&binding);
        }
        let _ = source.additions_to_property(name, Some("A"));
        let _ = source.deletions_from_property(name);
        let _ = source.property_declarations(name, None);
    }
}

#[test]
fn every_sample_survives_every_question_after_losing_any_line() {
    for text in [MAP_CACHE, EVENT_LISTENERS, TIMERS, BUFFERS, HTTP_REQUESTS, TREE] {
        for skip in 0..text.lines().count() {
            let mut cut = String::new();
            for (_, line) in text.lines().enumerate().filter(|(at, _)| *at != skip) {
                let _ = writeln!(cut, "{line}");
            }
            ask_everything(&js(&cut));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn parse_never_panics_on_any_text(text in ".{0,200}", name in "[a-z]{1,3}\\.(js|ts|mjs|cts|tsx|jsx)?") {
        ask_everything(&SourceText::parse(&name, text.into()));
    }

    #[test]
    fn parse_never_panics_on_mutated_javascript(
        pick in 0_usize..6,
        edits in prop::collection::vec((0.0..1.0_f64, prop::sample::select(vec![
            "(", ")", "{", "}", "`", "'", "/*", "=>", "class A {", "#x", "...", "é😀", "\u{2028}", "\r", "cache", "async ", "[", "import",
        ])), 1..5),
    ) {
        let mut text = [MAP_CACHE, EVENT_LISTENERS, TIMERS, BUFFERS, HTTP_REQUESTS, TREE][pick].to_owned();
        for (at, piece) in edits {
            text.insert_str((text.len() as f64 * at) as usize, piece);
            // The samples are ASCII until an edit; stay on a boundary after one.
            if !text.is_ascii() { break; }
        }
        ask_everything(&js(&text));
    }

    #[test]
    fn offsets_and_positions_are_inverse(text in "[a-c😀é\r\n\u{2028}]{0,3000}") {
        let source = js(&text);
        for (byte, _) in text.char_indices() {
            let at = source.position_of(byte);
            prop_assert_eq!(source.offset_of(at), Some(byte));
        }
    }
}
