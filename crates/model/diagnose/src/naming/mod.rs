//! From a node that accumulates growth to the variable that holds it and the lines that matter.

mod bounds;
mod closures;
mod owner;
mod sites;
mod texts;

pub(crate) use bounds::{Bound, bound_of};
pub(crate) use closures::Author;
pub(crate) use owner::{Owner, climb, first_user_closure, module_file, owner_of};
pub(crate) use sites::{Declared, Site, allocation_sites, declared, growth_site, package, spread};
pub(crate) use texts::{Texts, path_of};
