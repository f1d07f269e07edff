//! Questions asked of one heap or several.

mod classes;
mod comparison;
mod filter;
mod statistics;

pub use classes::{ClassRow, Classes, Interfaces, Key, RowSource, display_name};
pub use comparison::{Comparison, DifferenceRow};
pub use filter::Filter;
pub use statistics::Statistics;
