//! Classes: what a programmer calls an object, and the table of all of them.

mod display;
mod interfaces;
mod naming;
mod rows;

pub use display::display_name;
pub use interfaces::Interfaces;
pub use naming::{Classes, Key};
pub use rows::{ClassRow, RowSource};
