//! Questions asked of one heap or several.

mod classes;
mod comparison;
mod filter;
mod realms;
mod statistics;
mod strings;
mod traces;

pub use classes::{ClassRow, Classes, Interfaces, Key, RowSource, display_name};
pub use comparison::{Comparison, DifferenceRow};
pub use filter::Filter;
pub use realms::{Realm, RealmSizes, Realms};
pub use statistics::Statistics;
pub use strings::{CUT_UNITS, DuplicateText, SlicedParent, StringReport};
pub use traces::{TraceTotal, TraceTotals};
