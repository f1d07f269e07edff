//! Charts as inline SVG: memory over time, and a holder's population over the snapshots.
//!
//! Colours come from the page's style sheet, by class, so that light, dark and paper each have
//! their own. Every chart has a title and a description for those who do not see it.

use maud::{Markup, html};

use crate::figures;
use crate::view::MemoryPoint;

/// Points of one line; more are merged, each stretch showing its highest value.
const MOST_POINTS: usize = 400;
/// Snapshots drawn as columns; more become a line.
const MOST_COLUMNS: usize = 12;

/// One line of the memory chart.
struct Line {
    name: &'static str,
    class: &'static str,
    points: Vec<(f64, f64)>,
}

/// A limit that a chart may show: its name and bytes.
pub(super) struct Limit {
    /// `heap limit`, `container limit`.
    pub(super) name: &'static str,
    /// Bytes.
    pub(super) bytes: u64,
}

/// Memory of the process over the hunt; `None` with fewer than two moments.
pub(super) fn memory(points: &[MemoryPoint], limits: &[Limit]) -> Option<Markup> {
    let lines: Vec<Line> = [
        ("RSS", "rss", points.iter().map(|p| (p.seconds, Some(p.rss_bytes))).collect::<Vec<_>>()),
        ("heap used", "heap", points.iter().map(|p| (p.seconds, p.heap_used_bytes)).collect()),
        ("external", "external", points.iter().map(|p| (p.seconds, p.external_bytes)).collect()),
    ]
    .into_iter()
    .map(|(name, class, points)| Line { name, class, points: thinned(points) })
    .filter(|line| line.points.len() > 1)
    .collect();
    let all = || lines.iter().flat_map(|line| line.points.iter());
    let end = all().map(|p| p.0).fold(0.0, f64::max);
    let highest = all().map(|p| p.1).fold(0.0, f64::max);
    if lines.is_empty() || end <= 0.0 {
        return None;
    }
    // A limit within reach belongs into the picture; one far away would flatten the lines.
    let (near, far): (Vec<&Limit>, Vec<&Limit>) =
        limits.iter().partition(|limit| (limit.bytes as f64) < highest * 2.5);
    let top = near.iter().map(|limit| limit.bytes as f64).fold(highest, f64::max);
    let scale = Scale::bytes(top);
    let frame = Frame { width: 960.0, height: 330.0, left: 76.0, right: 156.0, top: 34.0, bottom: 34.0 };
    let x = |seconds: f64| frame.left + seconds / end * frame.inner_width();
    let y = |bytes: f64| frame.y(bytes / scale.top);
    let description = lines
        .iter()
        .filter_map(|line| {
            let (first, last) = (line.points.first()?, line.points.last()?);
            Some(format!("{} from {} to {}", line.name, bytes(first.1), bytes(last.1)))
        })
        .collect::<Vec<_>>()
        .join("; ");
    let mut labels: Vec<(f64, &Line, f64)> =
        lines.iter().filter_map(|line| line.points.last().map(|p| (y(p.1), line, p.1))).collect();
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    spread(&mut labels, frame.height - frame.bottom);
    Some(html! {
        svg.chart viewBox=(frame.view_box()) role="img" aria-labelledby="memory-title memory-desc" {
            title id="memory-title" { "Memory of the process over time" }
            desc id="memory-desc" { "Over " (figures::duration(end)) ": " (description) "." }
            g.legend {
                @for (i, line) in lines.iter().enumerate() {
                    @let before: usize = lines.iter().take(i).map(|line| line.name.len()).sum();
                    @let left = frame.left + i as f64 * 46.0 + before as f64 * 6.5;
                    line class={ "line " (line.class) } x1=(px(left)) x2=(px(left + 18.0)) y1="12" y2="12" {}
                    text x=(px(left + 24.0)) y="16" { (line.name) }
                }
                @if !far.is_empty() {
                    text.muted x=(px(frame.width)) y="16" text-anchor="end" {
                        "beyond this chart: "
                        @for (i, limit) in far.iter().enumerate() {
                            @if i > 0 { ", " }
                            (limit.name) " " (figures::bytes(limit.bytes))
                        }
                    }
                }
            }
            (scale.grid(&frame))
            @for tick in time_ticks(end) {
                line.tick x1=(px(x(tick))) x2=(px(x(tick))) y1=(px(frame.y(0.0))) y2=(px(frame.y(0.0) + 5.0)) {}
                text.axis x=(px(x(tick))) y=(px(frame.y(0.0) + 20.0)) text-anchor="middle" {
                    (moment(tick))
                }
            }
            @for limit in &near {
                @let at = y(limit.bytes as f64);
                line.limit x1=(px(frame.left)) x2=(px(frame.width - frame.right)) y1=(px(at)) y2=(px(at)) {}
                text.limit x=(px(frame.left + 6.0)) y=(px(if at < frame.top + 12.0 { at + 17.0 } else { at - 6.0 })) {
                    (limit.name) " " (figures::bytes(limit.bytes))
                }
            }
            @if let Some(line) = lines.first() {
                path class={ "area " (line.class) } d=(area(&line.points, x, y, frame.y(0.0))) {}
            }
            @for line in &lines {
                path class={ "line " (line.class) } d=(path(&line.points, x, y)) {}
            }
            @for (at, line, value) in &labels {
                @if let Some(last) = line.points.last() {
                    circle class={ "dot " (line.class) } cx=(px(x(last.0))) cy=(px(y(last.1))) r="3" {}
                }
                text class={ "value " (line.class) } x=(px(frame.width - frame.right + 10.0)) y=(px(at + 4.0)) {
                    (line.name) " " (bytes(*value))
                }
            }
        }
    })
}

/// What a population chart counts.
#[derive(Clone, Copy)]
pub(super) enum Measure {
    /// Bytes retained by the holder.
    Bytes,
    /// Members of the collection.
    Members,
}

/// One snapshot in a population chart.
pub(super) struct Column {
    /// `baseline`, or the number of the snapshot.
    pub(super) label: String,
    /// Bytes or members.
    pub(super) value: u64,
}

/// One value a snapshot, as columns (or as a line when there are many); `None` with fewer than two.
pub(super) fn population(id: &str, title: &str, measure: Measure, columns: &[Column]) -> Option<Markup> {
    if columns.len() < 2 {
        return None;
    }
    let show = |value: u64| match measure {
        Measure::Bytes => figures::bytes(value),
        Measure::Members => figures::count(value),
    };
    let highest = columns.iter().map(|c| c.value).max().unwrap_or(0).max(1) as f64;
    let scale = match measure {
        Measure::Bytes => Scale::bytes(highest),
        Measure::Members => Scale::counts(highest),
    };
    let frame = Frame { width: 460.0, height: 220.0, left: 70.0, right: 8.0, top: 18.0, bottom: 30.0 };
    let slot = frame.inner_width() / columns.len() as f64;
    let middle = |i: usize| frame.left + slot * (i as f64 + 0.5);
    let y = |value: f64| frame.y(value / scale.top);
    let base = frame.y(0.0);
    let few = columns.len() <= MOST_COLUMNS;
    let wide = (slot * 0.46).min(48.0);
    let (first, last) = (columns.first()?.value, columns.last()?.value);
    Some(html! {
        svg.chart viewBox=(frame.view_box()) role="img" aria-labelledby={ (id) "-title " (id) "-desc" } {
            title id={ (id) "-title" } { (title) }
            desc id={ (id) "-desc" } {
                (columns.len()) " snapshots, from " (show(first)) " to " (show(last)) "."
            }
            (scale.grid(&frame))
            @if few {
                @for (i, column) in columns.iter().enumerate() {
                    @let top = y(column.value as f64);
                    rect.column x=(px(middle(i) - wide / 2.0)) y=(px(top)) width=(px(wide))
                        height=(px((base - top).max(1.0))) rx="2" {}
                    @if columns.len() <= 6 {
                        text.value x=(px(middle(i))) y=(px(top - 6.0)) text-anchor="middle" { (show(column.value)) }
                        text.axis x=(px(middle(i))) y=(px(base + 18.0)) text-anchor="middle" { (column.label) }
                    } @else {
                        text.axis x=(px(middle(i))) y=(px(base + 18.0)) text-anchor="middle" { (i + 1) }
                    }
                }
            } @else {
                @let end = (columns.len() - 1) as f64;
                @let points = thinned(
                    columns.iter().enumerate().map(|(i, c)| (i as f64, Some(c.value))).collect(),
                );
                @let x = |i: f64| frame.left + i / end * frame.inner_width();
                path.area.column d=(area(&points, x, y, base)) {}
                path.line.column d=(path(&points, x, y)) {}
                text.axis x=(px(frame.left)) y=(px(base + 18.0)) { "snapshot 1" }
                text.axis x=(px(frame.width - frame.right)) y=(px(base + 18.0)) text-anchor="end" {
                    "snapshot " (figures::count(columns.len() as u64))
                }
            }
        }
    })
}

/// The drawing area and its margins, in the SVG's own units.
struct Frame {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Frame {
    fn view_box(&self) -> String {
        format!("0 0 {} {}", self.width, self.height)
    }

    fn inner_width(&self) -> f64 {
        self.width - self.left - self.right
    }

    /// Vertical place of a share (0 bottom, 1 top).
    fn y(&self, share: f64) -> f64 {
        self.height - self.bottom - share * (self.height - self.top - self.bottom)
    }
}

/// A vertical scale from zero with round ticks.
struct Scale {
    top: f64,
    ticks: Vec<(f64, String)>,
}

impl Scale {
    fn bytes(highest: f64) -> Self {
        const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let highest = highest.max(1.0);
        let power = (highest.log2() / 10.0).floor().clamp(0.0, 6.0);
        let unit = 1024_f64.powf(power);
        Self::round(highest / unit, unit, UNITS.get(power as usize).copied().unwrap_or_default())
    }

    fn counts(highest: f64) -> Self {
        Self::round(highest.max(4.0), 1.0, "")
    }

    /// Ticks at 1, 2 or 5 times a power of ten; five of them at most above zero.
    fn round(highest: f64, unit: f64, name: &str) -> Self {
        let rough = highest / 4.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|m| m * power)
            .into_iter()
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(power * 10.0);
        let steps = (highest / step - 1e-9).ceil().max(1.0);
        let whole = |decimals: i32| (step * 10_f64.powi(decimals)).fract().abs() < 1e-6;
        let decimals = (0..3).find(|d| whole(*d)).unwrap_or(3) as usize;
        let ticks = (0..=steps as u32)
            .map(|i| {
                let value = f64::from(i) * step;
                let number = if decimals == 0 {
                    figures::count(value.round() as u64)
                } else {
                    format!("{value:.decimals$}")
                };
                let label = match (i, name) {
                    (0, _) => "0".to_owned(),
                    (_, "") => number,
                    (_, name) => format!("{number} {name}"),
                };
                (value * unit, label)
            })
            .collect();
        Self { top: steps * step * unit, ticks }
    }

    fn grid(&self, frame: &Frame) -> Markup {
        html! {
            @for (value, label) in &self.ticks {
                @let at = frame.y(value / self.top);
                line class=(if *value == 0.0 { "base" } else { "grid" }) x1=(px(frame.left))
                    x2=(px(frame.width - frame.right)) y1=(px(at)) y2=(px(at)) {}
                text.axis x=(px(frame.left - 10.0)) y=(px(at + 4.0)) text-anchor="end" { (label) }
            }
        }
    }
}

/// Round moments on a time axis that ends at `end` seconds.
fn time_ticks(end: f64) -> Vec<f64> {
    const STEPS: [f64; 19] = [
        0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0,
        14_400.0, 21_600.0, 43_200.0,
    ];
    let step = STEPS
        .into_iter()
        .find(|step| end / step <= 8.0)
        .unwrap_or_else(|| (end / 8.0 / 86_400.0).ceil() * 86_400.0);
    (0..=(end / step).min(9.0) as u32).map(|i| f64::from(i) * step).collect()
}

/// A moment on the time axis: `30 s`, `1 min`, `1 min 30 s`.
fn moment(seconds: f64) -> String {
    if !(60.0..120.0).contains(&seconds) {
        return figures::duration(seconds);
    }
    match seconds as u64 - 60 {
        0 => "1 min".to_owned(),
        rest => format!("1 min {rest} s"),
    }
}

/// At most [`MOST_POINTS`] points in order of time, without those that are no numbers.
fn thinned(points: Vec<(f64, Option<u64>)>) -> Vec<(f64, f64)> {
    let points: Vec<(f64, f64)> = points
        .into_iter()
        .filter_map(|(x, y)| Some((x, y? as f64)))
        .filter(|(x, _)| x.is_finite() && *x >= 0.0)
        .collect();
    let stretch = points.len().div_ceil(MOST_POINTS).max(1);
    points.chunks(stretch).filter_map(|c| c.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))).collect()
}

/// Moves labels apart that would overlap, from the top down, then back up from `bottom`.
fn spread(labels: &mut [(f64, &Line, f64)], bottom: f64) {
    const APART: f64 = 17.0;
    let mut above = f64::NEG_INFINITY;
    for label in labels.iter_mut() {
        label.0 = label.0.max(above + APART);
        above = label.0;
    }
    let mut below = bottom + APART;
    for label in labels.iter_mut().rev() {
        label.0 = label.0.min(below - APART);
        below = label.0;
    }
}

fn path(points: &[(f64, f64)], x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut d = String::with_capacity(points.len() * 14);
    for (i, point) in points.iter().enumerate() {
        d.push(if i == 0 { 'M' } else { 'L' });
        d += &px(x(point.0));
        d.push(' ');
        d += &px(y(point.1));
    }
    d
}

fn area(points: &[(f64, f64)], x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64, base: f64) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let (left, right) = (px(x(first.0)), px(x(last.0)));
    format!("{}L{right} {base}L{left} {base}Z", path(points, x, y))
}

/// A coordinate with one decimal: enough for a screen, small in the file.
fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn bytes(value: f64) -> String {
    figures::bytes(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|t| t.1.as_str()).collect()
    }

    #[test]
    fn axes_have_round_ticks_that_reach_the_highest_value() {
        assert_eq!(labels(&Scale::bytes(88.0 * 1048576.0)), ["0", "25 MiB", "50 MiB", "75 MiB", "100 MiB"]);
        assert_eq!(labels(&Scale::bytes(2_303_006.0)), ["0", "1 MiB", "2 MiB", "3 MiB"]);
        assert_eq!(
            labels(&Scale::bytes(1024_f64.powi(3))),
            ["0", "0.25 GiB", "0.50 GiB", "0.75 GiB", "1.00 GiB"]
        );
        assert_eq!(labels(&Scale::counts(6000.0)), ["0", "2,000", "4,000", "6,000"]);
        for highest in [0.0, 1.0, 3.0, 999.0, 1e6, 1.7e9, u64::MAX as f64] {
            for scale in [Scale::bytes(highest), Scale::counts(highest)] {
                assert!(scale.top >= highest && scale.ticks.len() <= 7, "{highest}: {:?}", scale.ticks);
            }
        }
    }

    #[test]
    fn time_axes_have_a_handful_of_ticks() {
        for end in [0.5, 1.0, 65.0, 300.0, 86_400.0, 1e8] {
            let ticks = time_ticks(end);
            assert!((2..=10).contains(&ticks.len()), "{end}: {ticks:?}");
        }
    }

    #[test]
    fn many_points_are_thinned_and_keep_the_peak() {
        let mut points: Vec<(f64, Option<u64>)> = (0..100_000).map(|i| (f64::from(i), Some(5))).collect();
        points[77_777].1 = Some(9);
        points[3].0 = f64::NAN;
        let thin = thinned(points);
        assert!(thin.len() <= MOST_POINTS);
        assert!(thin.iter().any(|p| p.1 == 9.0));
    }
}
