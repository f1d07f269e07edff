//! `scopes`, `scope_context_vars`, `scope_uses`: what the source's scopes declare and use (V8 of 2026).

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Loss;
use super::header::Columns;
use super::read::Section;
use super::tables::{narrow, read_table, state_too_large};
use crate::graph::NodeId;

/// One scope of a script's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The script's node; `None` when the file names none of its own.
    pub script: Option<NodeId>,
    /// Number of the scope within its script.
    pub id: u32,
    /// How deep it is nested. A script's scopes stand in preorder, so depths make the tree.
    pub depth: u32,
    /// Its variables that live in a context: positions in [`Scopes::variables`].
    pub variables: Range<usize>,
    /// The variables it uses: positions in [`Scopes::uses`].
    pub uses: Range<usize>,
}

/// A scope uses a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeUse {
    /// The scope (of the same script) that declares the variable.
    pub declaring_scope: u32,
    /// Which of that scope's context variables.
    pub slot: u32,
}

/// All scopes of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    /// In file order.
    pub scopes: Vec<Scope>,
    /// Names (string indexes) of context variables.
    pub variables: Vec<u32>,
    /// Uses.
    pub uses: Vec<ScopeUse>,
}

/// The three sections, as far as they are there.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct ScopeSections {
    pub(super) scopes: Option<Section>,
    pub(super) variables: Option<Section>,
    pub(super) uses: Option<Section>,
}

pub(super) fn read_scopes(
    text: &[u8],
    sections: &ScopeSections,
    columns: &Columns,
    node_count: usize,
    losses: &mut Vec<Loss>,
) -> Option<Scopes> {
    const NAME: &str = "scopes";
    let start = sections.scopes.as_ref()?.range.start;
    let mut too_large = 0;
    let variables: Vec<u32> = read_table(
        text,
        sections.variables.as_ref(),
        "scope_context_vars",
        &columns.scope_variable_fields,
        ["name"],
        losses,
    )
    .into_iter()
    .map(|[name]| narrow(name, &mut too_large))
    .collect();
    let wanted = ["declaring_scope_id", "slot_index"];
    let fields = &columns.scope_use_fields;
    let uses: Vec<ScopeUse> = read_table(text, sections.uses.as_ref(), "scope_uses", fields, wanted, losses)
        .into_iter()
        .map(|[scope, slot]| ScopeUse {
            declaring_scope: narrow(scope, &mut too_large),
            slot: narrow(slot, &mut too_large),
        })
        .collect();
    let wanted = ["script_node_index", "scope_id", "depth", "scope_context_vars_count", "scope_uses_count"];
    let rows = read_table(text, sections.scopes.as_ref(), NAME, &columns.scope_fields, wanted, losses);
    let width = columns.node_width as u64;
    let (mut next_variable, mut next_use) = (0, 0);
    let mut short = 0u64;
    let mut take = |next: &mut usize, count: u64, length: usize| {
        let end = usize::try_from(count).ok().and_then(|count| next.checked_add(count));
        let end = end.filter(|&end| end <= length).unwrap_or_else(|| {
            short += 1;
            length
        });
        let range = *next..end;
        *next = end;
        range
    };
    let mut scriptless = 0u64;
    let scopes = rows
        .into_iter()
        .map(|[script, id, depth, variable_count, use_count]| {
            let node = script / width;
            let script = (script.is_multiple_of(width) && node < node_count as u64)
                .then(|| NodeId::from_index(node as usize));
            scriptless += u64::from(script.is_none());
            Scope {
                script,
                id: narrow(id, &mut too_large),
                depth: narrow(depth, &mut too_large),
                variables: take(&mut next_variable, variable_count, variables.len()),
                uses: take(&mut next_use, use_count, uses.len()),
            }
        })
        .collect();
    let mut lost = |count: u64, what: &str| {
        if count > 0 {
            losses.push(Loss { section: NAME, offset: start as u64, what: format!("{count} {what}") });
        }
    };
    lost(scriptless, "name no node as their script");
    lost(short, "counts of variables or uses go beyond what is there");
    state_too_large(too_large, NAME, start, losses);
    Some(Scopes { scopes, variables, uses })
}
