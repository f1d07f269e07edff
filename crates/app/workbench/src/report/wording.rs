//! Sentences that the page, the Markdown and the terminal share.

use leakhound_diagnose::{FindingKind, Growth, Holder, PathStep, RunsOut, Verdict};

use crate::{figures, names};

/// One sentence that says what a verdict means.
pub fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Leak => {
            "Something inside the JavaScript heap grows without bound, and one holder keeps it alive."
        }
        Verdict::OffHeapLeak => {
            "Memory outside the JavaScript heap grows: buffers that JavaScript holds, or native memory."
        }
        Verdict::Backlog => "What grew under load was work in flight; it was released when the load ended.",
        Verdict::Bounded => "Something filled up and then stopped growing, or replaces its members.",
        Verdict::NoLeak => "Nothing grew beyond noise between the first and the last snapshot.",
        Verdict::Inconclusive => "The evidence does not decide; what to measure next stands below.",
    }
}

/// A finding's kind in words.
pub fn kind(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Collection => "growing collection",
        FindingKind::Listener => "listeners never removed",
        FindingKind::Timer => "timers never cleared",
        FindingKind::ClosureContext => "closure keeps too much",
        FindingKind::Promise => "promises never settled",
        FindingKind::AsyncContext => "async context kept",
        FindingKind::StringSlice => "small strings pin big ones",
        FindingKind::LinkedStructure => "linked structure grows",
        FindingKind::ModuleDuplicated => "module loaded again and again",
        FindingKind::OffHeap => "memory outside the heap",
        FindingKind::Other => "other",
    }
}

/// What the sizes mean, in one sentence.
pub fn model(model: &str) -> String {
    match model {
        "gc" => "Sizes follow the gc model: an object retains what the garbage collector could free if that \
                 object were gone; weak references keep nothing alive, and bytes outside the heap count for \
                 the object that owns them."
            .to_owned(),
        "devtools" => {
            "Sizes follow the devtools model: the figures equal those of Chrome DevTools.".to_owned()
        }
        other => format!("Sizes follow the {} model.", names::cut_middle(other, 40)),
    }
}

/// The holder's growth: `+5,000 CachedResponse · +1.83 MiB retained in 62 s · 30.1 KiB/s`, in parts.
pub fn growth(growth: &Growth) -> Vec<String> {
    let mut parts = Vec::new();
    if growth.members > 0 {
        let class = names::cut_middle(&growth.member_class, 60);
        parts.push(format!("+{} {class}", figures::count(growth.members)));
    }
    let mut retained = format!("+{} retained", figures::bytes(growth.bytes));
    if let Some(seconds) = growth.seconds {
        retained += &format!(" in {}", figures::duration(seconds));
    }
    parts.push(retained);
    if growth.external_bytes > 0 {
        parts.push(format!("{} of it off the heap", figures::bytes(growth.external_bytes)));
    }
    if let Some(rate) = growth.bytes_per_second {
        parts.push(figures::rate(rate));
    }
    parts
}

/// `heap limit 2.05 GiB in ≈ 19 h 20 min`.
pub fn runs_out(runs_out: &RunsOut) -> String {
    format!(
        "{} {} in ≈ {}",
        names::cut_middle(&runs_out.limit, 40),
        figures::bytes(runs_out.limit_bytes),
        figures::duration(runs_out.seconds)
    )
}

/// The holder as one would write it, with its class: `responseCache (Map)`.
pub fn holder(holder: &Holder, columns: usize) -> String {
    let class = holder.collection.as_deref().unwrap_or(&holder.class);
    let class = names::cut_middle(class, columns / 2);
    let room = columns.saturating_sub(names::width(&class) + 3);
    format!("{} ({class})", names::cut_middle(&holder.expression, room))
}

/// A step of a path as shown, or how many were left out there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    /// This step.
    Shown(&'a PathStep),
    /// So many steps between those around.
    Hidden(usize),
}

/// A path in about `most` steps: its ends and the stretch around the holder always stay.
pub fn steps(path: &[PathStep], most: usize) -> Vec<Step<'_>> {
    let holder = path.iter().position(|step| step.is_holder).unwrap_or(path.len());
    let third = most.div_ceil(3).max(1);
    let stays = |i: usize| {
        path.len() <= most || i < third || i + third >= path.len() || i.abs_diff(holder) <= third / 2
    };
    let mut shown: Vec<Step<'_>> = Vec::new();
    for (i, step) in path.iter().enumerate() {
        match shown.last_mut() {
            _ if stays(i) => shown.push(Step::Shown(step)),
            Some(Step::Hidden(n)) => *n += 1,
            _ => shown.push(Step::Hidden(1)),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(length: u64, holder: u64) -> Vec<PathStep> {
        (0..length)
            .map(|i| PathStep {
                edge: i.to_string(),
                class: String::new(),
                object_id: i,
                is_holder: i == holder,
            })
            .collect()
    }

    #[test]
    fn a_long_path_keeps_its_ends_and_its_holder() {
        let long = path(200, 100);
        let shown = steps(&long, 9);
        let ids: Vec<Option<u64>> = shown
            .iter()
            .map(|step| match step {
                Step::Shown(step) => Some(step.object_id),
                Step::Hidden(_) => None,
            })
            .collect();
        let [a, b] = [Some(99), Some(101)];
        assert_eq!(
            ids,
            [Some(0), Some(1), Some(2), None, a, Some(100), b, None, Some(197), Some(198), Some(199)]
        );
        assert_eq!(shown.get(3), Some(&Step::Hidden(96)));
        assert_eq!(steps(&path(9, 3), 9).len(), 9);
        assert!(steps(&[], 9).is_empty());
    }
}
