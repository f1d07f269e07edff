//! `stages FILE`: time of each stage of reading and ordering a snapshot, in CPU seconds, with the peak of
//! anonymous memory so far.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for measuring")]

use leakhound_heap::{Dominators, Heap, Model, SnapshotBytes};

/// User and system time of this process, in seconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn megabytes(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn stage<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let (before, began) = (cpu(), std::time::Instant::now());
    let done = work();
    println!(
        "{name:<12} cpu {:6.2} s  wall {:6.2} s  anonymous {:6} MiB  peak {:6} MiB",
        cpu() - before,
        began.elapsed().as_secs_f64(),
        megabytes("RssAnon"),
        megabytes("VmHWM")
    );
    done
}

fn main() {
    let path = std::env::args().nth(1).unwrap();
    let bytes = stage("read file", || SnapshotBytes::from(std::fs::read(path).unwrap()));
    let heap = stage("parse", || Heap::read(bytes, &()).unwrap());
    let dominators = stage("dominators", || Dominators::new(&heap, Model::Gc));
    let retained = stage("retained", || dominators.retained(&heap));
    println!(
        "{} nodes, {} edges, {} bytes",
        heap.node_count(),
        heap.edge_count(),
        retained[heap.root().index()]
    );
}
