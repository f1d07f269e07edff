//! The side-car index `FILE.lhx`: what was computed from a dump, mapped again by the next command.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..64 | head: magic, version, where the directory lies, a checksum of the head |
//! | pages | sections, each at the start of a page |
//! | last | directory (JSON): the key of the dump, the boot, and where each section lies |
//!
//! *Atomic.* A new index is a file without a name until it is whole; it gets its name in one step. Sections
//! that a later command adds are written behind the directory, with a new directory behind them; one write
//! of the head makes them count. Whoever is killed leaves nothing, or bytes that nobody points at.
//!
//! *Trusted only when it is ours.* Numbers in it are not checked again. So it must belong to this user, be
//! writable by nobody else, be of this version, fit the dump (size, time, samples of the content), and be
//! from this boot: what was written before a crash of the machine may not have reached the disk, and
//! whoever hands over a dump with an index beside it does not know the boot's identifier.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use leakhound_heap::SnapshotBytes;
use leakhound_heap::index::{Store, VERSION};
use rustix::fs::{AtFlags, CWD, FlockOperation, flock, linkat};
use serde::{Deserialize, Serialize};

use crate::{mapped, unpacked};

const MAGIC: &[u8; 8] = b"LHX\x01\r\n\x1a\n";
const HEAD: usize = 64;
const PAGE: u64 = 4096;
/// Dumps below this size (bytes) are read as fast as an index would be found.
const SMALL: u64 = 1 << 20;
/// Free space that is left to everybody else, in bytes.
const RESERVE: u64 = 256 << 20;
/// Indexes in the user's cache that were written so long ago are removed.
const STALE: Duration = Duration::from_secs(14 * 24 * 3600);

/// Whether commands read and write indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexUse {
    /// Where possible.
    #[default]
    Yes,
    /// Neither.
    No,
}

/// What the face has decided, for the whole process.
static USE: OnceLock<IndexUse> = OnceLock::new();

impl IndexUse {
    /// Decides for this process; only the first decision counts.
    pub fn decide(self) {
        let _ = USE.set(self);
    }
}

/// What an index must have been made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    size: u64,
    modified_s: i64,
    modified_ns: i64,
    samples: u64,
    boot: String,
    /// The build: two versions may differ in what a section means.
    program: String,
}

impl Key {
    fn of(dump: &File) -> io::Result<Self> {
        let details = dump.metadata()?;
        Ok(Self {
            size: details.len(),
            modified_s: details.mtime(),
            modified_ns: details.mtime_nsec(),
            samples: samples(dump, details.len())?,
            boot: std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned(),
            program: format!("{} {}", env!("CARGO_PKG_VERSION"), VERSION),
        })
    }
}

/// A hash of 64 pieces spread over the content, its start and its end among them.
fn samples(dump: &File, size: u64) -> io::Result<u64> {
    const PIECES: u64 = 64;
    const PIECE: usize = 4096;
    let mut hasher = DefaultHasher::new();
    let mut piece = [0u8; PIECE];
    for number in 0..PIECES {
        let last = size.saturating_sub(PIECE as u64);
        let at = (u128::from(last) * u128::from(number) / u128::from(PIECES - 1)) as u64;
        let length = dump.read_at(&mut piece, at)?;
        hasher.write(piece.get(..length).unwrap_or_default());
    }
    Ok(hasher.finish())
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Directory {
    key: Key,
    /// Name → offset and length, in bytes.
    sections: BTreeMap<String, (u64, u64)>,
}

/// An index being read, written, or both.
pub(crate) struct Index {
    file: File,
    /// The whole of it as it was when it was opened.
    map: Option<SnapshotBytes>,
    state: Mutex<State>,
    /// Held while writing: two writers of one file wait for each other at the processor's expense.
    writing: Mutex<()>,
}

struct State {
    directory: Directory,
    /// Where the next section goes; `None` when this process does not write.
    end: Option<u64>,
    /// Sections were added since the directory was last written.
    changed: bool,
    /// The name that the file gets when it is whole; `None` when it has one.
    unnamed: Option<Named>,
}

struct Named {
    path: PathBuf,
    /// What the file is called until then, where the file system has no files without a name.
    temporary: Option<tempfile::TempPath>,
}

impl Index {
    /// The index of a dump: the one that is there, else a new one. `None` where there can be none: the dump
    /// is small, nothing can be written near it or in the cache, or the disk is nearly full.
    pub(crate) fn open(path: &Path, dump: &File) -> Option<Self> {
        if USE.get() == Some(&IndexUse::No) {
            return None;
        }
        let key = Key::of(dump).ok().filter(|key| key.size >= SMALL)?;
        let absolute = std::fs::canonicalize(path).ok()?;
        let beside = beside(&absolute);
        let cached = cached(&absolute);
        let places: Vec<&PathBuf> = [Some(&beside), cached.as_ref()].into_iter().flatten().collect();
        if let Some(index) = places.iter().find_map(|place| Self::existing(place, &key)) {
            return Some(index);
        }
        places.iter().find_map(|place| Self::create(place, &key))
    }

    fn existing(path: &Path, key: &Key) -> Option<Self> {
        let (file, may_write) = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => (file, true),
            Err(_) => (File::open(path).ok()?, false),
        };
        let details = file.metadata().ok()?;
        let ours = details.uid() == rustix::process::geteuid().as_raw();
        if !details.is_file() || !ours || details.permissions().mode() & 0o022 != 0 {
            return None;
        }
        // Whoever does not get the lock only reads; the lock goes with the file.
        let may_write = may_write && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        let directory = read_directory(&file)?;
        if directory.key != *key {
            return None;
        }
        let length = file.metadata().ok()?.len();
        let whole = |&(at, size): &(u64, u64)| at.checked_add(size).is_some_and(|end| end <= length);
        if !directory.sections.values().all(whole) {
            return None;
        }
        let map = mapped::map(&file).ok()?;
        let state = State {
            directory,
            end: may_write.then(|| length.next_multiple_of(PAGE)),
            changed: false,
            unnamed: None,
        };
        Some(Self { file, map: Some(map), state: Mutex::new(state), writing: Mutex::default() })
    }

    fn create(path: &Path, key: &Key) -> Option<Self> {
        let folder = path.parent()?;
        if unpacked::cache().is_some_and(|cache| folder.starts_with(cache)) {
            tidy(folder);
        }
        if std::fs::symlink_metadata(path).is_ok() && !is_index(path) {
            // Somebody else's file of that name.
            return None;
        }
        // About as large as the dump, twice that at the worst.
        let space = rustix::fs::statvfs(folder).ok()?;
        if space.f_bavail.saturating_mul(space.f_frsize) < key.size.saturating_mul(2).saturating_add(RESERVE)
        {
            return None;
        }
        let without_name = OpenOptions::new()
            .read(true)
            .write(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::TMPFILE.bits() as i32)
            .open(folder);
        let (file, temporary) = match without_name {
            Ok(file) => (file, None),
            Err(_) => {
                let (file, path) = tempfile::Builder::new()
                    .prefix(".leakhound-")
                    .suffix(".lhx.partial")
                    .tempfile_in(folder)
                    .ok()?
                    .into_parts();
                (file, Some(path))
            }
        };
        let state = State {
            directory: Directory { key: key.clone(), sections: BTreeMap::new() },
            end: Some(PAGE),
            changed: false,
            unnamed: Some(Named { path: path.to_owned(), temporary }),
        };
        Some(Self { file, map: None, state: Mutex::new(state), writing: Mutex::default() })
    }

    /// Makes everything that was put count for later commands. Without this call nothing of it does.
    pub(crate) fn commit(&self) -> io::Result<()> {
        let Ok(mut state) = self.state.lock() else { return Ok(()) };
        let Some(at) = state.end.filter(|_| state.changed) else { return Ok(()) };
        let directory = serde_json::to_vec(&state.directory).map_err(io::Error::other)?;
        self.file.write_all_at(&directory, at)?;
        self.file.write_all_at(&head(at, &directory), 0)?;
        state.end = Some((at + directory.len() as u64).next_multiple_of(PAGE));
        state.changed = false;
        match state.unnamed.take() {
            Some(named) => give_name(&self.file, named),
            None => Ok(()),
        }
    }
}

impl Store for Index {
    fn get(&self, name: &str) -> Option<(SnapshotBytes, Range<usize>)> {
        let (at, length) = *self.state.lock().ok()?.directory.sections.get(name)?;
        match &self.map {
            Some(map) if at + length <= map.as_slice().len() as u64 => {
                Some((map.clone(), at as usize..(at + length) as usize))
            }
            _ => self.map(at, length),
        }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Option<(SnapshotBytes, Range<usize>)> {
        let at = {
            let mut state = self.state.lock().ok()?;
            let at = state.end?;
            state.end = Some((at + bytes.len() as u64).next_multiple_of(PAGE));
            at
        };
        let written = {
            let _one_at_a_time = self.writing.lock();
            self.file.write_all_at(bytes, at)
        };
        let mut state = self.state.lock().ok()?;
        if let Err(error) = written {
            tracing::debug!(%error, "the index cannot be written");
            state.end = None;
            return None;
        }
        state.directory.sections.insert(name.to_owned(), (at, bytes.len() as u64));
        state.changed = true;
        drop(state);
        self.map(at, bytes.len() as u64)
    }
}

impl Index {
    fn map(&self, at: u64, length: u64) -> Option<(SnapshotBytes, Range<usize>)> {
        if length == 0 {
            // Nothing can be mapped; a column of nothing needs no place.
            return Some((
                vec![0u64; 1].into_iter().flat_map(u64::to_ne_bytes).collect::<Vec<u8>>().into(),
                0..0,
            ));
        }
        let bytes = mapped::map_part(&self.file, at, length as usize).ok()?;
        Some((bytes, 0..length as usize))
    }
}

/// The head: magic, version, offset and length of the directory, its hash, and a hash of all that.
fn head(at: u64, directory: &[u8]) -> [u8; HEAD] {
    let mut head = [0u8; HEAD];
    let fields = [
        u64::from(VERSION),
        at,
        directory.len() as u64,
        hash(directory),
        u64::from(u32::from_ne_bytes([1, 2, 3, 4])),
    ];
    head[..8].copy_from_slice(MAGIC);
    for (slot, field) in head[8..].chunks_exact_mut(8).zip(fields) {
        slot.copy_from_slice(&field.to_le_bytes());
    }
    let sum = hash(&head[..HEAD - 8]);
    head[HEAD - 8..].copy_from_slice(&sum.to_le_bytes());
    head
}

fn is_index(path: &Path) -> bool {
    let mut start = [0u8; MAGIC.len()];
    File::open(path).is_ok_and(|file| file.read_exact_at(&mut start, 0).is_ok() && start == *MAGIC)
}

fn read_directory(file: &File) -> Option<Directory> {
    let mut found = [0u8; HEAD];
    file.read_exact_at(&mut found, 0).ok()?;
    let field = |at: usize| Some(u64::from_le_bytes(found.get(8 * at..8 * at + 8)?.try_into().ok()?));
    let (at, length) = (field(2)?, field(3)?);
    if length > 1 << 20 {
        return None;
    }
    let mut directory = vec![0u8; length as usize];
    file.read_exact_at(&mut directory, at).ok()?;
    if head(at, &directory) != found {
        return None;
    }
    serde_json::from_slice(&directory).ok()
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Names a whole file, replacing what has the name, in one step.
fn give_name(file: &File, named: Named) -> io::Result<()> {
    if let Some(temporary) = named.temporary {
        return temporary.persist(&named.path).map_err(|error| error.error);
    }
    let mut name = named.path.clone().into_os_string();
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(CWD, own.as_str(), CWD, &temporary, AtFlags::SYMLINK_FOLLOW)?;
    std::fs::rename(&temporary, &named.path).inspect_err(|_| {
        let _ = std::fs::remove_file(&temporary);
    })
}

/// `FILE.lhx`
fn beside(dump: &Path) -> PathBuf {
    let mut name = dump.as_os_str().to_owned();
    name.push(".lhx");
    PathBuf::from(name)
}

/// The place in the user's cache, for dumps in folders that cannot be written.
fn cached(dump: &Path) -> Option<PathBuf> {
    let folder = unpacked::cache()?.join("index");
    std::fs::create_dir_all(&folder).ok()?;
    let name = dump.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Some(folder.join(format!("{name}.{:016x}.lhx", hash(dump.as_os_str().as_bytes()))))
}

/// Removes indexes from the cache that were written long ago: nobody else would.
fn tidy(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let old = entry.metadata().and_then(|details| details.modified());
        let stale = old.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > STALE));
        if stale && entry.path().extension().is_some_and(|extension| extension == "lhx") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dump of 2 MiB and the folder that it lies in.
    fn dump() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.heapsnapshot");
        let content: Vec<u8> = (0..2 << 20).map(|at: u32| (at % 251) as u8).collect();
        std::fs::write(&path, content).unwrap();
        (folder, path)
    }

    fn index(path: &Path) -> Option<Index> {
        let dump = File::open(path).unwrap();
        let key = Key::of(&dump).unwrap();
        Index::existing(&beside(path), &key).or_else(|| Index::create(&beside(path), &key))
    }

    fn section(index: &Index, name: &str) -> Option<Vec<u8>> {
        index.get(name).map(|(bytes, at)| bytes.as_slice()[at].to_vec())
    }

    #[test]
    fn what_was_put_is_there_for_the_next_one_and_more_can_be_added() {
        let (folder, path) = dump();
        let first = index(&path).unwrap();
        let (bytes, at) = first.put("one", b"1111").unwrap();
        assert_eq!(&bytes.as_slice()[at], b"1111");
        first.put("empty", b"").unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a file without a name");
        first.commit().unwrap();
        drop(first);
        let second = index(&path).unwrap();
        assert_eq!(section(&second, "one").unwrap(), b"1111");
        assert_eq!(section(&second, "empty").unwrap(), b"");
        second.put("two", &[2; 10_000]).unwrap();
        // Not committed: not there.
        drop(second);
        let third = index(&path).unwrap();
        assert!(section(&third, "two").is_none());
        third.put("two", &[3; 10_000]).unwrap();
        third.commit().unwrap();
        drop(third);
        let last = index(&path).unwrap();
        assert_eq!(section(&last, "two").unwrap(), [3; 10_000]);
        assert_eq!(section(&last, "one").unwrap(), b"1111");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        let mode = std::fs::metadata(beside(&path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn two_at_once_do_not_write_over_each_other() {
        let (_folder, path) = dump();
        let first = index(&path).unwrap();
        first.put("one", b"1").unwrap();
        first.commit().unwrap();
        drop(first);
        let writer = index(&path).unwrap();
        let reader = index(&path).unwrap();
        assert!(writer.put("two", b"2").is_some());
        assert!(reader.put("two", b"3").is_none(), "only one holds the lock");
        writer.commit().unwrap();
        reader.commit().unwrap();
        drop((writer, reader));
        assert_eq!(section(&index(&path).unwrap(), "two").unwrap(), b"2");
    }

    /// An index with one section, its dump, and then something that makes it useless.
    fn refused(spoil: impl FnOnce(&Path, &Path)) {
        let (_folder, path) = dump();
        let first = index(&path).unwrap();
        first.put("one", b"1111").unwrap();
        first.commit().unwrap();
        drop(first);
        spoil(&path, &beside(&path));
        let key = Key::of(&File::open(&path).unwrap()).unwrap();
        assert!(Index::existing(&beside(&path), &key).is_none());
    }

    #[test]
    fn an_index_that_does_not_fit_or_is_not_ours_is_not_read() {
        // Another dump of the same length and time.
        refused(|dump, _| {
            let time = std::fs::metadata(dump).unwrap().modified().unwrap();
            let file = OpenOptions::new().write(true).open(dump).unwrap();
            file.write_all_at(b"something else", 0).unwrap();
            file.set_modified(time).unwrap();
        });
        // The same content, written again.
        refused(|dump, _| {
            File::options().write(true).open(dump).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        });
        // Longer by a byte.
        refused(|dump, _| {
            let file = OpenOptions::new().write(true).open(dump).unwrap();
            file.write_all_at(b"!", 2 << 20).unwrap();
        });
        // Every byte of the head counts.
        for at in [0, 8, 16, 24, 32, 40, 63] {
            refused(|_, index| {
                let file = OpenOptions::new().read(true).write(true).open(index).unwrap();
                let mut byte = [0u8];
                file.read_exact_at(&mut byte, at).unwrap();
                file.write_all_at(&[byte[0] ^ 1], at).unwrap();
            });
        }
        // Cut off.
        refused(|_, index| File::options().write(true).open(index).unwrap().set_len(5000).unwrap());
        refused(|_, index| File::options().write(true).open(index).unwrap().set_len(10).unwrap());
        // Others may write it.
        refused(|_, index| {
            std::fs::set_permissions(index, std::fs::Permissions::from_mode(0o666)).unwrap();
        });
        // Of another boot or another build.
        refused(|_, index| {
            let file = OpenOptions::new().read(true).write(true).open(index).unwrap();
            let mut directory = read_directory(&file).unwrap();
            directory.key.boot = "another".into();
            let json = serde_json::to_vec(&directory).unwrap();
            let at = file.metadata().unwrap().len();
            file.write_all_at(&json, at).unwrap();
            file.write_all_at(&head(at, &json), 0).unwrap();
        });
    }

    #[test]
    fn a_place_that_cannot_be_written_is_passed_over() {
        let (_folder, path) = dump();
        let key = Key::of(&File::open(&path).unwrap()).unwrap();
        assert!(Index::create(Path::new("/proc/self/a.lhx"), &key).is_none());
        assert!(Index::create(Path::new("/nonexistent/a.lhx"), &key).is_none());
        std::fs::write(beside(&path), "somebody's notes").unwrap();
        assert!(index(&path).is_none());
        assert_eq!(std::fs::read_to_string(beside(&path)).unwrap(), "somebody's notes");
    }
}
