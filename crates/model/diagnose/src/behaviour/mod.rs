//! What a diagnosis says about processes whose every object is known.

mod bounded;
mod evidence;
mod holders;
mod sampled;

use crate::testing::{Module, Process, Ref};
use crate::{Diagnosis, Finding};

const APP: &str = "/app/server.js";

/// A server with a cache that nobody empties.
const CACHE: &str = "\
const cache = new Map();
const recent = [];
function handle(id) {
  const session = new Session(id);
  cache.set(id, session);
  recent.push(session);
  if (recent.length > 20) recent.shift();
  return session;
}
exports.handle = handle;
";

/// A process that runs [`CACHE`]: its module, the Map and the Array.
fn server() -> (Process, Module, Ref, Ref) {
    let mut process = Process::new();
    let app = process.module(APP, CACHE);
    process.function(app, "handle", 2, 15);
    let cache = process.map();
    let recent = process.array();
    process.variable(app, "cache", cache);
    process.variable(app, "recent", recent);
    (process, app, cache, recent)
}

/// Adds `count` sessions of about 1 KB to a Map.
fn fill(process: &mut Process, map: Ref, count: usize) {
    for _ in 0..count {
        let session = process.record("Session");
        process.map_set(map, session);
    }
}

fn only(diagnosis: &Diagnosis) -> &Finding {
    assert_eq!(diagnosis.findings.len(), 1, "{:#?}", titles(diagnosis));
    &diagnosis.findings[0]
}

/// Verdict, findings and excuses, for failing tests.
fn titles(diagnosis: &Diagnosis) -> Vec<String> {
    let findings = diagnosis.findings.iter().map(|finding| finding.title.clone());
    let bounded = diagnosis.bounded.iter().map(|row| format!("{}: {}", row.holder.expression, row.reason));
    [format!("{:?}: {}", diagnosis.verdict, diagnosis.headline)]
        .into_iter()
        .chain(findings)
        .chain(bounded)
        .chain(diagnosis.warnings.clone())
        .collect()
}
