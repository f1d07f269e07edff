//! The program as its users and its enemies meet it: the built binary against real Node processes.
//!
//! One binary of tests, so that they are linked once. `LEAKHOUND_TEST_BIN` names a release build to be tested
//! instead, `LEAKHOUND_TEST_NODES` the Node.js releases; what a machine lacks is skipped, named and counted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

mod capture;
mod demo;
mod faults;
mod files;
mod help;
mod holders;
mod index;
mod load;
mod run;
mod safety;
mod streams;
mod targets;
mod views;
