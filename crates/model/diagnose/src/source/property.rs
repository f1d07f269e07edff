//! Where a property of an object or class is declared.

use serde::{Deserialize, Serialize};

use super::position::Position;
use super::table::{FunctionId, Initializer, NONE, SourceText, Start};

/// How a property came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PropertyKind {
    /// A class field, `#private` and TypeScript parameter properties included.
    Field,
    /// A static class field.
    StaticField,
    /// `this.name = …`.
    This,
    /// A key of an object literal.
    Literal,
    /// `something.name = …`.
    Assigned,
}

/// The place that declares a property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Its name, `#` included when private.
    pub name: String,
    /// Where the name stands.
    pub declaration: Position,
    /// Where the declaring statement, field or key begins.
    pub statement: Position,
    /// How it is declared.
    pub kind: PropertyKind,
    /// Name of the class, when it is a class's.
    pub class: Option<String>,
    /// The function that runs the declaration.
    pub function: FunctionId,
    /// What it starts as.
    pub initializer: Option<Initializer>,
    /// The trimmed line.
    pub text: String,
}

impl SourceText {
    /// Where a property is declared: a class field, `this.name = …`, a key of an object literal
    /// or an assignment, best first; declarations in the named class come before all others.
    /// A private name is asked for with its `#`.
    pub fn property_declarations(&self, property: &str, class: Option<&str>) -> Vec<Property> {
        let mut found: Vec<(bool, bool, u8, Property)> = Vec::new();
        for row in &self.tables.properties {
            if self.key(row.name) != property {
                continue;
            }
            let owner = self.tables.classes.get(row.class as usize).filter(|_| row.class != NONE);
            let constructs = self.tables.functions.get(row.function as usize).filter(|function| {
                row.kind == PropertyKind::This && class.is_some() && function.name.as_deref() == class
            });
            let owner = owner
                .and_then(|row| row.name.clone())
                .or_else(|| constructs.and_then(|function| function.name.clone()));
            let elsewhere = class.is_some() && owner.as_deref() != class;
            // `this.items = null` and `items;` say less than `this.items = []`.
            let empty = row.init.is_none_or(|init| matches!(init.start, Start::Nothing));
            let rank = match row.kind {
                PropertyKind::Field | PropertyKind::StaticField => 0,
                PropertyKind::This => u8::from(!self.is_constructor(row.function)),
                PropertyKind::Literal => 2,
                PropertyKind::Assigned => 3,
            };
            let property = Property {
                name: property.to_owned(),
                declaration: self.at(row.name.start),
                statement: self.at(row.statement),
                kind: row.kind,
                class: owner,
                function: FunctionId(row.function),
                initializer: row.init.map(|init| self.initializer(init)),
                text: self.quote(row.name.start),
            };
            found.push((elsewhere, empty, rank, property));
        }
        found.sort_by_key(|(elsewhere, empty, rank, p)| (*elsewhere, *empty, *rank, p.declaration));
        found.into_iter().map(|(.., property)| property).collect()
    }

    /// The first of [`SourceText::property_declarations`].
    pub fn property_declaration(&self, property: &str, class: Option<&str>) -> Option<Property> {
        self.property_declarations(property, class).into_iter().next()
    }

    fn is_constructor(&self, function: u32) -> bool {
        self.tables
            .functions
            .get(function as usize)
            .is_some_and(|f| f.kind == super::table::FunctionKind::Constructor)
    }
}
