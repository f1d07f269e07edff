//! The optional sections that are flat tables: columns found by name, what does not fit counted.

use super::Loss;
use super::numbers::Numbers;
use super::read::Section;

/// Reads the columns `wanted` of a table with the columns `fields`. A table that cannot be read is empty.
pub(super) fn read_table<const N: usize>(
    text: &[u8],
    section: Option<&Section>,
    name: &'static str,
    fields: &[String],
    wanted: [&str; N],
    losses: &mut Vec<Loss>,
) -> Vec<[u64; N]> {
    let Some(section) = section else { return Vec::new() };
    let body = text.get(section.range.clone()).unwrap_or_default();
    let mut numbers = Numbers::over(body);
    let mut lost =
        |offset: usize, what: String| losses.push(Loss { section: name, offset: offset as u64, what });
    if !body.iter().any(u8::is_ascii_digit) {
        if !section.complete {
            lost(section.range.end, "the file ends here".into());
        }
        return Vec::new();
    }
    let mut columns = [0usize; N];
    for (column, field) in columns.iter_mut().zip(wanted) {
        let Some(at) = fields.iter().position(|name| name == field) else {
            lost(section.range.start, format!("the header names no column \"{field}\", not read"));
            return Vec::new();
        };
        *column = at;
    }
    let mut record = vec![0u64; fields.len()];
    let mut rows = Vec::new();
    let rest = loop {
        let filled = numbers.fill(&mut record);
        if filled < record.len() {
            break filled;
        }
        rows.push(columns.map(|at| record.get(at).copied().unwrap_or(0)));
    };
    if !section.complete {
        // The last number may lack digits.
        if rest == 0 {
            rows.pop();
        }
        lost(section.range.end, format!("the file ends here; {} entries are left", rows.len()));
    } else if rest > 0 {
        let width = record.len();
        lost(section.range.end, format!("{rest} numbers at the end make no entry of {width}, dropped"));
    }
    rows
}

/// The number in 32 bits; what does not fit becomes the largest and is counted.
pub(super) fn narrow(value: u64, too_large: &mut u64) -> u32 {
    u32::try_from(value).unwrap_or_else(|_| {
        *too_large += 1;
        u32::MAX
    })
}

/// States how many numbers did not fit into 32 bits.
pub(super) fn state_too_large(count: u64, name: &'static str, at: usize, losses: &mut Vec<Loss>) {
    if count > 0 {
        let what = format!("{count} numbers exceed 32 bits, cut to {}", u32::MAX);
        losses.push(Loss { section: name, offset: at as u64, what });
    }
}
