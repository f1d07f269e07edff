//! `realms`: the native contexts (the main one, those of `vm`, frames of a page) and what is theirs.

use std::path::PathBuf;

use leakhound_heap::Model;
use leakhound_heap::query::Realms;
use leakhound_heap::v8::Landmarks;
use serde::{Deserialize, Serialize};

use super::object::reference;
use super::{CountView, Dump, Exploration, ReferenceView};
use crate::analyze::on_a_thread;
use crate::{Cancel, Listener, WorkbenchError};

/// `leakhound.realms/1`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RealmsView {
    /// Name and version of this object.
    pub schema: String,
    /// The rules: `gc` or `devtools`.
    pub model: String,
    /// The dump.
    #[serde(flatten)]
    pub dump: Dump,
    /// The realms, the largest first.
    pub realms: Vec<RealmView>,
    /// What several realms reach.
    pub shared: CountView,
    /// What no realm reaches.
    pub nobodys: CountView,
}

/// One realm.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RealmView {
    /// Its native context.
    #[serde(flatten)]
    pub node: ReferenceView,
    /// What is this realm's alone.
    pub own: CountView,
}

/// Lists the realms.
///
/// # Errors
/// When the dump cannot be read.
pub async fn realms(
    file: PathBuf,
    model: Model,
    cancel: &Cancel,
    events: Listener<'_>,
) -> Result<RealmsView, WorkbenchError> {
    let cancel = cancel.clone();
    on_a_thread(events, move |sender| {
        let exploration = Exploration::open(&file, model, &cancel, sender)?;
        exploration.prepare();
        let (heap, lens) = (exploration.heap(), exploration.lens());
        let realms = Realms::new(heap, &Landmarks::new(heap));
        let sums = realms.sizes(heap, lens);
        let count = |(count, shallow_size): (u64, u64)| CountView { count, shallow_size };
        let mut views: Vec<RealmView> = (realms.contexts().iter().zip(sums.own))
            .map(|(&context, own)| RealmView { node: reference(&exploration, context), own: count(own) })
            .collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.own.shallow_size));
        Ok(RealmsView {
            schema: "leakhound.realms/1".into(),
            model: model.as_str().into(),
            dump: exploration.dump(),
            realms: views,
            shared: count(sums.shared),
            nobodys: count(sums.nobodys),
        })
    })
    .await
}
