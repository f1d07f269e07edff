//! Source texts: from the disk as the target sees it, or from the evidence that an earlier hunt kept.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leakhound_diagnose::Sources;

/// Larger sources are bundles nobody reads, and are searched from the dump's beginning only.
const MAX_SOURCE: u64 = 64 << 20;

/// Where sources are kept inside an evidence folder.
pub(crate) const FOLDER: &str = "sources";
const INDEX: &str = "index.json";

/// Reads sources and remembers what was asked for, so that a hunt can keep it beside the dumps.
pub(crate) struct DiskSources {
    /// Prefix for absolute paths: the target's root directory, for a target in a container.
    root: Option<PathBuf>,
    /// URL → file, from the evidence of an earlier hunt.
    kept: BTreeMap<String, PathBuf>,
    served: RefCell<BTreeMap<String, Arc<str>>>,
}

impl DiskSources {
    pub(crate) fn new(root: Option<PathBuf>) -> Self {
        Self { root, kept: BTreeMap::new(), served: RefCell::default() }
    }

    /// Also serves what the evidence in `folder` kept, before the disk's version.
    pub(crate) fn with_evidence(mut self, folder: &Path) -> Self {
        let folder = folder.join(FOLDER);
        let index = std::fs::read(folder.join(INDEX)).ok();
        let index: Option<BTreeMap<String, String>> =
            index.and_then(|json| serde_json::from_slice(&json).ok());
        for (url, file) in index.into_iter().flatten() {
            // Names in an index that came from elsewhere must not lead out of the folder.
            if Path::new(&file).components().count() == 1 {
                self.kept.insert(url, folder.join(file));
            }
        }
        self
    }

    fn path(&self, url: &str) -> Option<PathBuf> {
        let path = PathBuf::from(plain_path(url)?);
        Some(match &self.root {
            Some(root) => root.join(path.strip_prefix("/").unwrap_or(&path)),
            None => path,
        })
    }

    /// Writes everything that was served into `folder`/sources.
    pub(crate) fn keep(&self, folder: &Path) -> std::io::Result<()> {
        let served = self.served.borrow();
        if served.is_empty() {
            return Ok(());
        }
        let folder = folder.join(FOLDER);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let mut index = BTreeMap::new();
        for (number, (url, text)) in served.iter().enumerate() {
            let name = url
                .rsplit('/')
                .next()
                .unwrap_or("source")
                .replace(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-', "_");
            let name = format!("{number:03}-{name}");
            crate::evidence::write_private(&folder.join(&name), text.as_bytes())?;
            index.insert(url.clone(), name);
        }
        let index = serde_json::to_vec_pretty(&index).map_err(std::io::Error::other)?;
        crate::evidence::write_private(&folder.join(INDEX), &index)
    }
}

/// A `file:` URL or an absolute path as a path; anything else is no file.
fn plain_path(url: &str) -> Option<String> {
    let path = match url.strip_prefix("file://") {
        Some(rest) => percent_decoded(rest),
        None => url.to_owned(),
    };
    path.starts_with('/').then_some(path)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match byte {
            b'%' => match (digit(rest.next()), digit(rest.next())) {
                (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
                _ => bytes.push(b'%'),
            },
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Sources for DiskSources {
    fn text(&self, url: &str) -> Option<Arc<str>> {
        if let Some(known) = self.served.borrow().get(url) {
            return Some(known.clone());
        }
        let path = self.kept.get(url).cloned().or_else(|| self.path(url))?;
        let details = std::fs::metadata(&path).ok()?;
        if !details.is_file() || details.len() > MAX_SOURCE {
            return None;
        }
        let bytes = std::fs::read(&path).ok()?;
        let text: Arc<str> = Arc::from(String::from_utf8_lossy(&bytes));
        self.served.borrow_mut().insert(url.to_owned(), text.clone());
        Some(text)
    }

    fn package_version(&self, url: &str) -> Option<String> {
        let path = self.path(url)?;
        let name = leakhound_diagnose::package_of(url)?;
        let folder =
            path.ancestors().find(|folder| folder.ends_with(Path::new("node_modules").join(name)))?;
        let manifest = std::fs::read(folder.join("package.json")).ok()?;
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).ok()?;
        manifest.get("version")?.as_str().map(str::to_owned)
    }
}
