//! The views of a dump: `summary`, `statistics`, `object`, `diff`, on dumps of a real process.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use leakhound_heap::{Heap, NodeId};
use serde_json::Value;

use crate::support::{Running, Said, folder, leakhound, node, run};

/// Two snapshots of one process; between them 40 tickets come, 10 of 25 orders go.
const SHOP: &str = "const v8 = require('v8');
class Order { constructor(n) { this.n = { n }; this.note = 'order ' + n; } }
class Ticket { constructor(n) { this.n = [n]; } }
const orders = [], tickets = new Map(), weak = new WeakRef({});
globalThis.shop = { orders, tickets, weak };
for (let i = 0; i < 25; i++) orders.push(new Order(i));
v8.writeHeapSnapshot('before.heapsnapshot');
for (let i = 0; i < 40; i++) tickets.set(i, new Ticket(i));
orders.splice(0, 10);
v8.writeHeapSnapshot('after.heapsnapshot');";

fn dumps(folder: &Path) {
    fs::write(folder.join("shop.js"), SHOP).unwrap();
    let output =
        Command::new(node()).arg("shop.js").current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn look(folder: &Path, arguments: &[&str]) -> Said {
    let said = run(&mut leakhound(folder, arguments));
    assert_eq!(said.code, 0, "{said:#?}");
    said
}

/// The object that the program called `shop`: what the global object says it is.
fn shop(folder: &Path) -> Value {
    let text = fs::read(folder.join("after.heapsnapshot")).unwrap();
    let heap = Heap::read(text.into(), &()).unwrap();
    let named = |node: NodeId| heap.edges(node).find(|edge| heap.edge_name(edge) == "shop");
    let shop = heap.nodes().find_map(named).expect("nothing is called shop").to;
    let id = heap.id(shop).to_string();
    look(folder, &["object", "after.heapsnapshot", &id, "--json"]).json()
}

fn class<'a>(view: &'a Value, name: &str) -> &'a Value {
    let classes = view["classes"].as_array().unwrap();
    classes.iter().find(|class| class["name"] == name).unwrap_or_else(|| panic!("no {name} in {view:#}"))
}

#[test]
fn the_class_table_counts_what_the_program_made_and_says_where() {
    let here = folder();
    dumps(here.path());
    for model in ["gc", "devtools"] {
        let view = look(here.path(), &["summary", "before.heapsnapshot", "--json", "--model", model]).json();
        assert_eq!((&view["schema"], &view["model"]), (&"leakhound.summary/1".into(), &model.into()));
        let order = class(&view, "Order");
        assert_eq!(order["count"], 25, "{order}");
        assert!(order["location"].as_str().unwrap().ends_with("shop.js:2:26"), "{order}");
        let (shallow, retained) = (&order["shallow_size"], &order["retained_size"]);
        assert!(retained.as_u64() > shallow.as_u64() && shallow.as_u64() > Some(25 * 12), "{order}");
        assert!(order["key"].as_str().unwrap().ends_with(",1,25,Order"), "{order}");

        let quick = ["summary", "before.heapsnapshot", "--json", "--shallow", "--model", model];
        let quick = look(here.path(), &quick).json();
        assert_eq!(class(&quick, "Order")["shallow_size"], *shallow);
        assert_eq!(class(&quick, "Order")["retained_size"], Value::Null);
    }
    let view = look(
        here.path(),
        &["summary", "before.heapsnapshot", "--json", "--filter", "^Or", "--sort", "name", "--limit", "1"],
    );
    let view = view.json();
    assert_eq!(view["classes"].as_array().unwrap().len(), 1);
    assert!(view["matching"].as_u64().unwrap() >= 1);
    let only = ["summary", "before.heapsnapshot", "--json", "--model", "devtools", "--only", "contexts"];
    let only = look(here.path(), &only).json();
    assert!(class(&only, "system / Context")["count"].as_u64() > Some(0));
    assert!(only["classes"].as_array().unwrap().iter().all(|class| class["name"] != "global"));
    let text = look(here.path(), &["summary", "before.heapsnapshot", "--limit", "5"]).stdout;
    assert_eq!(text.lines().count(), 8, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let wrong = run(&mut leakhound(here.path(), &["summary", "before.heapsnapshot", "--filter", "("]));
    assert_eq!(wrong.code, 2, "{wrong:#?}");
}

#[test]
fn the_parts_of_the_statistics_add_up() {
    let here = folder();
    dumps(here.path());
    for model in ["gc", "devtools"] {
        let view =
            look(here.path(), &["statistics", "after.heapsnapshot", "--json", "--model", model]).json();
        let of = |key: &str| view[key].as_u64().unwrap();
        assert_eq!(of("total_size"), of("v8_heap") + of("native"), "{view:#}");
        let js = ["code", "strings", "js_arrays", "system", "other_js"].map(of).iter().sum::<u64>();
        assert_eq!(of("v8_heap"), js, "{view:#}");
        assert_eq!(of("native"), of("typed_arrays") + of("other_native"), "{view:#}");
    }
    let text = look(here.path(), &["statistics", "after.heapsnapshot"]).stdout;
    assert!(text.contains("compiled code") && text.contains("gc model"), "{text}");
}

#[test]
fn an_object_is_shown_with_its_fields_its_retainers_and_why() {
    let here = folder();
    dumps(here.path());
    let view = look(here.path(), &["object", "after.heapsnapshot", "@1", "--json"]).json();
    assert_eq!(view["object"]["id"], 1);
    // From the root down to the orders, by the ids that each step shows.
    let follow = |view: &Value, name: &str| {
        let fields = view["fields"].as_array().unwrap();
        let field = fields.iter().find(|field| field["edge"] == name && field["edge_kind"] != "weak");
        let id = field.unwrap_or_else(|| panic!("no {name} in {view:#}"))["id"].to_string();
        look(here.path(), &["object", "after.heapsnapshot", &id, "--json", "--explain"]).json()
    };
    let summary = look(here.path(), &["summary", "after.heapsnapshot", "--json", "--filter", "^Map$"]);
    assert_eq!(class(&summary.json(), "Map")["name"], "Map");
    {
        let shop = shop(here.path());
        let orders = follow(&shop, "orders");
        assert_eq!(orders["object"]["class"], "Array");
        let order = follow(&orders, "0");
        assert_eq!(order["object"]["class"], "Order", "{order:#}");
        let note = follow(&order, "note");
        assert_eq!(note["object"]["name"], "order 10", "{note:#}");
        let retainers = note["retainers"].as_array().unwrap();
        assert!(retainers.iter().any(|one| one["id"] == order["object"]["id"] && one["edge"] == "note"));
        assert_eq!(note["dominators"][0]["id"], order["object"]["id"]);
        assert_eq!(note["dominators"].as_array().unwrap().last().unwrap()["id"], 1);
        assert!(!note["explain"].as_array().unwrap().is_empty());
        // A weak reference is no retainer, and says so when asked.
        let weak = follow(&shop, "weak");
        let weak =
            weak["fields"].as_array().unwrap().iter().find(|field| field["edge_kind"] == "weak").cloned();
        if let Some(weak) = weak {
            assert!(weak["rule"].as_str().unwrap().starts_with("weak"), "{weak}");
        }
    }
    let said = run(&mut leakhound(here.path(), &["object", "after.heapsnapshot", "@4000000001"]));
    said.fails(2, &["find @4000000001", "no object has this id"]).hints();
    let text = look(here.path(), &["object", "after.heapsnapshot", "1", "--explain"]).stdout;
    for word in ["shallow", "retained", "FIELDS", "because"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn a_difference_counts_what_came_and_what_went() {
    let here = folder();
    dumps(here.path());
    for model in ["gc", "devtools"] {
        let files = ["before.heapsnapshot", "after.heapsnapshot"];
        let view = look(here.path(), &["diff", files[0], files[1], "--json", "--model", model]).json();
        let numbers = |name: &str| {
            let row = class(&view, name);
            ["added", "removed", "count_delta"].map(|key| row[key].as_i64().unwrap())
        };
        assert_eq!(numbers("Ticket"), [40, 0, 40]);
        assert_eq!(numbers("Order"), [0, 10, -10]);
        let row = class(&view, "Ticket");
        assert_eq!(row["size_delta"], row["added_size"]);
        let back = look(here.path(), &["diff", files[1], files[0], "--json", "--model", model]).json();
        assert_eq!(class(&back, "Ticket")["removed"], 40);
    }
    let text = look(here.path(), &["diff", "before.heapsnapshot", "after.heapsnapshot"]).stdout;
    assert!(text.contains("Ticket") && text.contains("+40"), "{text}");
}

#[test]
fn retainers_lead_up_and_dominators_lead_down() {
    let here = folder();
    dumps(here.path());
    let orders = shop(here.path());
    let orders = orders["fields"].as_array().unwrap().iter().find(|field| field["edge"] == "orders").unwrap();
    let id = orders["id"].to_string();
    for model in ["gc", "devtools"] {
        let tree = ["dominators", "after.heapsnapshot", &id, "--json", "--model", model, "--limit", "100"];
        let tree = look(here.path(), &tree).json();
        let text = tree["tree"].to_string();
        assert_eq!(text.matches("\"class\":\"Order\"").count(), 15, "{tree:#}");
        assert_eq!(tree["tree"]["id"], orders["id"]);
        let up = ["retainers", "after.heapsnapshot", &id, "--json", "--model", model, "--depth", "3"];
        let up = look(here.path(), &up).json();
        let shop = up["retainers"].as_array().unwrap().iter().find(|one| one["edge"] == "orders");
        let above = shop.unwrap_or_else(|| panic!("{up:#}"))["retainers"].as_array().unwrap();
        assert!(above.iter().any(|one| one["edge"] == "shop"), "{up:#}");
    }
    let root = look(here.path(), &["dominators", "after.heapsnapshot", "--depth", "2"]).stdout;
    assert!(root.lines().nth(1).unwrap().contains("100 %"), "{root}");
    let text = look(here.path(), &["retainers", "after.heapsnapshot", &id]).stdout;
    assert!(
        text.contains("orders in {orders, tickets, weak}") || text.contains("orders in Object"),
        "{text}"
    );
    assert!(text.lines().chain(root.lines()).all(|line| line.chars().count() <= 100), "{text}{root}");
}

#[test]
fn paths_lead_from_the_roots_to_an_object_and_to_a_whole_class() {
    let here = folder();
    dumps(here.path());
    let found = ["search", "after.heapsnapshot", "^order 12$", "--in", "strings", "--json"];
    let found = look(here.path(), &found).json();
    assert_eq!(found["matching"], 1, "{found:#}");
    let note = &found["matches"][0];
    assert_eq!((&note["matched"], &note["name"]), (&"string".into(), &"order 12".into()));
    let id = format!("@{}", note["id"]);
    for model in ["gc", "devtools"] {
        let view =
            look(here.path(), &["paths", "after.heapsnapshot", &id, "--json", "--model", model]).json();
        let path = view["paths"][0].as_array().unwrap();
        let edges: Vec<&str> = path.iter().map(|step| step["edge"].as_str().unwrap()).collect();
        assert_eq!(edges.last(), Some(&"note"), "{view:#}");
        assert!(path.iter().any(|step| step["class"] == "Order"), "{view:#}");
        assert_eq!(path.last().unwrap()["id"], note["id"]);
        let class = ["paths", "after.heapsnapshot", "--class", "Order", "--json", "--model", model];
        let tree = &look(here.path(), &class).json()["tree"];
        assert_eq!(tree["objects"], 15, "{tree:#}");
        assert_eq!(tree.to_string().matches("\"class\":\"Order\"").count(), 5, "five branches: {tree:#}");
    }
    let text = look(here.path(), &["paths", "after.heapsnapshot", &id]).stdout;
    assert!(text.starts_with("after.heapsnapshot") && text.contains("note → (string)"), "{text}");
    let text = look(here.path(), &["paths", "after.heapsnapshot", "--class", "Order"]).stdout;
    assert!(text.contains("10 more ways"), "{text}");
    let said = run(&mut leakhound(here.path(), &["paths", "after.heapsnapshot", "--class", "order"]));
    said.fails(2, &["no object has it", "Order"]).hints();
    let property = ["search", "after.heapsnapshot", "^tickets$", "--in", "properties", "--json"];
    let property = look(here.path(), &property).json();
    assert!(property["matches"].as_array().unwrap().iter().any(|one| one["property"] == "tickets"));
    let names = look(here.path(), &["search", "after.heapsnapshot", "^Ticket$", "--in", "names", "--json"]);
    assert!(names.json()["matching"].as_u64() >= Some(40));
}

#[test]
fn repeated_texts_and_pinned_parents_are_counted() {
    let here = folder();
    let script = "const keep = globalThis.keep = [];
        const make = (text, n) => JSON.parse(JSON.stringify([text + '!'.repeat(n)]))[0];
        for (let i = 0; i < 40; i++) keep.push(make('the same text again and again', 3));
        for (let i = 0; i < 9; i++) keep.push(make('x'.repeat(2000), i));
        (() => { keep.push(Array(20000).fill('parent').join(Math.PI).slice(100, 130)); })();
        require('v8').writeHeapSnapshot('strings.heapsnapshot')";
    let output = Command::new(node()).args(["-e", script]).current_dir(here.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let view = look(here.path(), &["strings", "strings.heapsnapshot", "--json"]).json();
    let duplicates = view["duplicates"].as_array().unwrap();
    let same = duplicates.iter().find(|text| text["text"] == "the same text again and again!!!");
    let same = same.unwrap_or_else(|| panic!("{view:#}"));
    assert_eq!((&same["count"], &same["cut"]), (&40.into(), &false.into()));
    let (size, wasted) = (same["shallow_size"].as_u64().unwrap(), same["wasted_size"].as_u64().unwrap());
    assert_eq!(wasted, size / 40 * 39);
    // Texts that V8 cut are one text only where their sizes are equal.
    let long = duplicates.iter().filter(|text| text["text"].as_str().unwrap().starts_with("xxxx"));
    assert!(long.clone().all(|text| text["cut"] == true && text["count"].as_u64() < Some(9)), "{view:#}");
    let parent = &view["parents"][0];
    assert!(parent["shallow_size"].as_u64() > Some(100_000), "{view:#}");
    assert_eq!((&parent["slices"], &parent["pinned"]), (&1.into(), &true.into()));
    let text = look(here.path(), &["strings", "strings.heapsnapshot"]).stdout;
    assert!(text.contains("REPEATED TEXT") && text.contains("only by slices"), "{text}");
}

#[test]
fn what_a_truncated_dump_lost_is_said_and_is_exit_code_6() {
    let here = folder();
    dumps(here.path());
    let whole = fs::read(here.path().join("after.heapsnapshot")).unwrap();
    fs::write(here.path().join("cut.heapsnapshot"), &whole[..whole.len() - 200]).unwrap();
    let said = run(&mut leakhound(here.path(), &["summary", "cut.heapsnapshot", "--json"]));
    assert_eq!(said.code, 6, "{said:#?}");
    assert!(said.stderr.contains("loss       cut.heapsnapshot"), "{said:#?}");
    assert!(!said.json()["losses"].as_array().unwrap().is_empty());
    run(&mut leakhound(here.path(), &["summary", "shop.js"])).fails(3, &["shop.js"]).hints();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let here = folder();
    dumps(here.path());
    let mut command = leakhound(here.path(), &["summary", "after.heapsnapshot", "--limit", "0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn compressed_dumps_and_standard_input_are_read_like_plain_files() {
    let here = folder();
    dumps(here.path());
    let plain = fs::read(here.path().join("after.heapsnapshot")).unwrap();
    let expected = look(here.path(), &["summary", "after.heapsnapshot", "--json"]).json();
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    // In two parts each: both formats may be concatenated.
    let (head, tail) = plain.split_at(plain.len() / 2);
    let packed =
        [("dump.gz", [gzip(head), gzip(tail)].concat()), ("dump.zst", [zstd(head), zstd(tail)].concat())];
    for (name, bytes) in &packed {
        fs::write(here.path().join(name), bytes).unwrap();
        let view = look(here.path(), &["summary", name, "--json"]).json();
        assert_eq!(view["classes"], expected["classes"], "{name}");
        // Cut off: the part that is there is read, and the loss is said.
        fs::write(here.path().join("cut"), &bytes[..bytes.len() - 2000]).unwrap();
        let cut = run(&mut leakhound(here.path(), &["summary", "cut", "--json"]));
        assert_eq!(cut.code, 6, "{name}: {cut:#?}");
        assert!(cut.stderr.contains("compressed data is cut off"), "{name}: {cut:#?}");
        let verdict = run(&mut leakhound(here.path(), &["analyze", name, "--json"]));
        assert_eq!(verdict.code, 0, "{name}: {verdict:#?}");
    }
    for bytes in [&plain, &packed[0].1, &packed[1].1] {
        let mut command = leakhound(here.path(), &["summary", "-", "--json"]);
        let mut running = Running::start(command.stdin(Stdio::piped()));
        running.child.stdin.take().unwrap().write_all(bytes).unwrap();
        let said = running.wait();
        assert_eq!(said.code, 0, "{said:#?}");
        assert_eq!(said.json()["classes"], expected["classes"]);
    }
    fs::write(here.path().join("nothing.gz"), gzip(b"hello")).unwrap();
    run(&mut leakhound(here.path(), &["summary", "nothing.gz"]))
        .fails(3, &["nothing.gz", "not a V8"])
        .hints();
}

#[test]
fn dumps_of_one_process_are_compared_by_identity_and_others_by_class() {
    let (here, there) = (folder(), folder());
    dumps(here.path());
    // Another program, or the ids would be the same.
    fs::write(
        there.path().join("before.js"),
        format!("globalThis.more = [...Array(500)].map(() => [{{}}]);\n{SHOP}"),
    )
    .unwrap();
    let status =
        Command::new(node()).arg("before.js").current_dir(there.path()).stdin(Stdio::null()).status();
    assert!(status.unwrap().success());
    let other = there.path().join("after.heapsnapshot").display().to_string();
    let diff = |files: &[&str], more: &[&str]| {
        look(here.path(), &[&["diff", "--json"], files, more].concat()).json()
    };
    let one = diff(&["before.heapsnapshot", "after.heapsnapshot"], &["--grown"]);
    assert_eq!((&one["by"], &class(&one, "Ticket")["added"]), (&"identity".into(), &40.into()));
    // The Map is as old as the process; what it keeps alive is new.
    let grown = one["grown"].as_array().unwrap();
    let map = grown.iter().find(|grown| grown["class"] == "Map").unwrap_or_else(|| panic!("{grown:#?}"));
    assert!(map["growth"].as_u64() > Some(40 * 12), "{map:#}");
    let now = map["retained_size"].as_u64().unwrap();
    assert_eq!(map["retained_before"].as_u64().unwrap() + map["growth"].as_u64().unwrap(), now);

    let two = diff(&["before.heapsnapshot", &other], &[]);
    assert_eq!(two["by"], "class", "{}", two["why"]);
    let ticket = class(&two, "Ticket");
    assert_eq!((&ticket["count_delta"], &ticket["counts"]), (&40.into(), &serde_json::json!([0, 40])));
    let order = class(&two, "Order");
    assert_eq!((&order["count_delta"], &order["counts"]), (&(-10).into(), &serde_json::json!([25, 15])));

    let reversed = diff(&["after.heapsnapshot", "before.heapsnapshot"], &[]);
    assert_eq!(reversed["by"], "class");
    assert!(reversed["why"].as_str().unwrap().contains("opposite order"), "{}", reversed["why"]);

    let three = diff(&["before.heapsnapshot", "after.heapsnapshot", "after.heapsnapshot"], &[]);
    assert_eq!(three["by"], "identity");
    assert_eq!(class(&three, "Ticket")["counts"], serde_json::json!([0, 40, 40]));
    assert_eq!(three["between"].as_array().unwrap().len(), 1);
    let asked = diff(&["before.heapsnapshot", "after.heapsnapshot"], &["--by", "class"]);
    assert_eq!((&asked["by"], &class(&asked, "Ticket")["count_delta"]), (&"class".into(), &40.into()));
    assert_eq!(run(&mut leakhound(here.path(), &["diff", "before.heapsnapshot"])).code, 2);
}
