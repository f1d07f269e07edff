//! Why a snapshot could not be read.

/// A snapshot that cannot be read at all. Losses that leave a usable heap are [`crate::Loss`]es instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The bytes are not a heap snapshot.
    #[error("not a V8 heap snapshot: expected {expected} at byte {offset}, found {found}")]
    NotASnapshot {
        /// Byte offset of the surprise.
        offset: u64,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// The file ends inside a section without which nothing can be said.
    #[error("the file ends at byte {offset} inside \"{section}\", after {found} of {expected} numbers")]
    Truncated {
        /// The section.
        section: &'static str,
        /// Length of the file in bytes.
        offset: u64,
        /// Numbers present.
        found: u64,
        /// Numbers declared in the header.
        expected: u64,
    },
    /// The header's JSON is broken.
    #[error("the header (\"snapshot\", at byte {offset}) cannot be read: {source}")]
    Header {
        /// Byte offset of the header object.
        offset: u64,
        /// What the JSON reader says.
        source: serde_json::Error,
    },
    /// A column that the format cannot do without is absent.
    #[error("the header's {list} lack the column \"{column}\"")]
    MissingColumn {
        /// `node_fields` or `edge_fields`.
        list: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A section is absent.
    #[error("the section \"{section}\" is missing")]
    MissingSection {
        /// The section.
        section: &'static str,
    },
    /// A value that contradicts the rest of the file.
    #[error("inconsistent \"{section}\" at entry {index}: {what}")]
    Inconsistent {
        /// The section.
        section: &'static str,
        /// Node, edge or string ordinal.
        index: u64,
        /// What is wrong, with the values.
        what: String,
    },
    /// More nodes, edges or bytes than this reader's 32-bit ordinals hold.
    #[error("{what} ({found}) exceeds the supported maximum of {maximum}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// How many are supported.
        maximum: u64,
    },
    /// The observer asked to stop.
    #[error("reading was cancelled")]
    Cancelled,
}

const CUT_OFF: &str = "the writer was killed or the disk was full; nodes and edges come before the strings, so a \
                       file that ends here holds no usable graph: capture again";

impl SnapshotError {
    /// What the user can do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotASnapshot { .. } | Self::MissingSection { section: "snapshot" } => Some(
                "is it really a .heapsnapshot file? profiles (.heapprofile, .cpuprofile) are other formats"
                    .into(),
            ),
            Self::Truncated { .. } => Some(CUT_OFF.into()),
            Self::Header { source, .. } if source.is_eof() => Some(CUT_OFF.into()),
            Self::Inconsistent { .. } | Self::MissingColumn { .. } | Self::MissingSection { .. } => {
                Some("the file is damaged, or was written by a V8 newer than this reader knows".into())
            }
            _ => None,
        }
    }
}
