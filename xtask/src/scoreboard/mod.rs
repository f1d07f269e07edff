//! `cargo xtask scoreboard`: leakhound's verdicts over the leak corpus, judged by the corpus' ground truth.
//!
//! What was right once is recorded in `tests/leaks/SCOREBOARD.md`, and a run that finds less fails.

mod answer;
mod compare;
mod program;
mod run;
mod table;
mod task;
mod truth;

pub(crate) use task::{ScoreboardArgs, part_of_the_tests, run};
