//! Leak, bounded, or noise: what the history of one holder says.

use crate::accused::Accused;
use crate::case::Snapshot;
use crate::finding::{Confidence, Evidence};
use crate::growth::Shape;
use crate::naming::Author;
use crate::write::bytes;

/// Members below this are no population.
const MIN_MEMBERS: u64 = 12;
/// Less growth than this is never more than likely.
const SURE_BYTES: u64 = 32 << 10;
/// Growth without a user's name on it must reach this to be accused at all.
const NAMELESS_BYTES: u64 = 1 << 20;
/// Growth slower than this share of its earlier rate has stopped.
const STOPPED: f64 = 0.08;

/// The judgement of one holder.
pub(crate) enum Judged {
    /// It leaks; with the reasons.
    Leak(Confidence, Vec<Evidence>),
    /// It grew and stopped.
    Bounded(String),
    /// Too little, or nobody's.
    Noise,
}

pub(crate) fn judge(snapshots: &[Snapshot], accused: &Accused, total: u64) -> Judged {
    if accused.members < MIN_MEMBERS && accused.shape == Shape::Members {
        return Judged::Noise;
    }
    if accused.loading {
        return Judged::Noise;
    }
    let now = accused.history.members.last().copied().flatten().unwrap_or(accused.members);
    if let Some(bound) = &accused.bound
        && now <= bound.most + bound.most / 20 + 1
    {
        return Judged::Bounded(format!(
            "holds {now}, and its code bounds it at {} ({})",
            bound.most, bound.at
        ));
    }
    let nameless = accused.owner.variable.is_none() || accused.owner.author == Author::Node;
    if nameless && accused.bytes < NAMELESS_BYTES {
        return Judged::Noise;
    }
    let mut evidence = Vec::new();
    let mut supports = |text: String| evidence.push(Evidence { supports: true, text });
    supports(format!(
        "{} objects born after the first snapshot were still alive in the last, held here",
        accused.objects
    ));

    let history = &accused.history;
    if let Some(reason) = turnover(snapshots, accused) {
        return Judged::Bounded(reason);
    }
    let members = &history.members;
    let series: Option<Vec<u64>> = members.iter().copied().collect();
    let mut confidence = if snapshots.len() > 2 { Confidence::High } else { Confidence::Medium };
    match pace(snapshots, series.as_deref()) {
        Pace::Steady(count) => supports(format!("it grew in each of {count} intervals under load")),
        Pace::Stopped => {
            let (from, to) = (members.first().copied().flatten(), members.last().copied().flatten());
            return Judged::Bounded(match (from, to) {
                (Some(from), Some(to)) => {
                    format!("grew from {from} to {to} members and stopped, under continued load")
                }
                _ => "grew and stopped, under continued load".into(),
            });
        }
        Pace::Kept => supports("nothing of it was released after the load".into()),
        Pace::Shrinking(share) => {
            if share > 0.6 {
                return Judged::Bounded(format!(
                    "{:.0} % of what it gained was released again",
                    share * 100.0
                ));
            }
            confidence = confidence.min(Confidence::Medium);
            evidence.push(Evidence {
                supports: false,
                text: format!("{:.0} % of what it gained was released again", share * 100.0),
            });
        }
        Pace::Unknown => {
            evidence.push(Evidence {
                supports: false,
                text: "two snapshots cannot tell a leak from a cache that is still filling".into(),
            });
        }
    }
    let share = accused.bytes as f64 / total.max(1) as f64;
    evidence.push(Evidence {
        supports: share >= 0.1,
        text: format!("{} of all growth ({})", percent(share), bytes(total)),
    });
    if nameless {
        confidence = confidence.min(Confidence::Low);
        evidence.push(Evidence { supports: false, text: "no variable of the application holds it".into() });
    }
    if let Some(bound) = &accused.bound {
        evidence.push(Evidence {
            supports: true,
            text: format!("it holds {now}, although {} compares it with {}", bound.at, bound.most),
        });
    }
    if accused.bytes < SURE_BYTES {
        confidence = confidence.min(Confidence::Medium);
        evidence
            .push(Evidence { supports: false, text: format!("it is only {} so far", bytes(accused.bytes)) });
    }
    if accused.shared {
        confidence = confidence.min(Confidence::Medium);
        evidence.push(Evidence {
            supports: false,
            text: "other holders point at the same objects: this is the one on the shortest path".into(),
        });
    }
    Judged::Leak(confidence, evidence)
}

/// Whether the population replaces its members, which no leak does.
fn turnover(snapshots: &[Snapshot], accused: &Accused) -> Option<String> {
    let history = &accused.history;
    let loaded = snapshots.last().and_then(|last| last.load_before);
    let gone =
        |(alive, all): (u64, u64)| if all < MIN_MEMBERS { 0.0 } else { 1.0 - alive as f64 / all as f64 };
    let most = history.members.iter().flatten().copied().max().unwrap_or(0);
    if loaded == Some(true) && gone(history.fresh_survivors) >= 0.5 {
        return Some(format!(
            "at most {most} at a time: {} of what came was gone one snapshot later",
            percent(gone(history.fresh_survivors))
        ));
    }
    // A population of its class that stays as large and is exchanged as a whole is work in progress,
    // whichever list of it is looked at.
    let (_, before) = history.class_survivors;
    if gone(history.class_survivors) >= 0.9 && history.class_now * 2 <= before * 3 {
        return Some(format!(
            "{} at a time, all of them replaced since the first snapshot",
            history.class_now
        ));
    }
    // Without load after the growth, only the first population tells. A leak keeps it.
    if loaded != Some(true) && gone(history.first_survivors) >= 0.9 {
        return Some(format!("at most {most} at a time: the first snapshot's members are all gone"));
    }
    None
}

/// A share as people read it.
pub(crate) fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.01 { "under 1 %".into() } else { format!("{:.0} %", share * 100.0) }
}

enum Pace {
    /// Growth in every interval under load; how many there were.
    Steady(usize),
    /// Grew, then not, though the load went on.
    Stopped,
    /// Grew, and kept everything when the load had ended (or nobody knows of load).
    Kept,
    /// This share of the gain is gone again.
    Shrinking(f64),
    /// Two snapshots only, or the holder is younger than the first.
    Unknown,
}

fn pace(snapshots: &[Snapshot], series: Option<&[u64]>) -> Pace {
    let Some(series) = series.filter(|series| series.len() > 2) else {
        return if snapshots.len() > 2 { Pace::Kept } else { Pace::Unknown };
    };
    let gains: Vec<f64> = series.windows(2).map(|pair| pair[1] as f64 - pair[0] as f64).collect();
    let peak = series.iter().copied().max().unwrap_or(0).saturating_sub(series[0]) as f64;
    let left = series[series.len() - 1].saturating_sub(series[0]) as f64;
    if peak > 0.0 && left < 0.9 * peak {
        return Pace::Shrinking(1.0 - left / peak);
    }
    let seconds = |at: usize| match (snapshots[at].seconds, snapshots[at + 1].seconds) {
        (Some(from), Some(to)) if to > from => to - from,
        _ => 1.0,
    };
    let rates: Vec<f64> = gains.iter().enumerate().map(|(at, gain)| gain / seconds(at)).collect();
    let last = rates.len() - 1;
    let fastest = rates[..last].iter().copied().fold(0.0, f64::max);
    match snapshots[last + 1].load_before {
        Some(true) if fastest > 0.0 && rates[last] < STOPPED * fastest => Pace::Stopped,
        Some(true) => Pace::Steady(rates.iter().filter(|&&rate| rate > 0.0).count()),
        _ => Pace::Kept,
    }
}
