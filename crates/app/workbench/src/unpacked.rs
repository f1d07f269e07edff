//! Dumps that are not plain files: compressed ones, and standard input.
//!
//! They are unpacked, as they come, into a temporary file that has no name, and that file is mapped: memory
//! does not grow with the dump, and nothing is left behind however we end.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use leakhound_heap::{Loss, SnapshotBytes};
use tokio::sync::mpsc;

use crate::{Cancel, Event, WorkbenchError, mapped};

/// The path that stands for standard input.
pub(crate) const STDIN: &str = "-";
/// Bytes unpacked at a time.
const CHUNK: usize = 1 << 20;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The bytes of a dump, and what of them could not be unpacked.
pub(crate) fn bytes(
    path: &Path,
    cancel: &Cancel,
    events: &mpsc::Sender<Event>,
) -> Result<(SnapshotBytes, Option<Loss>), WorkbenchError> {
    let open = WorkbenchError::file("open", path);
    if path.as_os_str() == STDIN {
        let input = Counted { input: std::io::stdin(), count: 0, total: 0, file: "standard input", events };
        return unpack(BufReader::with_capacity(CHUNK, input), Path::new("standard input"), cancel);
    }
    let file = match mapped::regular_file(path) {
        Ok(file) => file,
        Err(error) => return Err(open(error)),
    };
    let total = file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut magic = [0; 4];
    let length = (&file).take(4).read(&mut magic).map_err(WorkbenchError::file("read", path))?;
    let magic = magic.get(..length).unwrap_or_default();
    if !magic.starts_with(GZIP) && !magic.starts_with(ZSTD) {
        return Ok((mapped::map(&file).map_err(open)?, None));
    }
    let again = File::open(path).map_err(WorkbenchError::file("open", path))?;
    let input = Counted { input: again, count: 0, total, file: &name, events };
    unpack(BufReader::with_capacity(CHUNK, input), path, cancel)
}

fn unpack(
    mut input: BufReader<impl Read>,
    path: &Path,
    cancel: &Cancel,
) -> Result<(SnapshotBytes, Option<Loss>), WorkbenchError> {
    let folder = scratch();
    let mut file = tempfile::tempfile_in(&folder).map_err(WorkbenchError::file("unpack into", &folder))?;
    let start = input.fill_buf().map_err(WorkbenchError::file("read", path))?;
    let (gzip, zstd) = (start.starts_with(GZIP), start.starts_with(ZSTD));
    let mut decoder: Box<dyn Read + '_> = if gzip {
        Box::new(MultiGzDecoder::new(&mut input))
    } else if zstd {
        let decoder = zstd::stream::read::Decoder::with_buffer(&mut input);
        Box::new(decoder.map_err(WorkbenchError::file("read", path))?)
    } else {
        Box::new(&mut input)
    };
    let mut chunk = vec![0; CHUNK];
    let mut unpacked = 0u64;
    let loss = loop {
        if cancel.is_cancelled() {
            return Err(WorkbenchError::Interrupted);
        }
        let length = match decoder.read(&mut chunk) {
            Ok(0) => break None,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // What came before the damage is good; the reader says what it is worth.
            Err(error) if (gzip || zstd) && is_damage(error.kind()) => {
                let what = format!("the compressed data is cut off or damaged here ({error})");
                break Some(Loss { section: "file", offset: unpacked, what });
            }
            Err(error) => return Err(WorkbenchError::file("read", path)(error)),
        };
        let part = chunk.get(..length).unwrap_or_default();
        file.write_all(part).map_err(WorkbenchError::file("unpack into", &folder))?;
        unpacked += length as u64;
    };
    drop(decoder);
    Ok((mapped::map(&file).map_err(WorkbenchError::file("map", &folder))?, loss))
}

fn is_damage(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other
    )
}

/// Where there is room for something large: not in memory, as `/tmp` may be.
fn scratch() -> PathBuf {
    match std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => folder.into(),
        None => {
            let large = PathBuf::from("/var/tmp");
            if large.is_dir() { large } else { std::env::temp_dir() }
        }
    }
}

/// A reader that tells how far it has come.
struct Counted<'a, R> {
    input: R,
    count: u64,
    total: u64,
    file: &'a str,
    events: &'a mpsc::Sender<Event>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.count += length as u64;
        if self.total > 0 {
            let _ = self.events.try_send(Event::Reading {
                file: self.file.to_owned(),
                bytes: self.count,
                total: self.total,
            });
        }
        Ok(length)
    }
}
