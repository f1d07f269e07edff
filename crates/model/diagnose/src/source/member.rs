//! Member expressions, whichever of their spellings.

use oxc_ast::ast;
use oxc_span::{GetSpan, Span};

use super::table::Bytes;

/// `object.name`, `object?.name`, `object.#name`, `object['name']` or `object[expression]`.
pub(crate) struct Member<'e, 'a> {
    pub(crate) object: &'e ast::Expression<'a>,
    /// The name's text, quotes included; `None` when computed.
    pub(crate) name: Option<Bytes>,
    /// Where the property begins: V8's position of a call through it.
    pub(crate) at: u32,
}

pub(crate) fn bytes(span: Span) -> Bytes {
    Bytes { start: span.start, end: span.end }
}

fn computed<'e, 'a>(it: &'e ast::ComputedMemberExpression<'a>) -> Member<'e, 'a> {
    let name = match &it.expression {
        ast::Expression::StringLiteral(key) => Some(bytes(key.span)),
        _ => None,
    };
    Member { object: &it.object, name, at: it.expression.span().start }
}

fn named<'e, 'a>(it: &'e ast::StaticMemberExpression<'a>) -> Member<'e, 'a> {
    let name = Some(bytes(it.property.span));
    Member { object: &it.object, name, at: it.property.span.start }
}

fn private<'e, 'a>(it: &'e ast::PrivateFieldExpression<'a>) -> Member<'e, 'a> {
    Member { object: &it.object, name: Some(bytes(it.field.span)), at: it.field.span.start }
}

pub(crate) fn of_member_expression<'e, 'a>(it: &'e ast::MemberExpression<'a>) -> Option<Member<'e, 'a>> {
    Some(match it {
        ast::MemberExpression::ComputedMemberExpression(it) => computed(it),
        ast::MemberExpression::StaticMemberExpression(it) => named(it),
        ast::MemberExpression::PrivateFieldExpression(it) => private(it),
    })
}

/// The member expression that an expression is, if it is one.
pub(crate) fn member_of<'e, 'a>(it: &'e ast::Expression<'a>) -> Option<Member<'e, 'a>> {
    match it {
        ast::Expression::ComputedMemberExpression(it) => Some(computed(it)),
        ast::Expression::StaticMemberExpression(it) => Some(named(it)),
        ast::Expression::PrivateFieldExpression(it) => Some(private(it)),
        ast::Expression::ChainExpression(it) => match &it.expression {
            ast::ChainElement::ComputedMemberExpression(it) => Some(computed(it)),
            ast::ChainElement::StaticMemberExpression(it) => Some(named(it)),
            ast::ChainElement::PrivateFieldExpression(it) => Some(private(it)),
            _ => None,
        },
        _ => None,
    }
}

/// The last name of what is called; empty when it has none.
pub(crate) fn name_of_callee(callee: &ast::Expression<'_>) -> Bytes {
    match callee.get_inner_expression() {
        ast::Expression::Identifier(it) => bytes(it.span),
        other => member_of(other).and_then(|member| member.name).unwrap_or_default(),
    }
}
