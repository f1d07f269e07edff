//! What adds to a variable or property, and what takes away again.

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use super::plain;
use super::position::Position;
use super::table::{
    Act, Binding, Bytes, Effect, Function, FunctionId, FunctionKind, NONE, Root, SourceText, Start, Step,
};
use super::words;

/// Longest right-hand side that is searched for its own target.
const MAX_VALUE: usize = 4096;

/// What a statement does to add a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdditionKind {
    /// `.set(…)`, `.add(…)`, `.push(…)` and the like.
    Insert,
    /// `.on(…)`, `.subscribe(…)`: a callback to keep.
    Listen,
    /// `[expression] = …`.
    SetElement,
    /// `X = [...X, y]`, `X = { next: X }`, `X = X.then(…)`.
    Rebuild,
    /// `X += …`.
    Append,
    /// `.name = …`.
    SetProperty,
    /// Another method that is given something and may keep it.
    Method,
    /// `setInterval(() => … X …)`: a callback that captures it is handed to something.
    Captured,
    /// `new Foo(X)`.
    PassedToNew,
    /// `f(X)`.
    Passed,
}

/// How the statement reaches what is added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// By the variable itself.
    Direct,
    /// By a member of it: `X.get(key).push(…)`.
    Nested,
    /// By another variable that holds it or a member: `const list = X.get(key)`.
    Alias,
    /// By the parameter of a function it is passed to.
    Parameter,
}

/// A statement that adds members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addition {
    /// Start of the statement.
    pub position: Position,
    /// Where V8 says the call (or assignment) is: the method's name, `new`, or the target.
    pub call_position: Position,
    /// The function that does it.
    pub function: FunctionId,
    /// What it does.
    pub how: AdditionKind,
    /// How it gets there.
    pub via: Via,
    /// 0 to 100: how surely this makes what the variable holds grow.
    pub strength: u8,
    /// What is called or assigned, as written: `cache.set`, `list.push`, `users[]`.
    pub member: String,
    /// The trimmed source line.
    pub text: String,
}

/// What a statement does to take members away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletionKind {
    /// `.delete(…)`, `.shift()`, `.clear()`, `.off(…)` and the like.
    Method,
    /// `delete X[…]`.
    Delete,
    /// `X.length = …`.
    Length,
    /// `X = []`, `X = new Map()`, `X = null`.
    Reset,
    /// `X[…] = undefined`, `X.name = null`.
    Unset,
    /// `clearInterval(X)`.
    Cancel,
}

/// A statement that takes members away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// Start of the statement.
    pub position: Position,
    /// Where V8 says the call (or assignment) is.
    pub call_position: Position,
    /// The function that does it.
    pub function: FunctionId,
    /// What it does.
    pub how: DeletionKind,
    /// How it gets there.
    pub via: Via,
    /// What is called or assigned, as written: `cache.delete`.
    pub member: String,
    /// The trimmed source line.
    pub text: String,
}

/// An effect on the thing asked for, and how many steps below it.
struct Hit<'t> {
    effect: &'t Effect,
    via: Via,
    depth: u32,
}

impl SourceText {
    /// Statements that add members to what a variable holds (or to members of it), best first.
    pub fn additions_to(&self, binding: &Binding) -> Vec<Addition> {
        if !self.parsed {
            return plain::additions(self, &binding.name);
        }
        let mut found: Vec<Addition> =
            self.hits_of(binding.id.0).iter().filter_map(|hit| self.addition(hit)).collect();
        found.extend(self.captures(binding.id.0));
        ranked(found)
    }

    /// Statements that take members away from what a variable holds, in source order.
    pub fn deletions_from(&self, binding: &Binding) -> Vec<Deletion> {
        if !self.parsed {
            return plain::deletions(self, &binding.name);
        }
        let hits = self.hits_of(binding.id.0);
        in_order(hits.iter().filter_map(|hit| self.deletion(hit)).collect())
    }

    /// Statements that add members to what a property holds, whatever object it is of:
    /// `this.items.set(…)`, `anything.items.push(…)`, `#items.add(…)`; best first. Statements in
    /// members of the named class come before all others.
    pub fn additions_to_property(&self, property: &str, class: Option<&str>) -> Vec<Addition> {
        if !self.parsed {
            return plain::additions(self, property);
        }
        let hits = self.property_hits(property);
        let additions = hits.iter().filter_map(|hit| {
            let mut addition = self.addition(hit)?;
            if let Root::This(of) = hit.effect.place.root
                && class.is_some()
                && self.class_name(of, hit.effect.function) != class
            {
                addition.strength = addition.strength.saturating_sub(30);
            }
            if class.is_some() && !matches!(hit.effect.place.root, Root::This(_)) {
                addition.strength = addition.strength.saturating_sub(10);
            }
            Some(addition)
        });
        ranked(additions.collect())
    }

    /// Statements that take members away from what a property holds, in source order.
    pub fn deletions_from_property(&self, property: &str) -> Vec<Deletion> {
        if !self.parsed {
            return plain::deletions(self, property);
        }
        let hits = self.property_hits(property);
        in_order(hits.iter().filter_map(|hit| self.deletion(hit)).collect())
    }

    fn class_name(&self, class: u32, function: u32) -> Option<&str> {
        if let Some(row) = self.tables.classes.get(class as usize) {
            return row.name.as_deref();
        }
        // `function Foo() { this.items = … }`
        self.tables.functions.get(function as usize).and_then(|f| f.name.as_deref())
    }

    /// Effects on a variable, on its aliases, and on parameters it is passed as.
    fn hits_of(&self, symbol: u32) -> Vec<Hit<'_>> {
        // Alias symbol, and how deep below the variable it is.
        let mut aliases: Vec<(u32, Via, u32)> = vec![(symbol, Via::Direct, 0)];
        for alias in &self.tables.aliases {
            if alias.place.root == Root::Symbol(symbol) && alias.symbol != symbol {
                aliases.push((alias.symbol, Via::Alias, alias.place.len));
            }
        }
        for effect in &self.tables.effects {
            if let Act::Pass { argument, callee, is_new: false } = effect.act
                && effect.place.root == Root::Symbol(symbol)
                && let Some(param) = self.param_of(callee, argument)
            {
                aliases.push((param, Via::Parameter, effect.place.len));
            }
        }
        let mut seen = FxHashSet::default();
        aliases.retain(|alias| seen.insert(alias.0));
        let find = |symbol: u32| aliases.iter().find(|alias| alias.0 == symbol);
        let mut hits = Vec::new();
        for effect in &self.tables.effects {
            let Root::Symbol(root) = effect.place.root else { continue };
            if !seen.contains(&root) {
                continue;
            }
            let Some(&(_, via, below)) = find(root) else { continue };
            // What an alias is set to, or passed to, says nothing of the variable.
            let of_alias = matches!(effect.act, Act::Assign { .. } | Act::Pass { .. });
            if via != Via::Direct && of_alias && effect.place.len == 0 {
                continue;
            }
            let depth = below + effect.place.len;
            let via = if via == Via::Direct && depth > 0 { Via::Nested } else { via };
            hits.push(Hit { effect, via, depth });
        }
        hits
    }

    /// The same for a property: steps after its name count as depth.
    fn property_hits(&self, property: &str) -> Vec<Hit<'_>> {
        let depth_in = |steps: u32, len: u32| {
            let steps = self.tables.steps.get(steps as usize..(steps + len) as usize)?;
            let at = steps
                .iter()
                .rposition(|step| matches!(step, Step::Name(name) if self.key(*name) == property))?;
            Some((steps.len() - 1 - at) as u32)
        };
        let mut aliases: Vec<(u32, u32)> = Vec::new();
        for alias in &self.tables.aliases {
            if let Some(depth) = depth_in(alias.place.steps, alias.place.len) {
                aliases.push((alias.symbol, depth));
            }
        }
        let set: FxHashSet<u32> = aliases.iter().map(|alias| alias.0).collect();
        let mut hits = Vec::new();
        for effect in &self.tables.effects {
            // `this.items = [...this.items, x]`, and resets: the property itself is assigned.
            if effect.act == Act::SetName && self.key(effect.name) == property {
                hits.push(Hit { effect, via: Via::Direct, depth: u32::MAX });
                continue;
            }
            // A property of the global object is written like a variable.
            if let Root::Global(name) = effect.place.root
                && self.slice(name) == property
            {
                let via = if effect.place.len > 0 { Via::Nested } else { Via::Direct };
                hits.push(Hit { effect, via, depth: effect.place.len });
                continue;
            }
            if let Some(depth) = depth_in(effect.place.steps, effect.place.len) {
                let via = if depth > 0 { Via::Nested } else { Via::Direct };
                hits.push(Hit { effect, via, depth });
                continue;
            }
            if let Root::Symbol(root) = effect.place.root
                && set.contains(&root)
                && !matches!(effect.act, Act::Assign { .. } | Act::Pass { .. })
                && let Some(&(_, below)) = aliases.iter().find(|alias| alias.0 == root)
            {
                hits.push(Hit { effect, via: Via::Alias, depth: below + effect.place.len });
            }
        }
        hits
    }

    fn param_of(&self, callee: u32, argument: u8) -> Option<u32> {
        let function = self.symbol(callee).filter(|_| callee != NONE)?.function;
        let param = *self.tables.shapes.get(function as usize)?.params.get(argument as usize)?;
        (param != NONE).then_some(param)
    }

    fn addition(&self, hit: &Hit<'_>) -> Option<Addition> {
        let effect = hit.effect;
        let itself = hit.depth == u32::MAX;
        let name = self.key(effect.name);
        let (how, mut strength) = match effect.act {
            Act::Method { literal_key, count } => {
                let constant = if literal_key && matches!(name, "set" | "put") { 15 } else { 0 };
                if words::inserts(name) {
                    (count > 0).then_some((AdditionKind::Insert, 90 - constant))?
                } else if name == "splice" {
                    (count > 2).then_some((AdditionKind::Insert, 85))?
                } else if words::listens(name) {
                    (count > 0).then_some((AdditionKind::Listen, 88))?
                } else if words::may_insert(name) && count > 0 {
                    (AdditionKind::Method, 45)
                } else if words::deletes(name) || count == 0 {
                    return None;
                } else {
                    (AdditionKind::Method, 30)
                }
            }
            Act::SetElement => {
                if effect.init == Start::Nothing {
                    return None;
                }
                (AdditionKind::SetElement, 86)
            }
            Act::SetName if itself => self.rebuilds(effect)?,
            Act::SetName if name == "length" || effect.init == Start::Nothing => return None,
            Act::SetName => (AdditionKind::SetProperty, 40),
            Act::Assign { .. } => self.rebuilds(effect)?,
            Act::Delete => return None,
            Act::Pass { argument, is_new, .. } => {
                if is_new {
                    (AdditionKind::PassedToNew, 30)
                } else if argument == 0 && matches!(name, "assign" | "defineProperty" | "defineProperties") {
                    (AdditionKind::SetElement, 60)
                } else if words::forgets(name) || words::cancels(name) {
                    return None;
                } else {
                    (AdditionKind::Passed, 20)
                }
            }
        };
        let away = match hit.via {
            Via::Direct => 0,
            Via::Nested => 6,
            Via::Alias => 8,
            Via::Parameter => 10,
        };
        strength -= away;
        if !itself {
            strength -= (2 * hit.depth.min(5)) as u8;
        }
        // Done once, when the source is loaded.
        if effect.function == 0 {
            strength = strength.saturating_sub(15);
        }
        Some(Addition {
            position: self.at(effect.statement),
            call_position: self.at(effect.at),
            function: FunctionId(effect.function),
            how,
            via: hit.via,
            strength,
            member: self.written(effect),
            text: self.quote(effect.expression.start),
        })
    }

    /// `X = …` that keeps what X was.
    fn rebuilds(&self, effect: &Effect) -> Option<(AdditionKind, u8)> {
        if matches!(effect.act, Act::Assign { logical: true, .. }) {
            return None;
        }
        let value = self.slice(effect.value);
        let compound = match effect.act {
            Act::Assign { compound, .. } => compound,
            _ => {
                let between = Bytes { start: effect.name.end, end: effect.value.start };
                let operator = self.slice(between);
                if ["||=", "&&=", "??="].iter().any(|logical| operator.contains(logical)) {
                    return None;
                }
                operator.contains("+=")
            }
        };
        if compound {
            let number =
                effect.init == Start::Literal && value.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            return (!number && self.slice(effect.expression).contains("+="))
                .then_some((AdditionKind::Append, 45));
        }
        let again = match effect.place.root {
            Root::Symbol(symbol) if matches!(effect.act, Act::Assign { .. }) => {
                self.is_read_in(symbol, effect.value, effect.function)
            }
            _ => {
                let cut = value.char_indices().nth(MAX_VALUE).map_or(value, |(at, _)| &value[..at]);
                words_in(cut, self.key(effect.name)).next().is_some()
            }
        };
        if !again {
            return None;
        }
        let head = value.trim_start();
        let shrinks = [".filter(", ".slice(", ".splice(", ".next", ".tail", ".parent", ".prev"]
            .iter()
            .any(|call| head.contains(call));
        let text = self.slice(effect.init_name);
        match effect.init {
            Start::Array | Start::Object | Start::New => Some((AdditionKind::Rebuild, 82)),
            Start::Call if matches!(text, "concat" | "then" | "finally" | "catch" | "assign") => {
                Some((AdditionKind::Rebuild, 84))
            }
            _ if shrinks => None,
            Start::Call => Some((AdditionKind::Rebuild, 40)),
            Start::Other if head.contains('+') || head.contains('`') => Some((AdditionKind::Append, 40)),
            _ => None,
        }
    }

    fn is_read_in(&self, symbol: u32, within: Bytes, function: u32) -> bool {
        let references = &self.tables.references;
        let from = references.partition_point(|r| (r.symbol, r.at) < (symbol, within.start));
        references[from..]
            .iter()
            .take_while(|r| r.symbol == symbol && within.holds(r.at))
            .any(|r| r.function == function)
    }

    /// Callbacks that use a variable of an outer function and are handed to a call.
    fn captures(&self, symbol: u32) -> Vec<Addition> {
        let home = self.scope_function(symbol);
        // What the top level declares is captured by everything.
        if home == 0 {
            return Vec::new();
        }
        let references = &self.tables.references;
        let from = references.partition_point(|r| r.symbol < symbol);
        let mut seen = FxHashSet::default();
        let mut found = Vec::new();
        for reference in references[from..].iter().take_while(|r| r.symbol == symbol) {
            let mut at = reference.function;
            while at != home && at != NONE && at != 0 {
                let Some(shape) = self.tables.shapes.get(at as usize) else { break };
                if shape.handed != NONE
                    && seen.insert(shape.handed)
                    && let Some(call) = self.tables.calls.get(shape.handed as usize)
                {
                    let callee = self.key(call.name);
                    let strength = if callee == "setInterval" {
                        60
                    } else if words::schedules(callee) || words::listens(callee) {
                        50
                    } else if words::inserts(callee) {
                        45
                    } else if words::reads(callee) && callee != "then" {
                        10
                    } else {
                        25
                    };
                    found.push(Addition {
                        position: self.at(call.statement),
                        call_position: self.at(call.at),
                        function: FunctionId(call.function),
                        how: AdditionKind::Captured,
                        via: Via::Direct,
                        strength,
                        member: callee.to_owned(),
                        text: self.quote(call.expression),
                    });
                }
                at = shape.parent;
            }
        }
        found
    }

    fn deletion(&self, hit: &Hit<'_>) -> Option<Deletion> {
        let effect = hit.effect;
        let itself = hit.depth == u32::MAX;
        let name = self.key(effect.name);
        let how = match effect.act {
            Act::Method { count, .. } => {
                let splices = name == "splice" && count > 0;
                if !splices && !words::deletes(name) {
                    return None;
                }
                DeletionKind::Method
            }
            Act::Delete => DeletionKind::Delete,
            Act::SetName if itself => self.resets(effect)?,
            Act::SetName if name == "length" => DeletionKind::Length,
            Act::SetName | Act::SetElement if effect.init == Start::Nothing => DeletionKind::Unset,
            Act::Assign { compound: false, logical: false } => self.resets(effect)?,
            Act::Pass { is_new: false, .. } if words::cancels(name) => DeletionKind::Cancel,
            _ => return None,
        };
        Some(Deletion {
            position: self.at(effect.statement),
            call_position: self.at(effect.at),
            function: FunctionId(effect.function),
            how,
            via: hit.via,
            member: self.written(effect),
            text: self.quote(effect.expression.start),
        })
    }

    /// `X = []`, when X was something before: not the first assignment in a constructor.
    fn resets(&self, effect: &Effect) -> Option<DeletionKind> {
        let value = self.slice(effect.value);
        if self.rebuilds(effect).is_some() {
            return None;
        }
        let owner = self.tables.functions.get(effect.function as usize);
        let capital =
            |f: &Function| f.name.as_deref().is_some_and(|n| n.starts_with(|c: char| c.is_uppercase()));
        let constructs = owner.is_some_and(|f| f.kind == FunctionKind::Constructor || capital(f));
        if constructs && matches!(effect.place.root, Root::This(_)) {
            return None;
        }
        let shrinks = [".filter(", ".slice(", ".splice("].iter().any(|call| value.contains(call));
        let empty = matches!(effect.init, Start::Nothing | Start::New | Start::Array | Start::Object)
            || value == "''"
            || value == "\"\""
            || value == "0";
        (empty || shrinks).then_some(DeletionKind::Reset)
    }

    /// What an effect calls or assigns, as written, without arguments.
    fn written(&self, effect: &Effect) -> String {
        if let Act::Pass { is_new, .. } = effect.act {
            let new = if is_new { "new " } else { "" };
            return format!("{new}{}", self.key(effect.name));
        }
        let mut text = match effect.place.root {
            Root::Symbol(symbol) => {
                self.symbol(symbol).map_or(String::new(), |s| self.slice(s.name).to_owned())
            }
            Root::This(_) => "this".to_owned(),
            Root::Global(name) => self.slice(name).to_owned(),
            Root::Other => "…".to_owned(),
        };
        let from = effect.place.steps as usize;
        let steps = self.tables.steps.get(from..from + effect.place.len as usize);
        for step in steps.unwrap_or_default() {
            match *step {
                Step::Name(name) => {
                    text.push('.');
                    text.push_str(self.key(name));
                }
                Step::Element => text.push_str("[]"),
                Step::Call(name) => {
                    text.push('.');
                    text.push_str(self.key(name));
                    text.push_str("()");
                }
            }
        }
        match effect.act {
            Act::SetElement => text.push_str("[]"),
            Act::Delete if effect.name == Bytes::default() => text.push_str("[]"),
            Act::Assign { .. } => {}
            _ => {
                text.push('.');
                text.push_str(self.key(effect.name));
            }
        }
        text
    }
}

/// Where a word stands by itself.
pub(crate) fn words_in<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == '\u{200c}' || c == '\u{200d}';
    text.match_indices(if word.is_empty() { "\0\0" } else { word }).map(|(at, _)| at).filter(move |&at| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

pub(crate) fn ranked(mut found: Vec<Addition>) -> Vec<Addition> {
    found.sort_by_key(|a| (u8::MAX - a.strength, a.position, a.call_position, a.how));
    let mut seen = FxHashSet::default();
    found.retain(|a| seen.insert((a.call_position, a.how)));
    found
}

pub(crate) fn in_order(mut found: Vec<Deletion>) -> Vec<Deletion> {
    found.sort_by_key(|d| (d.position, d.call_position, d.how));
    found.dedup();
    found
}
