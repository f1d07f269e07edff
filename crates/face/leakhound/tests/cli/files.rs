//! `analyze` and the files that people give it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::support::{ANY_PORT, LEAKY, Node, Said, folder, leakhound, run};

fn analyze(folder: &Path, files: &[&str]) -> Said {
    run(leakhound(folder, &["analyze"]).args(files))
}

fn snapshot(folder: &Path, target: &Node, name: &str) {
    let said = run(&mut leakhound(folder, &["capture", "heap", &target.target(), "--out", name]));
    assert_eq!(said.code, 0, "{said:#?}");
}

#[test]
fn what_is_no_snapshot_is_told_with_its_path_and_exit_code_3() {
    let here = folder();
    let write = |name: &str, bytes: &[u8]| fs::write(here.path().join(name), bytes).unwrap();
    write("empty.heapsnapshot", b"");
    write("garbage.heapsnapshot", &[0xfe; 5000]);
    write("text.heapsnapshot", b"hello");
    write("other.heapsnapshot", b"{\"head\":{\"callFrame\":{}},\"samples\":[]}");
    write("deep.heapsnapshot", "{\"snapshot\":".repeat(100_000).as_bytes());
    write("header.heapsnapshot", b"{\"snapshot\":{\"meta\":{},\"node_count\":1,\"edge_count\":1}}");
    for name in ["empty", "garbage", "text", "other", "deep", "header"] {
        let name = format!("{name}.heapsnapshot");
        analyze(here.path(), &[&name]).fails(3, &[&name]);
    }
    analyze(here.path(), &["nowhere.heapsnapshot"])
        .fails(3, &["nowhere.heapsnapshot", "No such file"])
        .hints();
    analyze(here.path(), &["/dev/null"]).fails(3, &["/dev/null", "not a regular file"]).hints();
    analyze(here.path(), &["."]).fails(2, &["folder", "hunt.json"]).hints();
    write("only.heapprofile", b"{}");
    analyze(here.path(), &["only.heapprofile"]).fails(2, &["no heap snapshot"]).hints();
    let said = analyze(here.path(), &[]);
    assert_eq!(said.code, 2, "{said:#?}");
}

#[test]
fn a_truncated_snapshot_is_read_as_far_as_it_goes_and_the_loss_is_stated() {
    let here = folder();
    let target = Node::start(&[ANY_PORT], LEAKY);
    snapshot(here.path(), &target, "whole.heapsnapshot");
    let whole = fs::read(here.path().join("whole.heapsnapshot")).unwrap();
    let strings = whole.windows(10).rposition(|window| window == b"\"strings\":").unwrap();
    for (name, length, codes) in [
        ("strings", strings + (whole.len() - strings) / 2, &[6][..]),
        ("before-strings", strings, &[6, 3]),
        ("half", whole.len() / 2, &[6, 3]),
        ("start", 300, &[3]),
    ] {
        let file = format!("{name}.heapsnapshot");
        fs::write(here.path().join(&file), &whole[..length]).unwrap();
        let said = run(leakhound(here.path(), &["analyze", "--json"]).arg(&file));
        assert!(codes.contains(&said.code), "{name}: {said:#?}");
        if said.code == 6 {
            let verdict = said.json();
            assert_eq!(verdict["partial"], true, "{name}");
            assert!(!verdict["warnings"].as_array().unwrap().is_empty(), "{name}: {verdict}");
        } else {
            said.fails(3, &[&file]);
        }
    }
    // What a capture left behind is a readable file, too.
    fs::copy(here.path().join("strings.heapsnapshot"), here.path().join("a.heapsnapshot.partial")).unwrap();
    assert_eq!(analyze(here.path(), &["a.heapsnapshot.partial"]).code, 6);
}

#[test]
fn files_in_the_wrong_order_are_sorted_and_a_profile_is_recognised_by_what_it_is() {
    let here = folder();
    let target = Node::start(&[ANY_PORT], LEAKY);
    let said = run(&mut leakhound(here.path(), &["hunt", &target.target(), "--for", "3s", "--json"]));
    assert_eq!(said.code, 0, "{said:#?}");
    let evidence = here.path().join(said.json()["evidence_dir"].as_str().unwrap());
    for phase in ["baseline", "target", "final"] {
        fs::rename(
            evidence.join(format!("{phase}.heapsnapshot")),
            here.path().join(format!("{phase}.heapsnapshot")),
        )
        .unwrap();
    }
    fs::copy(evidence.join("allocations.heapprofile"), here.path().join("a.heapprofile")).unwrap();
    let said = analyze(
        here.path(),
        &["--json", "final.heapsnapshot", "a.heapprofile", "baseline.heapsnapshot", "target.heapsnapshot"],
    );
    assert_eq!(said.code, 0, "{said:#?}");
    let verdict = said.json();
    assert_eq!(verdict["findings"][0]["holder"]["variable"], "sessions");
    let files: Vec<_> =
        verdict["snapshots"].as_array().unwrap().iter().map(|s| s["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["baseline.heapsnapshot", "target.heapsnapshot", "final.heapsnapshot"]);
    let warnings = verdict["warnings"].to_string();
    assert!(warnings.contains("order of time"), "{warnings}");

    // A profile under a snapshot's name.
    fs::copy(here.path().join("a.heapprofile"), here.path().join("p.heapsnapshot")).unwrap();
    analyze(here.path(), &["p.heapsnapshot"])
        .fails(3, &["p.heapsnapshot", "\"snapshot\" is missing"])
        .hints();
    // And the other way round.
    fs::copy(here.path().join("final.heapsnapshot"), here.path().join("s.heapprofile")).unwrap();
    analyze(here.path(), &["final.heapsnapshot", "s.heapprofile"]).fails(3, &["s.heapprofile"]).hints();
    // Two profiles: which one is meant?
    analyze(here.path(), &["final.heapsnapshot", "a.heapprofile", "a.heapprofile"])
        .fails(2, &["profile"])
        .hints();
    // The hunt's folder without its snapshots.
    analyze(here.path(), &[&evidence.display().to_string()]).fails(3, &["baseline.heapsnapshot"]).hints();
    // Reports go where they are asked for.
    let said = analyze(here.path(), &["final.heapsnapshot", "--report", "out"]);
    assert_eq!(said.code, 0, "{said:#?}");
    assert_eq!(crate::support::files(&here.path().join("out")), ["report.html", "report.md", "verdict.json"]);
    analyze(here.path(), &["final.heapsnapshot", "--report", "final.heapsnapshot"])
        .fails(2, &["final.heapsnapshot"])
        .hints();
}

#[test]
fn a_finding_above_the_threshold_is_exit_code_1() {
    let here = folder();
    let target = Node::start(&[ANY_PORT], LEAKY);
    let arguments = ["hunt", &target.target(), "--for", "3s", "--fail-on", "medium"];
    let said = run(&mut leakhound(here.path(), &arguments));
    assert_eq!(said.code, 1, "{said:#?}");
    assert!(said.stdout.starts_with("LEAK ") && said.stdout.contains("sessions (Map)"), "{said:#?}");
}

#[test]
fn a_compressed_snapshot_gives_the_same_verdict_as_a_plain_one_from_a_file_and_from_a_pipe() {
    let here = folder();
    let target = Node::start(&[ANY_PORT], LEAKY);
    snapshot(here.path(), &target, "plain.heapsnapshot");
    let plain = fs::read(here.path().join("plain.heapsnapshot")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(&plain[..], 1).unwrap();
    fs::write(here.path().join("plain.heapsnapshot.gz"), &gzip).unwrap();
    // The name says nothing.
    fs::write(here.path().join("zstd.heapsnapshot"), &zstd).unwrap();

    // What follows from the heap alone, without the name of the file.
    let judged = |said: Said| {
        assert_eq!(said.code, 0, "{said:#?}");
        let verdict = said.json();
        assert_eq!(verdict["partial"], false);
        (verdict["findings"].clone(), verdict["classes"].clone(), verdict["warnings"].clone())
    };
    let analyze = |file: &str| {
        let mut command = leakhound(here.path(), &["analyze", "--json", file]);
        command.env("TMPDIR", here.path());
        command
    };
    let expected = judged(run(&mut analyze("plain.heapsnapshot")));
    assert_eq!(judged(run(&mut analyze("plain.heapsnapshot.gz"))), expected);
    assert_eq!(judged(run(&mut analyze("zstd.heapsnapshot"))), expected);
    for file in ["plain.heapsnapshot", "plain.heapsnapshot.gz", "zstd.heapsnapshot"] {
        let from = fs::File::open(here.path().join(file)).unwrap();
        assert_eq!(judged(run(analyze("-").stdin(from))), expected, "{file} as standard input");
    }
    for bytes in [&plain, &gzip, &zstd] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let bytes = bytes.clone();
        let sender = std::thread::spawn(move || writer.write_all(&bytes));
        assert_eq!(judged(run(analyze("-").stdin(Stdio::from(reader)))), expected);
        sender.join().unwrap().unwrap();
    }
    // Nothing is left of what was unpacked.
    assert_eq!(
        crate::support::files(here.path()),
        ["plain.heapsnapshot", "plain.heapsnapshot.gz", "zstd.heapsnapshot"]
    );

    // Cut off inside the graph there is no verdict; the message names the container and the section.
    fs::write(here.path().join("half.gz"), &gzip[..gzip.len() / 4]).unwrap();
    run(&mut analyze("half.gz")).fails(3, &["half.gz", "gzip", "cut off"]).hints();
    // Cut off inside the strings there is one, and the loss is stated.
    let strings = plain.len() - 100;
    let cut = zstd::encode_all(&plain[..strings], 1).unwrap();
    fs::write(here.path().join("strings.zst"), cut).unwrap();
    let said = run(&mut analyze("strings.zst"));
    assert_eq!(said.code, 6, "{said:#?}");
    run(leakhound(here.path(), &["analyze", "-", "-"]).stdin(Stdio::null()))
        .fails(2, &["given twice"])
        .hints();
}
