//! Questions: which function is here, what does this name mean, what does it call and allocate.

use super::plain;
use super::position::Position;
use super::table::{Binding, BindingId, Function, FunctionId, NONE, SourceText, Symbol};

/// How far before a position a function may start and still be meant by it, in bytes.
const NEAR: u32 = 200;

impl SourceText {
    // ── functions ────────────────────────────────────────────────────────────────────────────

    /// All functions, in the order they begin; the first is the top level.
    pub fn functions(&self) -> &[Function] {
        &self.tables.functions
    }

    /// One function. A number from another source gives the top level.
    pub fn function(&self, id: FunctionId) -> &Function {
        // The top level is always there.
        self.tables.functions.get(id.0 as usize).unwrap_or(&self.tables.functions[0])
    }

    /// The function that V8 means by a position: the one that starts exactly there, or starts
    /// there by the reading of another V8 version, or the innermost one around the position
    /// that starts shortly before it.
    pub fn function_at(&self, at: Position) -> Option<&Function> {
        let readings = [self.lines.offset(&self.text, at), self.lines.newline_offset(&self.text, at)];
        for starts in [&self.tables.starts, &self.tables.other_starts] {
            for byte in readings.into_iter().flatten() {
                if let Some(&id) = starts.get(&byte) {
                    return self.tables.functions.get(id as usize);
                }
            }
        }
        if at == Position::default() {
            return self.tables.functions.first();
        }
        let byte = readings[0]?;
        let id = self.innermost(byte);
        let shape = self.tables.shapes.get(id as usize)?;
        let near = byte.abs_diff(shape.start) <= NEAR || byte - shape.range.start <= NEAR;
        if id == 0 || !near { None } else { self.tables.functions.get(id as usize) }
    }

    /// [`SourceText::function_at`] with the name that V8 gives, to tell the top level of a module
    /// (0:0, no name) from a class or arrow that the source begins with.
    pub fn function_named_at(&self, name: &str, at: Position) -> Option<&Function> {
        if at == Position::default() && name.is_empty() {
            return self.tables.functions.first();
        }
        self.function_at(at)
    }

    /// The innermost function whose text (its name and parameters included) holds a position;
    /// the top level outside all of them, `None` beyond the last line.
    pub fn enclosing_function(&self, at: Position) -> Option<&Function> {
        let byte = self.lines.offset(&self.text, at)?;
        self.tables.functions.get(self.innermost(byte) as usize)
    }

    fn innermost(&self, byte: u32) -> u32 {
        let order = &self.tables.by_range;
        let shape = |id: u32| &self.tables.shapes[id as usize];
        let last = order.partition_point(|&id| shape(id).range.start <= byte);
        let Some(&first) = last.checked_sub(1).and_then(|at| order.get(at)) else { return 0 };
        let mut id = first;
        while id != NONE && !shape(id).range.holds(byte) {
            id = shape(id).parent;
        }
        // A class's implied constructor or field initialisers span the members but are not
        // their parents; looking at the neighbours before finds them.
        let from = last.saturating_sub(64);
        let closer = order[from..last].iter().rev().copied().find(|&id| shape(id).range.holds(byte));
        match closer {
            Some(near) if id == NONE || shape(near).range.start >= shape(id).range.start => near,
            _ if id == NONE => 0,
            _ => id,
        }
    }

    /// Whether `inner` is `outer` or lies inside it.
    pub fn is_inside(&self, inner: FunctionId, outer: FunctionId) -> bool {
        let mut at = inner.0;
        while at != NONE {
            if at == outer.0 {
                return true;
            }
            at = self.tables.shapes.get(at as usize).map_or(NONE, |shape| shape.parent);
        }
        false
    }

    // ── bindings ─────────────────────────────────────────────────────────────────────────────

    /// What a name means to the function at `from`, whose closure captured it: looked up from the
    /// scope around that function outward; then among its own variables; then anywhere, when only
    /// one variable of the source has that name.
    pub fn resolve(&self, name: &str, from: Position) -> Option<Binding> {
        self.resolve_all(name, from).into_iter().next()
    }

    /// All that a name could mean to the function at `from`, best first: shadowed variables of
    /// outer scopes follow the one that shadows them.
    pub fn resolve_all(&self, name: &str, from: Position) -> Vec<Binding> {
        let Some(named) = self.tables.by_name.get(name) else {
            return if self.parsed { Vec::new() } else { self.bindings_named(name) };
        };
        let function = self.function_at(from).or_else(|| self.enclosing_function(from));
        let Some(shape) = function.and_then(|f| self.tables.shapes.get(f.id.0 as usize)) else {
            return Vec::new();
        };
        let own = function.map_or(0, |f| f.id.0);
        let mut found: Vec<u32> = Vec::new();
        let mut scope = shape.outer;
        while let Some(row) = self.tables.scopes.get(scope as usize) {
            found.extend(
                named.iter().copied().filter(|&id| self.symbol(id).is_some_and(|s| s.scope == scope)),
            );
            scope = row.parent;
        }
        let inside = named.iter().copied().filter(|&id| self.scope_function(id) == own);
        let inside: Vec<u32> = inside.filter(|id| !found.contains(id)).collect();
        found.extend(inside);
        if found.is_empty() && named.len() == 1 {
            found.extend(named);
        }
        found.into_iter().filter_map(|id| self.binding(id)).collect()
    }

    /// All variables of a name, in the order of their declarations.
    pub fn bindings_named(&self, name: &str) -> Vec<Binding> {
        if !self.parsed {
            return plain::bindings(self, name);
        }
        let ids = self.tables.by_name.get(name).into_iter().flatten();
        let mut found: Vec<Binding> = ids.filter_map(|&id| self.binding(id)).collect();
        found.sort_by_key(|binding| binding.declaration);
        found
    }

    /// The variables that a function declares, parameters included, those of nested functions
    /// not, in the order of their declarations.
    pub fn locals_of(&self, function: FunctionId) -> Vec<Binding> {
        let ids = 0..self.tables.symbols.len() as u32;
        let own = ids.filter(|&id| self.scope_function(id) == function.0);
        let mut found: Vec<Binding> = own.filter_map(|id| self.binding(id)).collect();
        found.sort_by_key(|binding| binding.declaration);
        found
    }

    pub(crate) fn symbol(&self, id: u32) -> Option<&Symbol> {
        self.tables.symbols.get(id as usize)
    }

    pub(crate) fn scope_function(&self, symbol: u32) -> u32 {
        self.symbol(symbol)
            .and_then(|s| self.tables.scopes.get(s.scope as usize))
            .map_or(NONE, |scope| scope.function)
    }

    fn binding(&self, id: u32) -> Option<Binding> {
        let symbol = self.symbol(id)?;
        Some(Binding {
            id: BindingId(id),
            name: self.slice(symbol.name).to_owned(),
            declaration: self.at(symbol.name.start),
            statement: self.at(symbol.statement),
            kind: symbol.kind,
            scope_function: FunctionId(self.scope_function(id).min(self.tables.functions.len() as u32)),
            initializer: symbol.init.map(|init| self.initializer(init)),
            text: self.quote(symbol.name.start),
        })
    }

    // ── calls and allocations ────────────────────────────────────────────────────────────────

    /// Calls and `new` expressions whose callee's last name is `callee`, where V8 says they are:
    /// in the function's own body first, then in the functions inside it.
    pub fn calls_in(&self, function: FunctionId, callee: &str) -> Vec<Position> {
        let mut found = Vec::new();
        for call in &self.tables.calls {
            if self.key(call.name) == callee && self.is_inside(FunctionId(call.function), function) {
                found.push((call.function != function.0, call.at));
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, at)| self.at(at)).collect()
    }

    /// Where a function's own body allocates: `new`, array, object, function and class
    /// expressions, regular expressions, templates and string concatenation; in source order.
    pub fn allocations_in(&self, function: FunctionId) -> Vec<Position> {
        let own = self.tables.allocations.iter().filter(|row| row.1 == function.0);
        let mut found: Vec<u32> = own.map(|row| row.0).collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| self.at(at)).collect()
    }
}
