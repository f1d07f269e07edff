//! Questions asked of one heap or several.

mod classes;
mod comparison;
mod statistics;
mod strings;

pub use classes::{ClassRow, Classes, Interfaces, Key, RowSource, display_name};
pub use comparison::{Comparison, DifferenceRow};
pub use statistics::Statistics;
pub use strings::{CUT_UNITS, DuplicateText, SlicedParent, StringReport};
