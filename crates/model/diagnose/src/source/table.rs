//! The tables of a parsed source, and the words they are read in.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::position::{Lines, Position, Range};

/// Largest source that is parsed, in bytes; larger ones are searched as text.
pub const MAX_PARSED: usize = 20 << 20;

/// Longest line of source that is quoted, in characters.
const MAX_LINE: usize = 160;

/// "None" in a column of indices.
pub(crate) const NONE: u32 = u32::MAX;

/// A function of one [`SourceText`]; 0 is the top level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FunctionId(pub(crate) u32);

impl FunctionId {
    /// The source's top level: a module's or script's body.
    pub const TOP: Self = Self(0);

    /// Whether this is the source's top level.
    pub fn is_top(self) -> bool {
        self.0 == 0
    }
}

/// A binding of one [`SourceText`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BindingId(pub(crate) u32);

/// What sort of function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FunctionKind {
    /// The source's top level.
    Top,
    /// `function name() {}`.
    Declaration,
    /// `function () {}` as a value.
    Expression,
    /// `() => …`.
    Arrow,
    /// A method of a class or an object.
    Method,
    /// `get name() {}`.
    Getter,
    /// `set name(value) {}`.
    Setter,
    /// A class's constructor, written or implied.
    Constructor,
    /// The initialisers of a class's fields and its static blocks.
    FieldInitializers,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its number in this source.
    pub id: FunctionId,
    /// Its name, inferred from variable, property or method as V8 does (`get x` for a getter, a
    /// class's name for its constructor); for `a.b = function…`, where V8 leaves it empty, `b`.
    pub name: Option<String>,
    /// Its position as V8 gives it; see the module's table.
    pub start: Position,
    /// All of its text, keyword or key included; the class's for an implied constructor.
    pub range: Range,
    /// What sort of function.
    pub kind: FunctionKind,
    /// `async`.
    pub is_async: bool,
    /// `function*`.
    pub is_generator: bool,
    /// The function around it; `None` for the top level.
    pub parent: Option<FunctionId>,
    /// Name of the class whose member it is.
    pub class: Option<String>,
}

/// How a binding was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BindingKind {
    /// `const`, `using`.
    Const,
    /// `let`.
    Let,
    /// `var`.
    Var,
    /// A function's parameter.
    Param,
    /// A class's name.
    Class,
    /// A function's name.
    Function,
    /// An import.
    Import,
    /// `catch (name)`.
    Catch,
    /// TypeScript's `enum`, `namespace` and the like.
    Other,
}

/// What a variable or property starts as.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initializer {
    /// `new Map()`: the class's last name.
    New(String),
    /// `createStore()`: the function's last name; `await`ed or not.
    Call(String),
    /// `[…]`.
    Array,
    /// `{…}`.
    Object,
    /// A function or arrow.
    Function,
    /// A class expression.
    Class,
    /// A number, string, template, boolean, `null`, `undefined` or regular expression.
    Literal,
    /// Another variable or property: its last name.
    Reference(String),
    /// Anything else.
    Other,
}

/// A declared variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Its number in this source; found by text search, the number is of no use but to this source.
    pub id: BindingId,
    /// Its name.
    pub name: String,
    /// Where its name stands in the declaration.
    pub declaration: Position,
    /// Where the declaring statement begins; for a parameter, where its function begins.
    pub statement: Position,
    /// How it was declared.
    pub kind: BindingKind,
    /// The function whose body (or block in it) declares it.
    pub scope_function: FunctionId,
    /// What it starts as; `None` when it starts undefined, or comes by destructuring, loop or call.
    pub initializer: Option<Initializer>,
    /// The trimmed line of its name.
    pub text: String,
}

/// A stretch of the text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Bytes {
    pub(crate) fn holds(self, byte: u32) -> bool {
        self.start <= byte && byte < self.end
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    New,
    Call,
    Array,
    Object,
    Function,
    Class,
    Nothing,
    Literal,
    Reference,
    Other,
}

/// An [`Initializer`] before its name is copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Init {
    pub(crate) start: Start,
    pub(crate) name: Bytes,
}

#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) parent: u32,
    pub(crate) function: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    pub(crate) name: Bytes,
    pub(crate) scope: u32,
    pub(crate) statement: u32,
    pub(crate) kind: BindingKind,
    pub(crate) init: Option<Init>,
    /// The function it is bound to, when declared so.
    pub(crate) function: u32,
}

/// Columns of a function that only lookups need.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) start: u32,
    pub(crate) range: Bytes,
    pub(crate) parent: u32,
    /// Scope that the function sees.
    pub(crate) outer: u32,
    pub(crate) class: u32,
    /// The call that it is an argument of.
    pub(crate) handed: u32,
    pub(crate) params: Vec<u32>,
}

#[derive(Clone, Debug)]
pub(crate) struct ClassRow {
    pub(crate) name: Option<String>,
    pub(crate) range: Bytes,
    pub(crate) constructor: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Symbol(u32),
    /// `this` in a member of a class (or [`NONE`]).
    This(u32),
    Global(Bytes),
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `.name`, `#name`, `['name']`.
    Name(Bytes),
    /// `[expression]`.
    Element,
    /// `.get(…)` and its like.
    Call(Bytes),
}

/// A variable or `this`, and the steps from there; steps lie in [`Tables::steps`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) root: Root,
    pub(crate) steps: u32,
    pub(crate) len: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// `place.name(…)`; `count` arguments.
    Method { literal_key: bool, count: u8 },
    /// `place.name = …`.
    SetName,
    /// `place[…] = …`.
    SetElement,
    /// `place = …`, `place += …`.
    Assign { compound: bool, logical: bool },
    /// `delete place[…]`.
    Delete,
    /// `name(…, place, …)`: argument number; `new`.
    Pass { argument: u8, is_new: bool, callee: u32 },
}

#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) act: Act,
    pub(crate) place: Place,
    pub(crate) name: Bytes,
    pub(crate) expression: Bytes,
    pub(crate) value: Bytes,
    pub(crate) init: Start,
    pub(crate) init_name: Bytes,
    /// Where V8 says the call is.
    pub(crate) at: u32,
    pub(crate) statement: u32,
    pub(crate) function: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Alias {
    pub(crate) symbol: u32,
    pub(crate) place: Place,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) name: Bytes,
    pub(crate) at: u32,
    pub(crate) expression: u32,
    pub(crate) statement: u32,
    pub(crate) function: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    pub(crate) symbol: u32,
    pub(crate) at: u32,
    pub(crate) function: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct PropertyRow {
    pub(crate) name: Bytes,
    pub(crate) statement: u32,
    pub(crate) kind: super::property::PropertyKind,
    pub(crate) class: u32,
    pub(crate) function: u32,
    pub(crate) init: Option<Init>,
}

/// Everything kept of a syntax tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) functions: Vec<Function>,
    pub(crate) shapes: Vec<Shape>,
    /// Functions by (range start, outermost first).
    pub(crate) by_range: Vec<u32>,
    /// V8 start (and other starts V8 versions use) to function.
    pub(crate) starts: FxHashMap<u32, u32>,
    pub(crate) other_starts: FxHashMap<u32, u32>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) by_name: FxHashMap<Box<str>, Vec<u32>>,
    pub(crate) classes: Vec<ClassRow>,
    pub(crate) steps: Vec<Step>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) calls: Vec<Call>,
    pub(crate) allocations: Vec<(u32, u32)>,
    /// By symbol, then place.
    pub(crate) references: Vec<Reference>,
    pub(crate) properties: Vec<PropertyRow>,
}

/// A source and what was found in it. Cheap to clone the text of; queries take `&self`.
pub struct SourceText {
    pub(crate) name: String,
    pub(crate) text: Arc<str>,
    pub(crate) lines: Lines,
    pub(crate) tables: Tables,
    pub(crate) problems: Vec<String>,
    pub(crate) parsed: bool,
}

impl fmt::Debug for SourceText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SourceText")
            .field("name", &self.name)
            .field("bytes", &self.text.len())
            .field("functions", &self.tables.functions.len())
            .field("parsed", &self.parsed)
            .finish_non_exhaustive()
    }
}

impl SourceText {
    /// Path or URL it was parsed under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, without a byte order mark.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether queries are answered from syntax; otherwise from a search for words.
    pub fn is_parsed(&self) -> bool {
        self.parsed
    }

    /// What the parser had to say against the source; messages, at most 20.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// How many lines the source has.
    pub fn line_count(&self) -> u32 {
        self.lines.len() as u32
    }

    /// A line of the source (0-based), trimmed and cut at 160 characters; empty beyond the last.
    pub fn line_text(&self, line: u32) -> &str {
        let text = self.lines.line(&self.text, line).trim();
        text.char_indices().nth(MAX_LINE).map_or(text, |(at, _)| &text[..at])
    }

    /// The position of a byte offset of [`SourceText::text`].
    pub fn position_of(&self, byte: usize) -> Position {
        self.lines.position(&self.text, u32::try_from(byte).unwrap_or(u32::MAX))
    }

    /// The byte offset of a position; `None` beyond the last line.
    pub fn offset_of(&self, at: Position) -> Option<usize> {
        self.lines.offset(&self.text, at).map(|byte| byte as usize)
    }

    pub(crate) fn at(&self, byte: u32) -> Position {
        self.lines.position(&self.text, byte)
    }

    pub(crate) fn slice(&self, bytes: Bytes) -> &str {
        self.text.get(bytes.start as usize..bytes.end as usize).unwrap_or("")
    }

    /// A property's name: the key without quotes.
    pub(crate) fn key(&self, bytes: Bytes) -> &str {
        let text = self.slice(bytes);
        let unquoted = text.strip_prefix(['"', '\'', '`']).and_then(|t| t.strip_suffix(['"', '\'', '`']));
        unquoted.unwrap_or(text)
    }

    /// The trimmed line around a byte; on a long line (minified code) the stretch from there.
    pub(crate) fn quote(&self, byte: u32) -> String {
        let at = self.at(byte);
        let whole = self.lines.line(&self.text, at.line).trim();
        if whole.len() <= MAX_LINE {
            return whole.to_owned();
        }
        let from_byte = self.text.get(byte as usize..).unwrap_or("");
        let before = self.lines.line(&self.text, at.line).len() - whole.len();
        if (at.column as usize) < before + MAX_LINE / 2 {
            return self.line_text(at.line).to_owned();
        }
        let end = from_byte.find(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(from_byte.len());
        from_byte[..end].trim().chars().take(MAX_LINE).collect()
    }

    pub(crate) fn initializer(&self, init: Init) -> Initializer {
        let name = || self.key(init.name).to_owned();
        match init.start {
            Start::New => Initializer::New(name()),
            Start::Call => Initializer::Call(name()),
            Start::Array => Initializer::Array,
            Start::Object => Initializer::Object,
            Start::Function => Initializer::Function,
            Start::Class => Initializer::Class,
            Start::Nothing | Start::Literal => Initializer::Literal,
            Start::Reference => Initializer::Reference(name()),
            Start::Other => Initializer::Other,
        }
    }
}
