//! What a JavaScript or TypeScript source says about a variable: where it is declared, which
//! statements add to what it holds, which take away again, and which function stands where.
//!
//! A [`SourceText`] is parsed once and owns plain tables (functions, scopes, bindings,
//! references, mutations); no syntax tree outlives [`SourceText::parse`]. The verdict calls it
//! with the text of a script from the heap or from disk; reading files is the caller's business.
//!
//! **Positions** are 0-based, columns in UTF-16 units, as V8 reports them. V8 gives a function
//! the position where its parameters begin (measured on Node 18, 20, 22, 24 and 26, the same in
//! all, for snapshot locations and for sampled call frames):
//!
//! | function | position |
//! |---|---|
//! | declaration, expression, generator, async function | the `(` of the parameters |
//! | method, getter, setter, static, private, constructor | the `(` of the parameters |
//! | arrow | its first character: `(`, the bare parameter, or `async` |
//! | class with a constructor, and its instances | the `(` of the constructor's parameters |
//! | class without one, and its instances | the keyword `class` |
//! | module top level (sampled frames) | 0:0 |
//! | field initialisers (sampled frames) | Node 18, 20: `class` for instance fields, the first static element for static ones; 22: the `{` of the class body; 24, 26: the first field |
//!
//! Lines end at `\n`, `\r`, `\r\n`, U+2028 and U+2029 once V8 has built its table of line ends,
//! and only at `\n` before; a lookup tries both readings when they differ.
//!
//! **Costs**: 0.4 s and 110 MB for the 9 MB of `typescript.js` (2 cores, release), a query a few
//! milliseconds there; a thread of its own with a deep stack, reserved only. Sources over
//! [`MAX_PARSED`] bytes, sources nested absurdly deep, and sources whose syntax is beyond
//! recovery are searched as text instead ([`SourceText::is_parsed`] tells).
//!
//! **Never**: fails, panics on any text, reads a file, or evaluates code.
//!
//! ```
//! use leakhound_diagnose::{Position, SourceText};
//!
//! let text = "const cache = new Map();\nfunction handle(id) {\n  cache.set(id, {});\n}\n";
//! let source = SourceText::parse("server.js", text.into());
//! let cache = source.resolve("cache", Position::new(1, 15)).expect("declared");
//! assert_eq!(cache.statement, Position::new(0, 0));
//! let best = &source.additions_to(&cache)[0];
//! assert_eq!(best.text, "cache.set(id, {});");
//! assert_eq!(source.function(best.function).name.as_deref(), Some("handle"));
//! ```

mod build;
mod growth;
mod member;
mod package;
mod parse;
mod plain;
mod position;
mod property;
mod query;
mod table;
mod words;

#[cfg(test)]
mod tests;

pub use growth::{Addition, AdditionKind, Deletion, DeletionKind, Via};
pub use package::{is_node_internal, package_of};
pub use position::{Position, Range};
pub use property::{Property, PropertyKind};
pub use table::{
    Binding, BindingId, BindingKind, Function, FunctionId, FunctionKind, Initializer, MAX_PARSED, SourceText,
};
