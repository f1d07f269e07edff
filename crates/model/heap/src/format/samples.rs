//! `samples`: which ids were given out by when, the clock of an allocation timeline.

use super::Loss;
use super::header::Columns;
use super::read::Section;
use super::tables::{narrow, read_table, state_too_large};

/// One tick of an allocation timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Microseconds since the recording began.
    pub timestamp_us: u64,
    /// The largest object id given out by then.
    pub last_id: u32,
}

impl Sample {
    /// The sample during which the object with this id was made: the first whose last id is not smaller.
    /// `None` for embedder objects (even ids) and for those made after the last sample.
    pub fn of(samples: &[Self], id: u32) -> Option<usize> {
        let at = samples.partition_point(|sample| sample.last_id < id);
        (id & 1 == 1 && at < samples.len()).then_some(at)
    }
}

pub(super) fn read_samples(
    text: &[u8],
    section: Option<&Section>,
    columns: &Columns,
    losses: &mut Vec<Loss>,
) -> Vec<Sample> {
    const NAME: &str = "samples";
    let wanted = ["timestamp_us", "last_assigned_id"];
    let mut too_large = 0;
    let samples = read_table(text, section, NAME, &columns.sample_fields, wanted, losses)
        .into_iter()
        .map(|[timestamp_us, last]| Sample { timestamp_us, last_id: narrow(last, &mut too_large) })
        .collect();
    state_too_large(too_large, NAME, section.map_or(0, |section| section.range.start), losses);
    samples
}
