//! What could kill or stop the target is refused, with figures and a way around.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::support::{ANY_PORT, IDLE, Node, files, folder, leakhound, node, run, skip};

/// A memory cgroup of a test's own.
struct Group {
    folder: PathBuf,
}

impl Group {
    /// With that limit; the reason when that is not possible here.
    fn new(limit: u64) -> Result<Self, String> {
        let name = format!("leakhound-test-{}", std::process::id());
        let mut why = "no memory cgroup".to_owned();
        for (root, file) in
            [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]
        {
            let folder = PathBuf::from(root).join(&name);
            if let Err(error) = fs::create_dir(&folder) {
                why = format!("{}: {error}", folder.display());
                continue;
            }
            let group = Self { folder };
            match fs::write(group.folder.join(file), limit.to_string()) {
                Ok(()) => return Ok(group),
                Err(error) => why = format!("{file}: {error}"),
            }
        }
        Err(why)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        crate::support::eventually(Duration::from_secs(30), || fs::remove_dir(&self.folder).is_ok());
    }
}

const HEAP: &str = "const keep = []; let part;
  for (let i = 0; process.memoryUsage().heapUsed < 300e6; ) {
    for (let n = 0; n < 1e5; n++, i++) { if (i % 1000 === 0) keep.push(part = []); part.push({ i }); }
  }
  globalThis.keep = keep;
  class Page { constructor(n) { this.text = 'page ' + n; } }
  const pages = []; let n = 0;
  function render() { pages.push(new Page(n++)); }
  setInterval(() => { if (n < 3e5) for (let i = 0; i < 500; i++) render(); }, 20);";

#[test]
fn a_snapshot_that_could_kill_the_container_is_refused_and_sampling_works() {
    let group = match Group::new(512 << 20) {
        Ok(group) => group,
        Err(why) => return skip("a container's memory limit", why),
    };
    let here = folder();
    let procs = group.folder.join("cgroup.procs").display().to_string();
    let mut command = Command::new("sh");
    command
        .args(["-c", "echo $$ > \"$0\" && exec \"$@\"", &procs])
        .arg(node())
        .args([ANY_PORT, "--max-old-space-size=420"]);
    let mut target = Node::of("app.js", &mut command, HEAP);
    let pid = target.target();
    for arguments in [vec!["hunt", &pid], vec!["capture", "heap", &pid]] {
        let said = run(&mut leakhound(here.path(), &arguments));
        said.fails(5, &["512 MiB", "more memory", "--sampling-only", "raise the container's memory limit"])
            .hints();
        target.is_as_before(Duration::ZERO);
    }
    assert_eq!(files(here.path()), Vec::<String>::new());

    let listed = run(&mut leakhound(here.path(), &["ps", "--json"])).json();
    let row = listed["processes"].as_array().unwrap().iter().find(|row| row["pid"] == target.pid).unwrap();
    assert_eq!(row["container_limit_bytes"], 512 << 20);

    let said = run(&mut leakhound(here.path(), &["hunt", &pid, "--sampling-only", "--for", "6s", "--json"]));
    assert_eq!(said.code, 0, "{said:#?}");
    let verdict = said.json();
    assert_eq!(verdict["target"]["container_limit_bytes"], 512 << 20);
    assert!(verdict["captures"].as_array().unwrap().is_empty());
    target.is_as_before(Duration::ZERO);
    drop(target);
}

#[test]
fn a_pause_beyond_the_tolerance_is_refused_unless_forced() {
    let here = folder();
    let mut target = Node::start(&[ANY_PORT], IDLE);
    let arguments = ["capture", "heap", &target.target(), "--max-pause", "1ms", "--out", "a.heapsnapshot"];
    run(&mut leakhound(here.path(), &arguments)).fails(5, &["1 ms", "longer pause"]).hints();
    let said = run(leakhound(here.path(), &arguments).arg("--force"));
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.stderr.contains("forced although"), "{said:#?}");
    assert_eq!(files(here.path()), ["a.heapsnapshot"]);
    target.is_as_before(Duration::ZERO);
}
