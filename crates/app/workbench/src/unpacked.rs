//! Snapshots that are no plain file: compressed ones and those that come through a pipe.
//!
//! Their text goes into a file without a name, which the system removes when we end, however we end, and
//! is mapped from there like any other: memory does not grow with it. What it may become is bounded by the
//! free space of the disk.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use leakhound_heap::Loss;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Cancel;

/// The path that stands for standard input.
pub(crate) const STDIN: &str = "-";
/// Bytes decompressed between two looks at the disk, the user and the progress.
const STEP: usize = 1 << 20;
/// Free space that is left to everybody else, in bytes.
const RESERVE: u64 = 64 << 20;

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Plain,
    Gzip,
    Zstd,
}

impl Container {
    fn of(start: &[u8]) -> Self {
        match start {
            // RFC 1952, 2.3.1.
            [0x1f, 0x8b, ..] => Self::Gzip,
            // RFC 8878, 3.1.1 and 3.1.2: a frame, or one to be skipped.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// What is to be mapped.
pub(crate) struct Contents {
    /// A plain file, whole.
    pub(crate) file: File,
    /// Whether it is the very file that was asked for.
    pub(crate) plain: bool,
    /// What the container has lost.
    pub(crate) loss: Option<Loss>,
}

/// Why there is nothing to map.
#[derive(Debug)]
pub(crate) enum UnpackError {
    /// The input cannot be read.
    Read(io::Error),
    /// The text has no room.
    Write(io::Error),
    /// The user interrupted.
    Cancelled,
}

/// Opens a file, a pipe or, called `-`, standard input. Regular files that are not compressed are given as
/// they are; everything else is unpacked. `progress` hears bytes of the input, done and in all (0: unknown).
pub(crate) fn open(
    path: &Path,
    cancel: &Cancel,
    progress: impl Fn(u64, u64),
) -> Result<Contents, UnpackError> {
    let mut file = if path == Path::new(STDIN) {
        File::from(io::stdin().as_fd().try_clone_to_owned().map_err(UnpackError::Read)?)
    } else {
        File::open(path).map_err(UnpackError::Read)?
    };
    let details = file.metadata().map_err(UnpackError::Read)?;
    let kind = std::os::unix::fs::FileTypeExt::is_fifo(&details.file_type())
        || std::os::unix::fs::FileTypeExt::is_socket(&details.file_type());
    if !details.is_file() && !kind {
        let what = "not a regular file and not a pipe";
        return Err(UnpackError::Read(io::Error::new(io::ErrorKind::InvalidInput, what)));
    }
    let total = if details.is_file() { details.len() } else { 0 };
    if details.is_file() && file.stream_position().map_err(UnpackError::Read)? == 0 {
        let mut start = [0u8; 4];
        let length = std::os::unix::fs::FileExt::read_at(&file, &mut start, 0).map_err(UnpackError::Read)?;
        if Container::of(start.get(..length).unwrap_or_default()) == Container::Plain {
            return Ok(Contents { file, plain: true, loss: None });
        }
    }
    unpack(Input::new(file, cancel), total, &folder(), cancel, progress)
}

/// Where the text goes: `TMPDIR` where it is set, else the user's cache, because `/tmp` is often memory.
fn folder() -> PathBuf {
    set("TMPDIR").or_else(cache).unwrap_or_else(std::env::temp_dir)
}

fn set(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Our folder in the user's cache.
pub(crate) fn cache() -> Option<PathBuf> {
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?;
    let folder = base.join("leakhound");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder)
}

fn unpack(
    input: Input<'_>,
    total: u64,
    folder: &Path,
    cancel: &Cancel,
    progress: impl Fn(u64, u64),
) -> Result<Contents, UnpackError> {
    // Without a name from the start (or, where the file system cannot, without it at once).
    let mut out = tempfile::tempfile_in(folder).map_err(UnpackError::Write)?;
    let mut input = BufReader::with_capacity(1 << 17, input);
    let container = match first_bytes(&mut input) {
        Ok(start) => Container::of(&start),
        Err(error) => {
            return Err(input.get_mut().failure.take().map_or(UnpackError::Read(error), Into::into));
        }
    };
    let damage = match container {
        Container::Plain => {
            pour(&mut input, &mut out, cancel, &progress, |input| input.get_ref().done, total)?
        }
        Container::Gzip => {
            let mut text = MultiGzDecoder::new(&mut input);
            pour(&mut text, &mut out, cancel, &progress, |text| text.get_ref().get_ref().done, total)?
        }
        Container::Zstd => {
            let mut text = zstd::Decoder::with_buffer(&mut input).map_err(UnpackError::Read)?;
            pour(&mut text, &mut out, cancel, &progress, |text| text.get_ref().get_ref().done, total)?
        }
    };
    if let Some(failure) = input.get_mut().failure.take() {
        return Err(failure.into());
    }
    let at = input.get_ref().done;
    out.flush().map_err(UnpackError::Write)?;
    let length = out.stream_position().map_err(UnpackError::Write)?;
    let loss = damage.map(|error| Loss {
        section: "file",
        offset: length,
        what: match error.kind() {
            io::ErrorKind::UnexpectedEof => format!(
                "the compressed data is cut off ({}), after {at} of its bytes; {length} bytes unpacked",
                container.name()
            ),
            _ => format!(
                "the compressed data is damaged ({}, {error}) near its byte {at}; {length} bytes unpacked",
                container.name()
            ),
        },
    });
    Ok(Contents { file: out, plain: false, loss })
}

/// The first four bytes, left where they are. A pipe may give them one by one.
fn first_bytes(input: &mut BufReader<Input<'_>>) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    input.by_ref().take(4).read_to_end(&mut start)?;
    input.get_mut().again = start.clone();
    // What the buffer holds beyond them is given again behind them.
    let held = input.buffer().to_vec();
    input.get_mut().again.extend_from_slice(&held);
    input.consume(held.len());
    Ok(start)
}

/// Copies until the end; returns what was wrong with the source, if anything.
fn pour<R: Read>(
    source: &mut R,
    out: &mut File,
    cancel: &Cancel,
    progress: &impl Fn(u64, u64),
    done: impl Fn(&R) -> u64,
    total: u64,
) -> Result<Option<io::Error>, UnpackError> {
    let mut buffer = vec![0u8; STEP];
    loop {
        if cancel.is_cancelled() {
            return Err(UnpackError::Cancelled);
        }
        let mut length = 0;
        let mut damage = None;
        let mut ended = false;
        while length < buffer.len() {
            match source.read(buffer.get_mut(length..).unwrap_or_default()) {
                Ok(0) => {
                    ended = true;
                    break;
                }
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    damage = Some(error);
                    break;
                }
            }
        }
        let space = rustix::fs::fstatvfs(&*out).map_err(|error| UnpackError::Write(error.into()))?;
        if space.f_bavail.saturating_mul(space.f_frsize) < RESERVE + length as u64 {
            return Err(UnpackError::Write(io::ErrorKind::StorageFull.into()));
        }
        out.write_all(buffer.get(..length).unwrap_or_default()).map_err(UnpackError::Write)?;
        let done = done(source);
        progress(done, total.max(done));
        if ended || damage.is_some() {
            return Ok(damage);
        }
    }
}

/// The input as it comes in: counted, and given up when the user interrupts a pipe that gives nothing.
struct Input<'a> {
    file: File,
    cancel: &'a Cancel,
    /// Bytes taken from the file.
    done: u64,
    /// Bytes to be given once more before the file goes on.
    again: Vec<u8>,
    /// Why the file itself, not what it holds, could not be read.
    failure: Option<Failure>,
}

enum Failure {
    Read(io::Error),
    Cancelled,
}

impl From<Failure> for UnpackError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Read(error) => Self::Read(error),
            Failure::Cancelled => Self::Cancelled,
        }
    }
}

impl<'a> Input<'a> {
    fn new(file: File, cancel: &'a Cancel) -> Self {
        Self { file, cancel, done: 0, again: Vec::new(), failure: None }
    }

    fn wait(&self) -> io::Result<bool> {
        loop {
            if self.cancel.is_cancelled() {
                return Ok(false);
            }
            let patience = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
            match poll(&mut [PollFd::new(&self.file, PollFlags::IN)], Some(&patience)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.again.is_empty() {
            let length = self.again.len().min(buffer.len());
            if let Some((given, out)) = self.again.get(..length).zip(buffer.get_mut(..length)) {
                out.copy_from_slice(given);
            }
            self.again.drain(..length);
            return Ok(length);
        }
        let result = match self.wait() {
            Ok(true) => self.file.read(buffer),
            Ok(false) => {
                self.failure = Some(Failure::Cancelled);
                return Err(io::ErrorKind::Other.into());
            }
            Err(error) => Err(error),
        };
        match result {
            Ok(length) => {
                self.done += length as u64;
                Ok(length)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(Failure::Read(error));
                Err(kind.into())
            }
        }
    }
}

#[cfg(test)]
#[path = "unpacked_tests.rs"]
mod tests;
