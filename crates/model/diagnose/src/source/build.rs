//! One walk over a syntax tree fills the tables.

use std::cell::Cell;

use oxc_ast::ast;
use oxc_ast_visit::{Visit, walk};
use oxc_semantic::{ScopeFlags, ScopeId, Scoping, SemanticBuilder, SymbolFlags, SymbolId};
use oxc_span::{GetSpan, Span};
use rustc_hash::FxHashMap;

use super::member::{bytes, member_of, name_of_callee};
use super::parse::top_only;
use super::position::{Lines, Range};
use super::property::PropertyKind;
use super::table::{
    Act, Alias, BindingKind, Bytes, Call, ClassRow, Effect, Function, FunctionId, FunctionKind, Init, NONE,
    Place, PropertyRow, Reference, Root, Scope, Shape, Start, Step, Symbol, Tables,
};
use super::words;

/// Members in a row (`a.b.c…`) that are followed to their root.
const MAX_CHAIN: usize = 64;

pub(crate) fn tables_of(program: &ast::Program<'_>, lines: &Lines) -> Tables {
    let built = SemanticBuilder::new().build(program);
    let scoping = built.semantic.into_scoping();
    let mut walk = Walk::new(program.source_text, lines, &scoping);
    walk.program(program);
    walk.finish()
}

/// What a class or object says about the function that comes next.
struct Hint {
    /// Where the function's own node begins.
    start: u32,
    name: Option<String>,
    kind: Option<FunctionKind>,
    /// Where its key begins.
    from: u32,
}

struct Frame {
    function: u32,
    /// Class that `this` is an instance of.
    this: u32,
}

struct Walk<'s> {
    text: &'s str,
    lines: &'s Lines,
    scoping: &'s Scoping,
    tables: Tables,
    frames: Vec<Frame>,
    /// Classes around, with their field initialisers' function.
    classes: Vec<(u32, u32)>,
    hints: Vec<Hint>,
    /// Functions that are arguments: their start, and the call.
    handed: FxHashMap<u32, u32>,
    statement: Option<u32>,
    declaring: BindingKind,
}

impl<'s> Walk<'s> {
    fn new(text: &'s str, lines: &'s Lines, scoping: &'s Scoping) -> Self {
        let mut tables = top_only(text, lines);
        tables.by_range.clear();
        tables.scopes = scoping
            .scope_descendants_from_root()
            .map(|id| Scope {
                parent: scoping.scope_parent_id(id).map_or(NONE, |parent| parent.index() as u32),
                function: 0,
            })
            .collect();
        for id in scoping.symbol_ids() {
            let name = scoping.symbol_name(id);
            let index = tables.symbols.len() as u32;
            tables.symbols.push(Symbol {
                name: bytes(scoping.symbol_span(id)),
                scope: scoping.symbol_scope_id(id).index() as u32,
                statement: scoping.symbol_span(id).start,
                kind: kind_of(scoping.symbol_flags(id)),
                init: None,
                function: NONE,
            });
            match tables.by_name.get_mut(name) {
                Some(all) => all.push(index),
                None => {
                    tables.by_name.insert(name.into(), vec![index]);
                }
            }
        }
        Self {
            text,
            lines,
            scoping,
            tables,
            frames: vec![Frame { function: 0, this: NONE }],
            classes: Vec::new(),
            hints: Vec::new(),
            handed: FxHashMap::default(),
            statement: None,
            declaring: BindingKind::Other,
        }
    }

    fn program(&mut self, program: &ast::Program<'_>) {
        if let Some(shape) = self.tables.shapes.first_mut() {
            shape.outer = self.scoping.root_scope_id().index() as u32;
        }
        walk::walk_program(self, program);
    }

    fn finish(mut self) -> Tables {
        let tables = &mut self.tables;
        tables.references.sort_unstable_by_key(|r| (r.symbol, r.at));
        let mut order: Vec<u32> = (0..tables.shapes.len() as u32).collect();
        order.sort_by_key(|&id| {
            let range = tables.shapes[id as usize].range;
            (range.start, u32::MAX - range.end)
        });
        tables.by_range = order;
        self.tables
    }

    fn slice(&self, span: Span) -> &'s str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    fn function(&self) -> u32 {
        self.frames.last().map_or(0, |frame| frame.function)
    }

    fn this(&self) -> u32 {
        self.frames.last().map_or(NONE, |frame| frame.this)
    }

    fn statement_or(&self, start: u32) -> u32 {
        self.statement.unwrap_or(start)
    }

    // ── functions ────────────────────────────────────────────────────────────────────────────

    /// Names the function that `value` is, if it is one without a name of its own.
    fn hint(&mut self, value: &ast::Expression<'_>, name: impl FnOnce() -> Option<String>) {
        let start = match value.get_inner_expression() {
            ast::Expression::FunctionExpression(it) => it.span.start,
            ast::Expression::ArrowFunctionExpression(it) => it.span.start,
            ast::Expression::ClassExpression(it) => it.span.start,
            _ => return,
        };
        self.hints.push(Hint { start, name: name(), kind: None, from: start });
    }

    fn take_hint(&mut self, start: u32) -> Option<Hint> {
        let at = self.hints.iter().rposition(|hint| hint.start == start)?;
        Some(self.hints.swap_remove(at))
    }

    fn key_name(&self, key: &ast::PropertyKey<'_>) -> Option<String> {
        match key {
            ast::PropertyKey::PrivateIdentifier(it) => Some(self.slice(it.span).to_owned()),
            _ => key.static_name().map(|name| name.into_owned()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one row of the function table")]
    fn push_function(
        &mut self,
        name: Option<String>,
        start: u32,
        range: Bytes,
        kind: FunctionKind,
        outer: u32,
        is_async: bool,
        is_generator: bool,
    ) -> u32 {
        let id = self.tables.functions.len() as u32;
        let parent = self.function();
        let member =
            !matches!(kind, FunctionKind::Declaration | FunctionKind::Expression | FunctionKind::Arrow);
        let class = if member { self.classes.last().map_or(NONE, |c| c.0) } else { NONE };
        let class_name = self.tables.classes.get(class as usize).and_then(|row| row.name.clone());
        let place = |byte| self.lines.position(self.text, byte);
        self.tables.functions.push(Function {
            id: FunctionId(id),
            name,
            start: place(start),
            range: Range { start: place(range.start), end: place(range.end) },
            kind,
            is_async,
            is_generator,
            parent: Some(FunctionId(parent)),
            class: class_name,
        });
        self.tables.shapes.push(Shape {
            start,
            range,
            parent,
            outer,
            class,
            handed: NONE,
            params: Vec::new(),
        });
        self.tables.starts.entry(start).or_insert(id);
        self.tables.other_starts.entry(range.start).or_insert(id);
        id
    }

    fn outer_of(&self, scope: &Cell<Option<ScopeId>>) -> u32 {
        scope
            .get()
            .map_or(NONE, |id| self.scoping.scope_parent_id(id).map_or(NONE, |parent| parent.index() as u32))
    }

    fn params_of(&mut self, function: u32, params: &ast::FormalParameters<'_>) {
        let mut list = Vec::with_capacity(params.items.len());
        for param in &params.items {
            list.push(match &param.pattern {
                ast::BindingPattern::BindingIdentifier(it) => symbol_of(&it.symbol_id),
                _ => NONE,
            });
        }
        if let Some(shape) = self.tables.shapes.get_mut(function as usize) {
            shape.params = list;
        }
    }

    fn inside(&mut self, function: u32, this: u32, walk: impl FnOnce(&mut Self)) {
        self.frames.push(Frame { function, this });
        let declaring = self.declaring;
        walk(self);
        self.declaring = declaring;
        self.frames.pop();
    }

    /// The function of the current class's field initialisers, made at the first field.
    fn field_function(&mut self, first: u32) -> Option<u32> {
        let &(class, known) = self.classes.last()?;
        if known != NONE {
            return Some(known);
        }
        let row = self.tables.classes.get(class as usize)?;
        let (name, range) = (row.name.clone(), row.range);
        let outer = self.tables.shapes.get(row.constructor as usize).map_or(NONE, |s| s.outer);
        let kind = FunctionKind::FieldInitializers;
        let id = self.push_function(name, first, range, kind, outer, false, false);
        if let Some(last) = self.classes.last_mut() {
            last.1 = id;
        }
        Some(id)
    }

    // ── bindings ─────────────────────────────────────────────────────────────────────────────

    fn symbol_mut(&mut self, cell: &Cell<Option<SymbolId>>) -> Option<&mut Symbol> {
        self.tables.symbols.get_mut(symbol_of(cell) as usize)
    }

    fn init_of(&self, expression: &ast::Expression<'_>) -> Init {
        use ast::Expression as E;
        let none = Bytes::default();
        let (start, name) = match expression.get_inner_expression() {
            E::NewExpression(it) => (Start::New, name_of_callee(&it.callee)),
            E::CallExpression(it) => (Start::Call, name_of_callee(&it.callee)),
            E::AwaitExpression(it) => return self.init_of(&it.argument),
            E::AssignmentExpression(it) => return self.init_of(&it.right),
            E::LogicalExpression(it) => return self.init_of(&it.right),
            E::ArrayExpression(_) => (Start::Array, none),
            E::ObjectExpression(_) => (Start::Object, none),
            E::FunctionExpression(_) | E::ArrowFunctionExpression(_) => (Start::Function, none),
            E::ClassExpression(_) => (Start::Class, none),
            E::NullLiteral(_) => (Start::Nothing, none),
            E::UnaryExpression(it) if it.operator.is_void() => (Start::Nothing, none),
            E::Identifier(it) if it.name == "undefined" => (Start::Nothing, none),
            E::NumericLiteral(_)
            | E::StringLiteral(_)
            | E::BooleanLiteral(_)
            | E::BigIntLiteral(_)
            | E::RegExpLiteral(_)
            | E::TemplateLiteral(_)
            | E::UnaryExpression(_) => (Start::Literal, none),
            E::Identifier(it) => (Start::Reference, bytes(it.span)),
            other => match member_of(other) {
                Some(member) => (Start::Reference, member.name.unwrap_or_default()),
                None => (Start::Other, none),
            },
        };
        Init { start, name }
    }

    fn destructure(&mut self, pattern: &ast::BindingPattern<'_>, from: &ast::Expression<'_>) {
        match pattern {
            ast::BindingPattern::BindingIdentifier(it) => {
                let symbol = symbol_of(&it.symbol_id);
                for place in self.places(from) {
                    self.tables.aliases.push(Alias { symbol, place });
                }
            }
            ast::BindingPattern::ObjectPattern(it) => {
                for property in &it.properties {
                    let target = match &property.value {
                        ast::BindingPattern::AssignmentPattern(it) => &it.left,
                        other => other,
                    };
                    let ast::BindingPattern::BindingIdentifier(target) = target else { continue };
                    let symbol = symbol_of(&target.symbol_id);
                    for place in self.places(from) {
                        let step = if property.computed {
                            Step::Element
                        } else {
                            Step::Name(bytes(property.key.span()))
                        };
                        let place = self.longer(place, step);
                        self.tables.aliases.push(Alias { symbol, place });
                    }
                }
            }
            ast::BindingPattern::ArrayPattern(it) => {
                for target in it.elements.iter().flatten() {
                    let ast::BindingPattern::BindingIdentifier(target) = target else { continue };
                    let symbol = symbol_of(&target.symbol_id);
                    for place in self.places(from) {
                        let place = self.longer(place, Step::Element);
                        self.tables.aliases.push(Alias { symbol, place });
                    }
                }
            }
            ast::BindingPattern::AssignmentPattern(_) => {}
        }
    }

    fn longer(&mut self, place: Place, step: Step) -> Place {
        let from = place.steps as usize;
        let steps = self.tables.steps.len() as u32;
        self.tables.steps.extend_from_within(from..from + place.len as usize);
        self.tables.steps.push(step);
        Place { root: place.root, steps, len: place.len + 1 }
    }

    // ── places ───────────────────────────────────────────────────────────────────────────────

    fn root_symbol(&self, it: &ast::IdentifierReference<'_>) -> Root {
        let reference = it.reference_id.get().map(|id| self.scoping.get_reference(id));
        match reference.and_then(|r| r.symbol_id()) {
            Some(symbol) => Root::Symbol(symbol.index() as u32),
            None => Root::Global(bytes(it.span)),
        }
    }

    /// The variables and members that an expression may stand for: both arms of a condition.
    fn places(&mut self, expression: &ast::Expression<'_>) -> Vec<Place> {
        let mut found = Vec::new();
        let mut left = vec![expression];
        while let Some(expression) = left.pop() {
            match expression.get_inner_expression() {
                ast::Expression::ConditionalExpression(it) if left.len() < 8 => {
                    left.push(&it.alternate);
                    left.push(&it.consequent);
                }
                ast::Expression::LogicalExpression(it) if left.len() < 8 => {
                    left.push(&it.right);
                    left.push(&it.left);
                }
                other => {
                    let place = self.place(other);
                    if place.root != Root::Other {
                        found.push(place);
                    }
                }
            }
        }
        found
    }

    /// Follows members, and calls that return members, down to the variable.
    fn place(&mut self, expression: &ast::Expression<'_>) -> Place {
        use ast::Expression as E;
        let begin = self.tables.steps.len();
        let mut at = expression;
        let mut root = Root::Other;
        for _ in 0..MAX_CHAIN {
            at = at.get_inner_expression();
            if let Some(member) = member_of(at) {
                self.tables.steps.push(member.name.map_or(Step::Element, Step::Name));
                at = member.object;
                continue;
            }
            match at {
                E::Identifier(it) => root = self.root_symbol(it),
                E::ThisExpression(_) => root = Root::This(self.this()),
                E::AwaitExpression(it) => {
                    at = &it.argument;
                    continue;
                }
                E::CallExpression(it) => {
                    if let Some((next, step)) = self.through_call(it) {
                        self.tables.steps.extend(step);
                        at = next;
                        continue;
                    }
                }
                E::ChainExpression(it) => {
                    if let ast::ChainElement::CallExpression(call) = &it.expression
                        && let Some((next, step)) = self.through_call(call)
                    {
                        self.tables.steps.extend(step);
                        at = next;
                        continue;
                    }
                }
                E::LogicalExpression(it) => {
                    at = &it.left;
                    continue;
                }
                E::ConditionalExpression(it) => {
                    at = &it.consequent;
                    continue;
                }
                E::AssignmentExpression(it) => {
                    // `(groups[key] ??= []).push(…)`: the target is the place.
                    match target_member(&it.left) {
                        Some(member) => {
                            self.tables.steps.push(member.name.map_or(Step::Element, Step::Name));
                            at = member.object;
                            continue;
                        }
                        None => {
                            if let ast::AssignmentTarget::AssignmentTargetIdentifier(it) = &it.left {
                                root = self.root_symbol(it);
                            }
                        }
                    }
                }
                _ => {}
            }
            break;
        }
        if let Some(tail) = self.tables.steps.get_mut(begin..) {
            tail.reverse();
        }
        let len = (self.tables.steps.len() - begin) as u32;
        if root == Root::Other && len == 0 {
            self.tables.steps.truncate(begin);
        }
        Place { root, steps: begin as u32, len }
    }

    fn through_call<'e, 'a>(
        &self,
        call: &'e ast::CallExpression<'a>,
    ) -> Option<(&'e ast::Expression<'a>, Option<Step>)> {
        let member = member_of(call.callee.get_inner_expression())?;
        let name = member.name?;
        let method = self.text.get(name.start as usize..name.end as usize)?;
        if words::yields_member(method) {
            Some((member.object, Some(Step::Call(name))))
        } else if words::yields_receiver(method) {
            Some((member.object, None))
        } else {
            None
        }
    }

    // ── effects ──────────────────────────────────────────────────────────────────────────────

    fn effect(&mut self, act: Act, place: Place, name: Bytes, expression: Span, at: u32) {
        if place.root == Root::Other && place.len == 0 {
            return;
        }
        self.tables.effects.push(Effect {
            act,
            place,
            name,
            expression: bytes(expression),
            value: Bytes::default(),
            init: Start::Other,
            init_name: Bytes::default(),
            at,
            statement: self.statement_or(expression.start),
            function: self.function(),
        });
    }

    fn effect_with_value(&mut self, act: Act, place: Place, name: Bytes, it: &ast::AssignmentExpression<'_>) {
        let before = self.tables.effects.len();
        self.effect(act, place, name, it.span, it.span.start);
        let init = self.init_of(&it.right);
        if let Some(effect) = self.tables.effects.get_mut(before) {
            effect.value = bytes(it.right.span());
            effect.init = init.start;
            effect.init_name = init.name;
        }
    }

    fn call(
        &mut self,
        callee: &ast::Expression<'_>,
        arguments: &[ast::Argument<'_>],
        span: Span,
        is_new: bool,
    ) {
        let callee = callee.get_inner_expression();
        let name = name_of_callee(callee);
        let member = member_of(callee);
        let at = match &member {
            Some(member) if !is_new => member.at,
            _ => span.start,
        };
        let index = self.tables.calls.len() as u32;
        self.tables.calls.push(Call {
            name,
            at,
            expression: span.start,
            statement: self.statement_or(span.start),
            function: self.function(),
        });
        if let (Some(member), false) = (&member, is_new) {
            let mut object = member.object;
            let mut method = name;
            let mut text = self.slice(Span::new(method.start, method.end));
            // `list.push.apply(list, more)`
            if matches!(text, "apply" | "call")
                && let Some(inner) = member_of(object.get_inner_expression())
                && let Some(inner_name) = inner.name
            {
                object = inner.object;
                // `Array.prototype.push.apply(list, more)`, `[].push.apply(list, more)`
                let borrowed = matches!(self.slice(object.span()), "Array.prototype" | "[]");
                if let (true, Some(first)) =
                    (borrowed, arguments.first().and_then(|first| first.as_expression()))
                {
                    object = first;
                }
                method = inner_name;
                text = self.slice(Span::new(method.start, method.end));
            }
            if !text.is_empty() && (!words::reads(text)) {
                let literal_key = matches!(
                    arguments.first(),
                    Some(
                        ast::Argument::StringLiteral(_)
                            | ast::Argument::NumericLiteral(_)
                            | ast::Argument::BooleanLiteral(_)
                    )
                );
                let count = arguments.len().min(255) as u8;
                let place = self.place(object);
                self.effect(Act::Method { literal_key, count }, place, method, span, at);
            }
        }
        let target = match callee {
            ast::Expression::Identifier(it) => match self.root_symbol(it) {
                Root::Symbol(symbol) => symbol,
                _ => NONE,
            },
            _ => NONE,
        };
        for (argument, value) in arguments.iter().enumerate().take(16) {
            let Some(value) = value.as_expression() else { continue };
            match value.get_inner_expression() {
                ast::Expression::FunctionExpression(it) => {
                    self.handed.insert(it.span.start, index);
                }
                ast::Expression::ArrowFunctionExpression(it) => {
                    self.handed.insert(it.span.start, index);
                }
                value if is_plain(value) => {
                    let place = self.place(value);
                    if matches!(place.root, Root::Symbol(_) | Root::This(_)) || place.len > 0 {
                        let argument = argument as u8;
                        let act = Act::Pass { argument, is_new, callee: target };
                        self.effect(act, place, name, span, at);
                    }
                }
                _ => {}
            }
        }
    }

    fn allocates(&mut self, span: Span) {
        let function = self.function();
        self.tables.allocations.push((span.start, function));
    }

    fn property(&mut self, name: Bytes, statement: u32, kind: PropertyKind, class: u32, init: Option<Init>) {
        let function = self.function();
        self.tables.properties.push(PropertyRow { name, statement, kind, class, function, init });
    }

    fn field(
        &mut self,
        key: &ast::PropertyKey<'_>,
        value: Option<&ast::Expression<'_>>,
        is_static: bool,
        span: Span,
    ) -> Option<u32> {
        let init = value.map(|value| self.init_of(value));
        let class = self.classes.last().map_or(NONE, |c| c.0);
        let kind = if is_static { PropertyKind::StaticField } else { PropertyKind::Field };
        let function = value.is_some().then(|| self.field_function(span.start)).flatten();
        self.property(bytes(key.span()), span.start, kind, class, init);
        if let Some(value) = value {
            let name = self.key_name(key);
            self.hint(value, || name);
        }
        if let Some(function) = function {
            self.tables.other_starts.insert(span.start, function);
        }
        function
    }
}

impl<'a> Visit<'a> for Walk<'_> {
    fn enter_scope(&mut self, _: ScopeFlags, scope: &Cell<Option<ScopeId>>) {
        let function = self.function();
        if let Some(row) = scope.get().and_then(|id| self.tables.scopes.get_mut(id.index())) {
            row.function = function;
        }
    }

    fn visit_statement(&mut self, it: &ast::Statement<'a>) {
        use ast::Statement as S;
        let before = self.statement;
        self.statement = match it {
            S::IfStatement(_)
            | S::ForStatement(_)
            | S::ForInStatement(_)
            | S::ForOfStatement(_)
            | S::WhileStatement(_)
            | S::DoWhileStatement(_)
            | S::SwitchStatement(_)
            | S::TryStatement(_)
            | S::LabeledStatement(_)
            | S::BlockStatement(_)
            | S::WithStatement(_) => None,
            _ => Some(it.span().start),
        };
        walk::walk_statement(self, it);
        self.statement = before;
    }

    fn visit_function(&mut self, it: &ast::Function<'a>, flags: ScopeFlags) {
        let hint = self.take_hint(it.span.start);
        if it.body.is_none() {
            return;
        }
        let handed = self.handed.remove(&it.span.start);
        let own = it.id.as_ref().map(|id| id.name.to_string());
        let declared = it.is_function_declaration();
        let (hinted, kind, from) = match hint {
            Some(hint) => (hint.name, hint.kind, hint.from),
            None => (None, None, it.span.start),
        };
        let member = kind.is_some();
        let kind =
            kind.unwrap_or(if declared { FunctionKind::Declaration } else { FunctionKind::Expression });
        let range = Bytes { start: from, end: it.span.end };
        let outer = self.outer_of(&it.scope_id);
        let id = self.push_function(
            own.or(hinted),
            it.params.span.start,
            range,
            kind,
            outer,
            it.r#async,
            it.generator,
        );
        self.tables.other_starts.entry(it.span.start).or_insert(id);
        if let Some(name) = &it.id
            && let Some(symbol) = self.symbol_mut(&name.symbol_id)
        {
            symbol.function = id;
            symbol.statement = it.span.start;
            symbol.kind = BindingKind::Function;
        }
        if kind == FunctionKind::Constructor
            && let Some(&(class, _)) = self.classes.last()
            && let Some(row) = self.tables.classes.get_mut(class as usize)
        {
            row.constructor = id;
        }
        self.params_of(id, &it.params);
        if let Some(shape) = self.tables.shapes.get_mut(id as usize) {
            shape.handed = handed.unwrap_or(NONE);
        }
        if !declared && !member {
            self.allocates(it.span);
        }
        let in_class = member && kind != FunctionKind::Arrow;
        let this = if in_class { self.tables.shapes[id as usize].class } else { NONE };
        self.inside(id, this, |walk| walk::walk_function(walk, it, flags));
    }

    fn visit_arrow_function_expression(&mut self, it: &ast::ArrowFunctionExpression<'a>) {
        let name = self.take_hint(it.span.start).and_then(|hint| hint.name);
        let handed = self.handed.remove(&it.span.start);
        let outer = self.outer_of(&it.scope_id);
        let range = bytes(it.span);
        let kind = FunctionKind::Arrow;
        let start = it.span.start;
        let id = self.push_function(name, start, range, kind, outer, it.r#async, false);
        self.params_of(id, &it.params);
        if let Some(shape) = self.tables.shapes.get_mut(id as usize) {
            shape.handed = handed.unwrap_or(NONE);
        }
        self.allocates(it.span);
        let this = self.this();
        self.inside(id, this, |walk| walk::walk_arrow_function_expression(walk, it));
    }

    fn visit_arrow_function_body(&mut self, it: &ast::ArrowFunctionBody<'a>) {
        let before = self.statement;
        if let ast::ArrowFunctionBody::FunctionBody(_) = it {
            self.statement = None;
        } else {
            self.statement = Some(it.span().start);
        }
        walk::walk_arrow_function_body(self, it);
        self.statement = before;
    }

    fn visit_class(&mut self, it: &ast::Class<'a>) {
        let hinted = self.take_hint(it.span.start).and_then(|hint| hint.name);
        let name = it.id.as_ref().map(|id| id.name.to_string()).or(hinted);
        if let Some(id) = &it.id
            && let Some(symbol) = self.symbol_mut(&id.symbol_id)
        {
            symbol.kind = BindingKind::Class;
            symbol.statement = it.span.start;
        }
        let class = self.tables.classes.len() as u32;
        let row = ClassRow { name: name.clone(), range: bytes(it.span), constructor: NONE };
        self.tables.classes.push(row);
        let explicit = it.body.body.iter().any(|element| {
            matches!(element, ast::ClassElement::MethodDefinition(method)
                if method.kind.is_constructor() && method.value.body.is_some())
        });
        if it.is_expression() {
            self.allocates(it.span);
        }
        self.classes.push((class, NONE));
        if !explicit {
            let outer = it.scope_id.get().map_or(NONE, |id| id.index() as u32);
            let kind = FunctionKind::Constructor;
            let start = it.span.start;
            let id = self.push_function(name, start, bytes(it.span), kind, outer, false, false);
            if let Some(row) = self.tables.classes.get_mut(class as usize) {
                row.constructor = id;
            }
        }
        let before = self.statement;
        walk::walk_class(self, it);
        self.statement = before;
        let Some((_, fields)) = self.classes.pop() else { return };
        if fields != NONE {
            self.tables.other_starts.insert(it.body.span.start, fields);
        }
        let constructor = self.tables.classes.get(class as usize).map_or(NONE, |c| c.constructor);
        if constructor != NONE {
            self.tables.other_starts.insert(it.span.start, constructor);
        }
    }

    fn visit_method_definition(&mut self, it: &ast::MethodDefinition<'a>) {
        let key = self.key_name(&it.key);
        let class = self.classes.last().and_then(|c| self.tables.classes.get(c.0 as usize));
        let (kind, name) = match it.kind {
            ast::MethodDefinitionKind::Constructor => {
                (FunctionKind::Constructor, class.and_then(|c| c.name.clone()))
            }
            ast::MethodDefinitionKind::Get => (FunctionKind::Getter, key.map(|key| format!("get {key}"))),
            ast::MethodDefinitionKind::Set => (FunctionKind::Setter, key.map(|key| format!("set {key}"))),
            ast::MethodDefinitionKind::Method => (FunctionKind::Method, key),
        };
        let start = it.value.span.start;
        self.hints.push(Hint { start, name, kind: Some(kind), from: it.span.start });
        let before = self.statement.replace(it.span.start);
        walk::walk_method_definition(self, it);
        self.statement = before;
    }

    fn visit_property_definition(&mut self, it: &ast::PropertyDefinition<'a>) {
        let before = self.statement.replace(it.span.start);
        let function = self.field(&it.key, it.value.as_ref(), it.r#static, it.span);
        let class = self.classes.last().map_or(NONE, |c| c.0);
        match function {
            Some(id) => {
                self.inside(id, class, |walk| walk::walk_property_definition(walk, it));
            }
            None => walk::walk_property_definition(self, it),
        }
        self.statement = before;
    }

    fn visit_accessor_property(&mut self, it: &ast::AccessorProperty<'a>) {
        let before = self.statement.replace(it.span.start);
        let function = self.field(&it.key, it.value.as_ref(), it.r#static, it.span);
        let class = self.classes.last().map_or(NONE, |c| c.0);
        match function {
            Some(id) => self.inside(id, class, |walk| walk::walk_accessor_property(walk, it)),
            None => walk::walk_accessor_property(self, it),
        }
        self.statement = before;
    }

    fn visit_static_block(&mut self, it: &ast::StaticBlock<'a>) {
        let class = self.classes.last().map_or(NONE, |c| c.0);
        let Some(id) = self.field_function(it.span.start) else { return };
        self.tables.other_starts.insert(it.span.start, id);
        self.inside(id, class, |walk| walk::walk_static_block(walk, it));
    }

    fn visit_object_property(&mut self, it: &ast::ObjectProperty<'a>) {
        let key = self.key_name(&it.key);
        if !it.computed && !it.shorthand {
            let init = self.init_of(&it.value);
            let kind = PropertyKind::Literal;
            self.property(bytes(it.key.span()), it.span.start, kind, NONE, Some(init));
        }
        let accessor = match it.kind {
            ast::PropertyKind::Get => Some((FunctionKind::Getter, "get ")),
            ast::PropertyKind::Set => Some((FunctionKind::Setter, "set ")),
            ast::PropertyKind::Init if it.method => Some((FunctionKind::Method, "")),
            ast::PropertyKind::Init => None,
        };
        match accessor {
            Some((kind, prefix)) => self.hints.push(Hint {
                start: it.value.span().start,
                name: key.map(|key| format!("{prefix}{key}")),
                kind: Some(kind),
                from: it.span.start,
            }),
            None => self.hint(&it.value, || key),
        }
        // A method of an object is no member of the class around it.
        let outside = accessor.is_some().then(|| std::mem::take(&mut self.classes));
        walk::walk_object_property(self, it);
        if let Some(classes) = outside {
            self.classes = classes;
        }
    }

    fn visit_variable_declaration(&mut self, it: &ast::VariableDeclaration<'a>) {
        let declaring = self.declaring;
        self.declaring = match it.kind {
            ast::VariableDeclarationKind::Var => BindingKind::Var,
            ast::VariableDeclarationKind::Let => BindingKind::Let,
            _ => BindingKind::Const,
        };
        let before = self.statement;
        self.statement.get_or_insert(it.span.start);
        walk::walk_variable_declaration(self, it);
        self.statement = before;
        self.declaring = declaring;
    }

    fn visit_variable_declarator(&mut self, it: &ast::VariableDeclarator<'a>) {
        if let Some(value) = &it.init {
            if let ast::BindingPattern::BindingIdentifier(id) = &it.id {
                let init = self.init_of(value);
                let name = id.name;
                self.hint(value, || Some(name.to_string()));
                let next = self.tables.functions.len() as u32;
                let is_function = init.start == Start::Function;
                if let Some(symbol) = self.symbol_mut(&id.symbol_id) {
                    symbol.init = Some(init);
                    // The function is the next to be entered.
                    if is_function {
                        symbol.function = next;
                    }
                }
            }
            self.destructure(&it.id, value);
        }
        walk::walk_variable_declarator(self, it);
    }

    fn visit_binding_identifier(&mut self, it: &ast::BindingIdentifier<'a>) {
        let statement = self.statement;
        let declaring = self.declaring;
        if let Some(symbol) = self.symbol_mut(&it.symbol_id) {
            let named = matches!(symbol.kind, BindingKind::Function | BindingKind::Class);
            if !named {
                symbol.statement = statement.unwrap_or(it.span.start);
            }
            if matches!(symbol.kind, BindingKind::Var | BindingKind::Let | BindingKind::Const)
                && declaring != BindingKind::Other
            {
                symbol.kind = declaring;
            }
        }
    }

    fn visit_formal_parameter(&mut self, it: &ast::FormalParameter<'a>) {
        let start = self.tables.shapes.get(self.function() as usize).map(|s| s.range.start);
        let before = std::mem::replace(&mut self.statement, start);
        let declaring = std::mem::replace(&mut self.declaring, BindingKind::Param);
        if let ast::BindingPattern::BindingIdentifier(id) = &it.pattern {
            if let Some(value) = &it.initializer {
                let name = id.name;
                self.hint(value, || Some(name.to_string()));
            }
            // `constructor(private items: Item[])` declares a field.
            if it.accessibility.is_some() || it.readonly {
                let class = self.classes.last().map_or(NONE, |c| c.0);
                let kind = PropertyKind::Field;
                let init = it.initializer.as_ref().map(|value| self.init_of(value));
                self.property(bytes(id.span), it.span.start, kind, class, init);
            }
        }
        walk::walk_formal_parameter(self, it);
        self.statement = before;
        self.declaring = declaring;
    }

    fn visit_formal_parameter_rest(&mut self, it: &ast::FormalParameterRest<'a>) {
        let declaring = std::mem::replace(&mut self.declaring, BindingKind::Param);
        walk::walk_formal_parameter_rest(self, it);
        self.declaring = declaring;
    }

    fn visit_identifier_reference(&mut self, it: &ast::IdentifierReference<'a>) {
        if let Root::Symbol(symbol) = self.root_symbol(it) {
            let function = self.function();
            self.tables.references.push(Reference { symbol, at: it.span.start, function });
        }
    }

    fn visit_call_expression(&mut self, it: &ast::CallExpression<'a>) {
        self.call(&it.callee, &it.arguments, it.span, false);
        walk::walk_call_expression(self, it);
    }

    fn visit_new_expression(&mut self, it: &ast::NewExpression<'a>) {
        self.allocates(it.span);
        self.call(&it.callee, &it.arguments, it.span, true);
        walk::walk_new_expression(self, it);
    }

    fn visit_assignment_expression(&mut self, it: &ast::AssignmentExpression<'a>) {
        let logical = it.operator.is_logical();
        let compound = !logical && !it.operator.is_assign();
        if let Some(member) = target_member(&it.left) {
            let place = self.place(member.object);
            match member.name {
                Some(name) => {
                    self.effect_with_value(Act::SetName, place, name, it);
                    let init = self.init_of(&it.right);
                    let on_this = matches!(place.root, Root::This(_)) && place.len == 0;
                    let kind = if on_this { PropertyKind::This } else { PropertyKind::Assigned };
                    let class = if on_this { self.this() } else { NONE };
                    let statement = self.statement_or(it.span.start);
                    if !compound {
                        self.property(name, statement, kind, class, Some(init));
                    }
                    let text = self.slice(Span::new(name.start, name.end)).to_owned();
                    self.hint(&it.right, || Some(text));
                }
                None => self.effect_with_value(Act::SetElement, place, Bytes::default(), it),
            }
        } else if let ast::AssignmentTarget::AssignmentTargetIdentifier(target) = &it.left {
            let root = self.root_symbol(target);
            let steps = self.tables.steps.len() as u32;
            let place = Place { root, steps, len: 0 };
            let act = Act::Assign { compound, logical };
            self.effect_with_value(act, place, bytes(target.span), it);
            let name = target.name;
            self.hint(&it.right, || Some(name.to_string()));
            if let Root::Symbol(symbol) = root {
                for place in self.places(&it.right) {
                    if place.root != root {
                        self.tables.aliases.push(Alias { symbol, place });
                    }
                }
            }
        }
        walk::walk_assignment_expression(self, it);
    }

    fn visit_update_expression(&mut self, it: &ast::UpdateExpression<'a>) {
        if let ast::SimpleAssignmentTarget::ComputedMemberExpression(member) = &it.argument {
            let place = self.place(&member.object);
            self.effect(Act::SetElement, place, Bytes::default(), it.span, it.span.start);
        }
        walk::walk_update_expression(self, it);
    }

    fn visit_unary_expression(&mut self, it: &ast::UnaryExpression<'a>) {
        if it.operator.is_delete()
            && let Some(member) = member_of(it.argument.get_inner_expression())
        {
            let place = self.place(member.object);
            let name = member.name.unwrap_or_default();
            self.effect(Act::Delete, place, name, it.span, it.span.start);
        }
        walk::walk_unary_expression(self, it);
    }

    fn visit_array_expression(&mut self, it: &ast::ArrayExpression<'a>) {
        self.allocates(it.span);
        walk::walk_array_expression(self, it);
    }

    fn visit_object_expression(&mut self, it: &ast::ObjectExpression<'a>) {
        self.allocates(it.span);
        walk::walk_object_expression(self, it);
    }

    fn visit_reg_exp_literal(&mut self, it: &ast::RegExpLiteral<'a>) {
        self.allocates(it.span);
        walk::walk_reg_exp_literal(self, it);
    }

    fn visit_template_literal(&mut self, it: &ast::TemplateLiteral<'a>) {
        if !it.expressions.is_empty() {
            self.allocates(it.span);
        }
        walk::walk_template_literal(self, it);
    }

    fn visit_binary_expression(&mut self, it: &ast::BinaryExpression<'a>) {
        let string = |side: &ast::Expression<'_>| {
            matches!(side, ast::Expression::StringLiteral(_) | ast::Expression::TemplateLiteral(_))
        };
        if it.operator == ast::BinaryOperator::Addition && (string(&it.left) || string(&it.right)) {
            self.allocates(it.span);
        }
        walk::walk_binary_expression(self, it);
    }
}

/// A variable or members of one, worth following when passed on.
fn is_plain(value: &ast::Expression<'_>) -> bool {
    matches!(value, ast::Expression::Identifier(_)) || member_of(value).is_some()
}

fn target_member<'e, 'a>(target: &'e ast::AssignmentTarget<'a>) -> Option<super::member::Member<'e, 'a>> {
    super::member::of_member_expression(target.as_simple_assignment_target()?.as_member_expression()?)
}

fn symbol_of(cell: &Cell<Option<SymbolId>>) -> u32 {
    cell.get().map_or(NONE, |id| id.index() as u32)
}

fn kind_of(flags: SymbolFlags) -> BindingKind {
    if flags.intersects(SymbolFlags::CatchVariable) {
        BindingKind::Catch
    } else if flags.intersects(SymbolFlags::Import | SymbolFlags::TypeImport) {
        BindingKind::Import
    } else if flags.intersects(SymbolFlags::Class) {
        BindingKind::Class
    } else if flags.intersects(SymbolFlags::Function) {
        BindingKind::Function
    } else if flags.intersects(SymbolFlags::ConstVariable) {
        BindingKind::Const
    } else if flags.intersects(SymbolFlags::BlockScopedVariable) {
        BindingKind::Let
    } else if flags.intersects(SymbolFlags::FunctionScopedVariable) {
        BindingKind::Var
    } else {
        BindingKind::Other
    }
}
