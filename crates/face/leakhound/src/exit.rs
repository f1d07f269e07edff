//! Exit codes: a contract, documented in the README.

/// Done.
pub const DONE: u8 = 0;
/// A finding at or above the threshold that was asked for (`--fail-on`).
pub const FINDING: u8 = 1;
/// The command line makes no sense, or the target is ambiguous.
pub const USAGE: u8 = 2;
/// An input is unreadable, or not what it says it is.
pub const INPUT: u8 = 3;
/// The target refused, is missing, or went away.
pub const TARGET: u8 = 4;
/// Refused because it could harm the target.
pub const SAFETY: u8 = 5;
/// Only part of the result; the loss is stated.
pub const PARTIAL: u8 = 6;
/// A bug of ours.
pub const BUG: u8 = 70;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;
