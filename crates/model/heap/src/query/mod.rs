//! Questions asked of one heap or several.

mod classes;
mod comparison;
mod filter;
mod statistics;
mod strings;
mod traces;

pub use classes::{ClassRow, Classes, Interfaces, Key, RowSource, display_name};
pub use comparison::{Comparison, DifferenceRow};
pub use filter::Filter;
pub use statistics::Statistics;
pub use strings::{CUT_UNITS, DuplicateText, SlicedParent, StringReport};
pub use traces::{TraceTotal, TraceTotals};
