//! What the binary is made of, as a library so that tests can reach it: arguments, commands, the terminal's
//! face. It formats view models and computes nothing.

pub mod arguments;
pub mod commands;
mod demo;
pub mod exit;
mod guard;
pub mod printer;
pub mod terminal;
mod views;
