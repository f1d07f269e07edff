//! Containers: whole, several in one, cut off, damaged, through a pipe.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).unwrap()
}

/// Text that does not compress to nothing.
fn text() -> Vec<u8> {
    (0..200_000u64).flat_map(|n| format!("{},", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into_bytes()).collect()
}

fn opened(bytes: &[u8]) -> (Vec<u8>, Option<Loss>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let contents = open(file.path(), &Cancel::default(), |_, _| {}).unwrap();
    (all(contents.file), contents.loss)
}

fn all(mut file: File) -> Vec<u8> {
    let mut text = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut text).unwrap();
    text
}

#[test]
fn every_container_gives_its_text_whatever_it_is_called() {
    let text = text();
    let halves = text.split_at(text.len() / 2);
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd(&text)].concat();
    for (name, bytes) in [
        ("plain", text.clone()),
        ("gzip", gzip(&text)),
        ("gzip of two members", [gzip(halves.0), gzip(halves.1)].concat()),
        ("zstd", zstd(&text)),
        ("zstd of two frames", [zstd(halves.0), zstd(halves.1)].concat()),
        ("zstd behind a frame to skip", skipped),
    ] {
        let (found, loss) = opened(&bytes);
        assert!(found == text, "{name}: {} of {} bytes", found.len(), text.len());
        assert_eq!(loss, None, "{name}");
    }
}

#[test]
fn a_container_cut_off_gives_what_is_readable_and_states_the_loss() {
    let text = text();
    for (name, bytes) in [("gzip", gzip(&text)), ("zstd", zstd(&text))] {
        let (found, loss) = opened(&bytes[..bytes.len() * 2 / 3]);
        assert!(found.len() > text.len() / 3 && text.starts_with(&found), "{name}: {}", found.len());
        let loss = loss.unwrap();
        assert_eq!(loss.offset, found.len() as u64, "{name}");
        assert!(loss.what.contains(name) && loss.what.contains("cut off"), "{loss}");
    }
}

#[test]
fn a_damaged_container_gives_what_stands_before_and_states_the_loss() {
    let text = text();
    for (name, mut bytes) in [("gzip", gzip(&text)), ("zstd", zstd(&text))] {
        let middle = bytes.len() / 2;
        bytes[middle..middle + 64].fill(0xff);
        let (_, loss) = opened(&bytes);
        assert!(loss.unwrap().what.contains(name), "{name}");
    }
    let (found, loss) = opened(&[gzip(&text), b"something else".to_vec()].concat());
    assert!(found == text);
    assert!(loss.unwrap().what.contains("damaged"));
}

#[test]
fn a_pipe_is_unpacked_like_a_file() {
    let text = text();
    for bytes in [text.clone(), gzip(&text), zstd(&text), b"{".to_vec(), Vec::new()] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let expected = if bytes.len() > 4 { text.clone() } else { bytes.clone() };
        let sender = std::thread::spawn(move || {
            for part in bytes.chunks(3).take(5) {
                writer.write_all(part).unwrap();
            }
            writer.write_all(bytes.get(15..).unwrap_or_default()).unwrap();
        });
        let cancel = Cancel::default();
        let input = Input::new(File::from(std::os::fd::OwnedFd::from(reader)), &cancel);
        let contents = unpack(input, 0, &std::env::temp_dir(), &cancel, |_, _| {}).unwrap();
        sender.join().unwrap();
        assert_eq!(contents.loss, None);
        assert!(all(contents.file) == expected);
    }
}

#[test]
fn a_pipe_that_gives_nothing_can_be_interrupted() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let cancel = Cancel::default();
    let file = File::from(std::os::fd::OwnedFd::from(reader));
    let result = std::thread::scope(|scope| {
        let work = scope
            .spawn(|| unpack(Input::new(file, &cancel), 0, &std::env::temp_dir(), &cancel, |_, _| {}).err());
        std::thread::sleep(std::time::Duration::from_millis(50));
        cancel.cancel();
        work.join().unwrap()
    });
    assert!(matches!(result, Some(UnpackError::Cancelled)), "{result:?}");
}

#[test]
fn progress_is_told_in_bytes_of_the_input() {
    let bytes = gzip(&text());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let heard = std::cell::RefCell::new(Vec::new());
    open(file.path(), &Cancel::default(), |done, total| heard.borrow_mut().push((done, total))).unwrap();
    let heard = heard.into_inner();
    assert!(heard.is_sorted() && heard.len() > 1);
    assert_eq!(heard.last(), Some(&(bytes.len() as u64, bytes.len() as u64)));
}
