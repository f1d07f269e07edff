//! Looking into one dump, or comparing two: the classic views, in either model.
//!
//! A view function reads what it needs, computes the stages it needs, and returns a view model. Sizes are
//! bytes, lines and columns count from 1, ids are V8's own (`@12345` in Chrome DevTools).

mod containment;
mod diff;
mod exploration;
mod functions;
mod grouping;
mod object;
mod paths;
mod realms;
mod recording;
mod retained_set;
mod search;
mod strings;
mod summary;
mod trees;

pub use containment::{ContainmentView, ContentView, Contents, RootView, RootsView, containment, roots};
pub use diff::{DiffBy, DiffOptions, DiffRowView, DiffView, GrownView, diff};
pub use exploration::{Dump, Exploration};
pub use functions::{
    ClosuresView, ContextView, ContextsView, FunctionView, FunctionsOptions, VariableView, closures, contexts,
};
pub use grouping::GroupBy;
pub use leakhound_heap::Model;
pub use object::{FieldView, ObjectOptions, ObjectView, ReferenceView, object, object_id};
pub use paths::{PathTreeView, PathsOptions, PathsTo, PathsView, paths};
pub use realms::{RealmView, RealmsView, realms};
pub use recording::{
    AllocatorView, BucketView, StackView, TimelineView, TracesOptions, TracesView, timeline, traces,
};
pub use retained_set::{RetainedSetOptions, RetainedSetView, SetRowView, retained_set};
pub use search::{MatchView, SearchIn, SearchOptions, SearchView, search};
pub use strings::{CountView, DuplicateView, ParentView, StringsView, strings};
pub use summary::{
    ClassRowView, StatisticsView, SummaryOnly, SummaryOptions, SummarySort, SummaryView, statistics, summary,
};
pub use trees::{
    DominatorView, DominatorsView, RetainerView, Retainers, RetainersView, TreeOptions, dominators, retainers,
};
