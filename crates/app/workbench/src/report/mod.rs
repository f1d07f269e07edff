//! The verdict as a file: a page for people, Markdown for tickets and pull requests, JSON for programs.
//!
//! Pure functions from a [`VerdictView`] to text; the caller writes it.
//! The page is one file without references: it opens from disk, offline, in light and dark, and
//! prints. Everything in it that came out of the target is untrusted: it goes through
//! [`names`](crate::names) first and is escaped by the template afterwards, and the page's content
//! security policy lets nothing run but the one script whose hash it names. Tables and lists are
//! cut and say so, so that a page stays small however large the heap was; nothing is cut in JSON.

mod chart;
mod finding;
mod html;
mod markdown;
mod parts;
pub mod wording;

pub use html::html;
pub use markdown::markdown;

use crate::view::VerdictView;

/// The whole view as indented JSON, in the schema of [`VERDICT_SCHEMA`](crate::view::VERDICT_SCHEMA).
pub fn json(view: &VerdictView) -> String {
    // The view holds no maps and no type that can fail; should one ever come in, say so in the file.
    serde_json::to_string_pretty(view).unwrap_or_else(|error| {
        serde_json::json!({ "schema": view.schema, "error": error.to_string() }).to_string()
    })
}
