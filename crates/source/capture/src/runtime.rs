//! What a target says about itself, in one evaluation.

use serde::{Deserialize, Serialize};

/// Limits above this are "unlimited" in one of the spellings of libuv and the kernel.
const UNLIMITED: f64 = (1u64 << 60) as f64;

/// One moment's memory figures, in bytes unless noted. Taking them costs the target well under a millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct MemorySample {
    /// Resident set.
    pub rss: u64,
    /// JavaScript heap in use, garbage that is not yet collected included.
    pub heap_used: u64,
    /// JavaScript heap committed.
    pub heap_total: u64,
    /// V8's limit for the heap.
    pub heap_limit: u64,
    /// Memory outside the heap that JavaScript objects hold, array buffers included.
    pub external: u64,
    /// Contents of ArrayBuffers and Buffers.
    pub array_buffers: u64,
    /// V8's own allocations outside the heap.
    pub malloced: u64,
    /// Contexts in use; a number that grows is a leak of its own.
    pub native_contexts: u64,
    /// Contexts that should have been collected.
    pub detached_contexts: u64,
    /// Seconds since the process started.
    pub uptime: f64,
}

/// One of V8's heap spaces, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct HeapSpace {
    /// `old_space`, `large_object_space`, …
    #[serde(alias = "space_name")]
    pub name: String,
    /// Bytes of objects in it.
    #[serde(alias = "space_used_size")]
    pub used: u64,
    /// Bytes committed for it.
    #[serde(alias = "space_size")]
    pub size: u64,
}

/// What does not change, and the memory figures of the moment.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct RuntimeFacts {
    /// `v20.20.2`.
    pub version: String,
    /// V8's version.
    pub v8: String,
    /// The pid as the target sees it (another one in a container).
    pub pid: i64,
    /// `x64`, `arm64`.
    pub arch: String,
    /// Executable, script and arguments.
    pub argv: Vec<String>,
    /// Node's own flags.
    pub exec_argv: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// The container's memory limit as libuv sees it; `None` when there is none.
    pub constrained_memory: Option<u64>,
    /// Heap by space.
    pub spaces: Vec<HeapSpace>,
    /// The figures of the moment.
    pub memory: MemorySample,
}

impl RuntimeFacts {
    /// The major version; 0 when the version is not Node's.
    pub fn major(&self) -> u32 {
        crate::process::major(&self.version).unwrap_or(0)
    }

    /// Bytes in use in the spaces whose name the predicate accepts.
    pub(crate) fn used_in(&self, accept: impl Fn(&str) -> bool) -> u64 {
        self.spaces.iter().filter(|space| accept(&space.name)).map(|space| space.used).sum()
    }

    pub(crate) fn read(text: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Constrained {
            constrained: Option<f64>,
        }
        let mut facts: Self = serde_json::from_str(text)?;
        let raw: Constrained = serde_json::from_str(text)?;
        facts.constrained_memory =
            raw.constrained.filter(|&bytes| bytes > 0.0 && bytes < UNLIMITED).map(|bytes| bytes as u64);
        Ok(facts)
    }
}

/// How our expressions reach built-in modules: `getBuiltinModule` from Node 20.16 and 22.3 on, else the
/// `require` that the command-line API lends (which exists in ESM programs too).
pub(crate) const GET: &str =
    "const get = process.getBuiltinModule ? (name) => process.getBuiltinModule(name) : require;";

const SAMPLE: &str = "const use = process.memoryUsage(), heap = get('v8').getHeapStatistics();
  const memory = { rss: use.rss, heap_used: use.heapUsed, heap_total: use.heapTotal,
    heap_limit: heap.heap_size_limit, external: use.external, array_buffers: use.arrayBuffers || 0,
    malloced: heap.malloced_memory, native_contexts: heap.number_of_native_contexts || 0,
    detached_contexts: heap.number_of_detached_contexts || 0, uptime: process.uptime() };";

/// Evaluates to a JSON text of [`MemorySample`].
pub(crate) fn memory_expression() -> String {
    format!("(() => {{ {GET} {SAMPLE} return JSON.stringify(memory); }})()")
}

/// Evaluates to a JSON text of [`RuntimeFacts`].
pub(crate) fn facts_expression() -> String {
    format!(
        "(() => {{ {GET} {SAMPLE} return JSON.stringify({{ version: process.version, v8: process.versions.v8,
  pid: process.pid, arch: process.arch, argv: process.argv, exec_argv: process.execArgv, cwd: process.cwd(),
  constrained: process.constrainedMemory ? process.constrainedMemory() : null,
  spaces: get('v8').getHeapSpaceStatistics(), memory }}); }})()"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_as_the_target_writes_them_and_survive_our_own_json() {
        let text = r#"{"version":"v20.20.2","v8":"11.3","pid":7,"arch":"x64","argv":["node"],"exec_argv":[],
            "cwd":"/","constrained":18446744073709552000,"spaces":[{"space_name":"old_space",
            "space_size":9,"space_used_size":5,"space_available_size":1,"physical_space_size":9}],
            "memory":{"rss":1,"heap_used":2,"heap_total":3,"heap_limit":4,"external":5,"array_buffers":6,
            "malloced":7,"native_contexts":8,"detached_contexts":0,"uptime":1.5}}"#;
        let facts = RuntimeFacts::read(text).unwrap();
        assert_eq!((facts.major(), facts.constrained_memory), (20, None));
        assert_eq!(facts.used_in(|name| name == "old_space"), 5);
        let limited = RuntimeFacts::read(&text.replace("18446744073709552000", "536870912")).unwrap();
        assert_eq!(limited.constrained_memory, Some(536_870_912));
        let again: RuntimeFacts = serde_json::from_str(&serde_json::to_string(&limited).unwrap()).unwrap();
        assert_eq!(again, limited);
    }
}
