//! How much memory a process may use, and uses, according to its control groups (v1 and v2).

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// v1 says "unlimited" with the largest multiple of the page size; anything near it is no limit.
const V1_UNLIMITED: u64 = 1 << 60;

/// Memory as the control groups see it, in bytes. `None` means unlimited or unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CgroupMemory {
    /// The lowest hard limit of the process's group and all groups above it.
    pub limit: Option<u64>,
    /// Usage of the group that has that limit (else of the innermost group), page cache included.
    pub used: Option<u64>,
    /// Part of `used` that the kernel can take back at once: file pages that are not in active use.
    pub reclaimable: u64,
    /// The lowest `memory.high` (v2): above it the process is throttled rather than killed.
    pub high: Option<u64>,
    /// The lowest swap limit (v2) in force.
    pub swap_limit: Option<u64>,
}

impl CgroupMemory {
    /// Bytes until the limit, counting reclaimable page cache as free.
    pub fn available(&self) -> Option<u64> {
        Some(self.limit?.saturating_sub(self.used?.saturating_sub(self.reclaimable)))
    }

    /// Reads the groups of a process.
    ///
    /// Looks through the process's own root, so that a process in a container is read through its own view
    /// when ours does not show its groups.
    pub fn of(pid: i32) -> Self {
        let Ok(groups) = fs::read_to_string(format!("/proc/{pid}/cgroup")) else { return Self::default() };
        let here = Self::read(&groups, Path::new("/sys/fs/cgroup"));
        if here.used.is_some() {
            return here;
        }
        Self::read(&groups, Path::new(&format!("/proc/{pid}/root/sys/fs/cgroup")))
    }

    /// Reads the groups named by the text of a process's `cgroup` file below a mount point.
    pub fn read(groups: &str, mount: &Path) -> Self {
        let mut memory = Self::default();
        for line in groups.lines() {
            let mut parts = line.splitn(3, ':');
            let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            if controllers.split(',').any(|controller| controller == "memory") {
                memory.add_v1(&mount.join("memory"), path);
            } else if controllers.is_empty() {
                // Pure v2 is mounted at the root, hybrid set-ups below `unified`.
                memory.add_v2(mount, path);
            }
        }
        memory
    }

    fn add_v1(&mut self, mount: &Path, path: &str) {
        for dir in ancestors(mount, path) {
            let limit = number(&dir, "memory.limit_in_bytes").filter(|&limit| limit < V1_UNLIMITED);
            let used = number(&dir, "memory.usage_in_bytes");
            let reclaimable = stat(&dir, "total_inactive_file").unwrap_or(0);
            self.tighten(limit, used, reclaimable);
        }
    }

    fn add_v2(&mut self, mount: &Path, path: &str) {
        for dir in ancestors(mount, path) {
            let used = number(&dir, "memory.current");
            let reclaimable = stat(&dir, "inactive_file").unwrap_or(0);
            self.tighten(number(&dir, "memory.max"), used, reclaimable);
            self.high = lower(self.high, number(&dir, "memory.high"));
            self.swap_limit = lower(self.swap_limit, number(&dir, "memory.swap.max"));
        }
    }

    /// Takes over a level if it leaves less room than those before.
    fn tighten(&mut self, limit: Option<u64>, used: Option<u64>, reclaimable: u64) {
        let level = Self { limit, used, reclaimable, ..Self::default() };
        let tighter = match (level.available(), self.available()) {
            (Some(new), Some(old)) => new < old,
            (Some(_), None) => true,
            (None, _) => self.used.is_none() && used.is_some(),
        };
        if tighter {
            (self.limit, self.used, self.reclaimable) = (limit.or(self.limit), used, reclaimable);
        }
    }
}

/// The group's directory and those above it, innermost first, the mount itself last.
///
/// Inside a container the path is often that of the host while the mount shows the group itself as root:
/// directories that do not exist are skipped.
fn ancestors(mount: &Path, path: &str) -> Vec<PathBuf> {
    let relative = Path::new(path.trim_start_matches('/'));
    // `/../x` is how a group outside of the namespace's root is written; it cannot be followed from here.
    let outside = relative.components().any(|part| matches!(part, std::path::Component::ParentDir));
    let levels = if outside { Path::new("") } else { relative };
    levels.ancestors().map(|level| mount.join(level)).filter(|dir| dir.is_dir()).collect()
}

fn lower(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// A file with one number; `max` and absent files are `None`.
fn number(dir: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(dir.join(file)).ok()?.trim().parse().ok()
}

fn stat(dir: &Path, key: &str) -> Option<u64> {
    let text = fs::read_to_string(dir.join("memory.stat")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_tightest_of_nested_v2_groups_counts() {
        let root = tree(&[
            ("pod/memory.max", "536870912\n"),
            ("pod/memory.current", "400000000\n"),
            ("pod/memory.stat", "anon 1\ninactive_file 100000000\n"),
            ("pod/app/memory.max", "max\n"),
            ("pod/app/memory.current", "200000000\n"),
            ("pod/app/memory.high", "500000000\n"),
            ("pod/app/memory.swap.max", "0\n"),
            ("memory.current", "9\n"),
        ]);
        let memory = CgroupMemory::read("0::/pod/app\n", root.path());
        assert_eq!(memory.limit, Some(536_870_912));
        assert_eq!(memory.used, Some(400_000_000));
        assert_eq!(memory.available(), Some(236_870_912));
        assert_eq!(memory.high, Some(500_000_000));
        assert_eq!(memory.swap_limit, Some(0));
    }

    #[test]
    fn a_v1_group_without_a_limit_is_unlimited() {
        let root = tree(&[
            ("memory/box/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/box/memory.usage_in_bytes", "1000\n"),
        ]);
        let memory = CgroupMemory::read("3:cpu,cpuacct:/\n5:memory:/box\n0::/\n", root.path());
        assert_eq!((memory.limit, memory.used, memory.available()), (None, Some(1000), None));
    }

    #[test]
    fn a_v1_limit_is_read_with_its_page_cache() {
        let root = tree(&[
            ("memory/box/memory.limit_in_bytes", "1000000\n"),
            ("memory/box/memory.usage_in_bytes", "900000\n"),
            ("memory/box/memory.stat", "cache 5\ntotal_inactive_file 300000\n"),
        ]);
        let memory = CgroupMemory::read("5:memory:/box/gone\n", root.path());
        assert_eq!((memory.limit, memory.available()), (Some(1_000_000), Some(400_000)));
    }

    #[test]
    fn a_container_that_sees_its_group_as_the_root_is_read_there() {
        let root = tree(&[("memory.max", "1000\n"), ("memory.current", "10\n")]);
        for groups in ["0::/\n", "0::/kubepods/burstable/pod1/abc\n", "0::/../other\n"] {
            assert_eq!(CgroupMemory::read(groups, root.path()).available(), Some(990), "{groups}");
        }
    }

    #[test]
    fn nothing_readable_is_unknown_not_zero() {
        let root = tree(&[]);
        assert_eq!(CgroupMemory::read("garbage\n0::/x\n", root.path()), CgroupMemory::default());
    }
}
