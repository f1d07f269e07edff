//! Lines: where the holder is declared, which statement adds to it, who allocates.

use leakhound_heap::v8::Place;
use leakhound_heap::{NodeId, NodeKind};
use leakhound_profile::{AllocationProfile, Frame};
use rustc_hash::FxHashMap;

use super::closures::Author;
use super::owner::{Owner, first_user_closure, module_file};
use super::texts::{Texts, path_of};
use crate::finding::{AllocationSite, GrowsAt, StackFrame};
use crate::growth::{Point, Scene, Shape};
use crate::source::{Addition, AdditionKind, BindingKind, Function, Position, SourceText, Via, package_of};

/// Where something stands, for people: 1-based.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Declared {
    pub(crate) url: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) text: Option<String>,
}

impl Declared {
    fn at(url: &str, position: Position, text: Option<String>) -> Self {
        Self { url: url.to_owned(), line: position.line + 1, column: position.column + 1, text }
    }

    pub(crate) fn file(&self) -> String {
        path_of(&self.url)
    }
}

fn position(place: &Place) -> Position {
    Position::new(place.line, place.column)
}

/// `name@version` of the package a script belongs to.
pub(crate) fn package(texts: &Texts<'_>, url: &str) -> Option<String> {
    let name = package_of(url)?;
    Some(match texts.sources().package_version(url) {
        Some(version) => format!("{name}@{version}"),
        None => name.to_owned(),
    })
}

/// Where the holder's variable is declared.
pub(crate) fn declared(scene: &Scene<'_>, texts: &Texts<'_>, owner: &Owner) -> Option<Declared> {
    let variable = owner.variable.as_deref()?;
    if let Some(place) = &owner.seen_from {
        let source = texts.get(&place.url);
        if let Some(source) = &source {
            let binding = source
                .resolve(variable, position(place))
                .or_else(|| source.bindings_named(variable).into_iter().next());
            if let Some(binding) = binding {
                if let Some(declared) = by_key(texts, source, &place.url, owner) {
                    return Some(declared);
                }
                // What a class holds itself is declared inside it.
                if binding.kind == BindingKind::Class
                    && let Some(property) = owner.properties().last()
                    && let Some(field) = source.property_declaration(property, Some(variable))
                {
                    return Some(Declared::at(&place.url, field.declaration, Some(field.text)));
                }
                return Some(Declared::at(&place.url, binding.declaration, Some(binding.text)));
            }
            if let Some(property) = source.property_declaration(variable, None) {
                return Some(Declared::at(&place.url, property.declaration, Some(property.text)));
            }
        }
        // A module's own record has no declaration.
        if owner.scope == crate::finding::Scope::Module && variable == "module" {
            return None;
        }
    } else {
        // A property of the global object: declared wherever someone first assigns it.
        for url in user_urls(texts) {
            let Some(source) = texts.get(url) else { continue };
            if let Some(binding) = source.bindings_named(variable).into_iter().next() {
                return Some(Declared::at(url, binding.declaration, Some(binding.text)));
            }
            if let Some(property) = source.property_declaration(variable, None) {
                return Some(Declared::at(url, property.declaration, Some(property.text)));
            }
        }
    }
    // The constructor of the object is the next best thing.
    let place = scene.scripts.place(scene.heap, owner.object)?;
    (Author::of(&place.url) != Author::Node).then(|| {
        let text = texts.get(&place.url).map(|source| source.line_text(place.line).to_owned());
        Declared::at(&place.url, position(&place), text)
    })
}

/// A property that no code declares as such but a call names (`app.decorate('log', [])`): the line with its
/// name as a literal.
fn by_key(texts: &Texts<'_>, home: &SourceText, url: &str, owner: &Owner) -> Option<Declared> {
    let property = owner.properties().next()?;
    let declares = |source: &SourceText| source.property_declaration(property, None).is_some();
    if property.starts_with(['#', '_', '<']) || declares(home) || owner.labels.len() != 1 {
        return None;
    }
    let literals = [format!("'{property}'"), format!("\"{property}\"")];
    let line = (0..home.line_count()).find(|&line| {
        let text = home.line_text(line);
        text.contains('(') && literals.iter().any(|literal| text.contains(literal.as_str()))
    })?;
    let elsewhere = user_urls(texts).into_iter().filter(|&other| other != url);
    let declared_elsewhere = elsewhere.filter_map(|other| texts.get(other)).any(|source| declares(&source));
    (!declared_elsewhere)
        .then(|| Declared::at(url, Position::new(line, 0), Some(home.line_text(line).to_owned())))
}

fn user_urls<'t>(texts: &'t Texts<'_>) -> Vec<&'t str> {
    texts.urls().into_iter().filter(|url| Author::of(url) == Author::User).collect()
}

/// A statement that may add to the holder.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) at: Declared,
    pub(crate) function: Option<String>,
    /// Position of that function as V8 gives it (0-based), to match sampled frames.
    pub(crate) function_start: Option<Position>,
    pub(crate) score: f64,
    pub(crate) share: Option<f64>,
    /// A function whose stacks the growth is charged to because V8 inlined the statement's own: its name
    /// and share.
    pub(crate) charged_to: Option<(String, f64)>,
}

impl Site {
    pub(crate) fn into_grows_at(self, texts: &Texts<'_>) -> GrowsAt {
        GrowsAt {
            file: self.at.file(),
            line: self.at.line,
            column: Some(self.at.column),
            function: self.function,
            source: self.at.text,
            share_of_sampled_growth: self.share,
            package: package(texts, &self.at.url),
        }
    }
}

/// The statement that most likely adds to the holder: what the source says, weighed with who allocates.
pub(crate) fn growth_site(
    scene: &Scene<'_>,
    texts: &Texts<'_>,
    owner: &Owner,
    point: &Point,
    profile: Option<&AllocationProfile>,
) -> Option<Site> {
    let mut sites = Vec::new();
    if let Some(site) = from_reload(scene, texts, owner, point) {
        return Some(site);
    }
    if let (Some(variable), true) = (owner.variable.as_deref(), owner.author != Author::Node) {
        from_variable(scene, texts, owner, variable, &mut sites);
    }
    from_properties(scene, texts, owner, point, &mut sites);
    from_closures(scene, texts, owner, point, &mut sites);
    from_construction(scene, texts, owner, point, &mut sites);
    let total = profile.map_or(0, AllocationProfile::total_bytes);
    for site in &mut sites {
        if let (Some(profile), Some(start), true) = (profile, site.function_start, total > 0) {
            let share =
                profile.bytes_through(|frame| is_function(frame, &site.at.url, start)) as f64 / total as f64;
            site.share = Some(share);
            site.score += 30.0 * share;
        }
        if Author::of(&site.at.url) == Author::Package {
            site.score -= 25.0;
        }
    }
    let charged = sites
        .iter()
        .filter(|site| site.score > 20.0)
        .filter_map(|site| Some((site.function.clone()?, site.share?)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let best = sites.into_iter().reduce(|best, site| if site.score > best.score { site } else { best });
    let best = best.map(|best| match charged {
        // The statement's own function is on no stack, a candidate that calls it is.
        Some((function, share)) if best.share.is_some_and(|own| own < 0.05) && share >= 0.2 => {
            Site { share: None, charged_to: Some((function, share)), ..best }
        }
        _ => best,
    });
    match best {
        Some(best) if Author::of(&best.at.url) == Author::User => Some(best),
        // The statement is a package's: the user's own line is the one that calls into it.
        Some(best) => profile
            .and_then(|profile| {
                user_caller(texts, profile, |frame| {
                    best.function_start.is_some_and(|start| is_function(frame, &best.at.url, start))
                })
            })
            .or(Some(best)),
        None => profile.and_then(|profile| user_caller(texts, profile, |_| true)),
    }
}

fn is_function(frame: &Frame, url: &str, start: Position) -> bool {
    frame.line == Some(start.line)
        && frame.column == Some(start.column)
        && path_of(&frame.url) == path_of(url)
}

fn site(url: &str, source: &SourceText, addition: Addition, bonus: f64) -> Site {
    let function = source.function(addition.function);
    Site {
        at: Declared::at(
            url,
            addition.call_position,
            Some(source.line_text(addition.call_position.line).to_owned()),
        ),
        function: name(function).or_else(|| (!addition.function.is_top()).then(|| "(anonymous)".to_owned())),
        function_start: (!addition.function.is_top()).then_some(function.start),
        score: f64::from(addition.strength) + bonus,
        share: None,
        charged_to: None,
    }
}

fn name(function: &Function) -> Option<String> {
    match (&function.class, &function.name) {
        (Some(class), Some(name)) if class != name => Some(format!("{class}.{name}")),
        (_, name) => name.clone(),
    }
}

/// Statements that add to the variable: in its own file, and in files that import it.
fn from_variable(scene: &Scene<'_>, texts: &Texts<'_>, owner: &Owner, variable: &str, sites: &mut Vec<Site>) {
    let home = owner.seen_from.as_ref().map(|place| place.url.as_str());
    if let Some((url, source)) = home.and_then(|url| Some((url, texts.get(url)?))) {
        let binding = owner
            .seen_from
            .as_ref()
            .and_then(|place| source.resolve(variable, position(place)))
            .or_else(|| source.bindings_named(variable).into_iter().next());
        // What grows is a member of a member: adding to the variable itself is not it.
        let nested = owner.labels.iter().any(|label| label == "[…]");
        let bonus = |via: Via| match (nested, via) {
            (false, _) => 10.0,
            (true, Via::Direct) => -30.0,
            (true, _) => -5.0,
        };
        // `history.push(…)` of one's own class is a call like any other; what it does inside is the growth.
        let own_class = scene
            .scripts
            .place(scene.heap, owner.object)
            .is_some_and(|place| Author::of(&place.url) == Author::User);
        if let Some(binding) = binding {
            sites.extend(source.additions_to(&binding).into_iter().map(|addition| {
                let inside = own_class && addition.how == AdditionKind::Insert && addition.via == Via::Direct;
                let bonus = bonus(addition.via) - if inside { 35.0 } else { 0.0 };
                site(url, &source, addition, bonus)
            }));
        } else {
            // `exports.sessions = …` declares a property, not a variable.
            let additions = source.additions_to_property(variable, None);
            sites.extend(additions.into_iter().map(|addition| site(url, &source, addition, 5.0)));
        }
    }
    if owner.scope == crate::finding::Scope::Closure {
        return;
    }
    for url in user_urls(texts) {
        if Some(url) == home {
            continue;
        }
        let Some(source) = texts.get(url) else { continue };
        for binding in source.bindings_named(variable) {
            if binding.kind == BindingKind::Import || binding.initializer.is_none() {
                sites.extend(
                    source.additions_to(&binding).into_iter().map(|add| site(url, &source, add, 0.0)),
                );
            }
        }
        let additions = source.additions_to_property(variable, None);
        sites.extend(additions.into_iter().map(|add| site(url, &source, add, -5.0)));
    }
}

/// Statements that add to the property that holds the collection, in the files of its class.
fn from_properties(
    scene: &Scene<'_>,
    texts: &Texts<'_>,
    owner: &Owner,
    point: &Point,
    sites: &mut Vec<Site>,
) {
    // The first link of a chain hangs from a property of its own: `this.head`.
    let first = point.members.iter().copied().collect::<rustc_hash::FxHashSet<_>>();
    let head = scene
        .heap
        .edges(point.node)
        .find(|edge| {
            point.shape == Shape::Chain
                && edge.kind == leakhound_heap::EdgeKind::Property
                && first.contains(&edge.to)
        })
        .map(|edge| scene.heap.edge_name(&edge).into_owned());
    let properties: Vec<String> =
        head.into_iter().chain(owner.properties().map(str::to_owned)).take(2).collect();
    for (depth, property) in properties.iter().map(String::as_str).enumerate() {
        let holder = owner.nodes.iter().rev().find(|&&node| {
            scene.heap.edges(node).any(|edge| {
                edge.kind == leakhound_heap::EdgeKind::Property && scene.heap.edge_name(&edge) == property
            })
        });
        let class = holder.map(|&node| scene.label(node));
        let home = holder.and_then(|&node| scene.scripts.place(scene.heap, node)).map(|place| place.url);
        let seen = owner.seen_from.as_ref().map(|place| place.url.clone());
        let mut urls: Vec<String> = home.into_iter().chain(seen).collect();
        urls.extend(user_urls(texts).into_iter().map(str::to_owned));
        let mut done = rustc_hash::FxHashSet::default();
        for (rank, url) in urls.iter().enumerate() {
            if Author::of(url) == Author::Node || !done.insert(url.clone()) {
                continue;
            }
            let Some(source) = texts.get(url) else { continue };
            let bonus = 5.0 - 10.0 * depth as f64 - rank.min(4) as f64 * 4.0;
            // What grows is a member of a member: adding to the property itself is not it.
            let nested = owner.labels.last().is_some_and(|label| label == "[…]");
            for addition in source.additions_to_property(property, class.as_deref()) {
                let direct = nested && addition.via == Via::Direct;
                sites.push(site(url, &source, addition, bonus - if direct { 30.0 } else { 0.0 }));
            }
        }
    }
}

/// A module that is loaded again and again: the `require` inside a function of the module that keeps it.
fn from_reload(scene: &Scene<'_>, texts: &Texts<'_>, owner: &Owner, point: &Point) -> Option<Site> {
    let member = point.members.first().copied().filter(|&member| scene.label(member) == "Module")?;
    let own = module_file(scene.heap, member)?;
    let stem = own.rsplit('/').next()?.split('.').next()?.to_owned();
    let mut urls = owner.seen_from.iter().map(|place| place.url.as_str()).collect::<Vec<_>>();
    urls.extend(user_urls(texts));
    urls.into_iter().find_map(|url| {
        let source = texts.get(url)?;
        source.functions().iter().filter(|function| !function.id.is_top()).find_map(|function| {
            let at = source
                .calls_in(function.id, "require")
                .into_iter()
                .find(|at| source.line_text(at.line).contains(&stem))?;
            Some(Site {
                at: Declared::at(url, at, Some(source.line_text(at.line).to_owned())),
                function: name(function),
                function_start: Some(function.start),
                score: 100.0,
                share: None,
                charged_to: None,
            })
        })
    })
}

/// Where the members' own functions were written: the line that adds a listener, a timer, a reaction.
fn from_closures(scene: &Scene<'_>, texts: &Texts<'_>, owner: &Owner, point: &Point, sites: &mut Vec<Site>) {
    let mut places: FxHashMap<(String, Position), usize> = FxHashMap::default();
    let sample: Vec<NodeId> = spread(&point.members, 24);
    for &member in &sample {
        if let Some((_, place, _)) = first_user_closure(scene, point.node, member) {
            *places.entry((place.url.clone(), position(&place))).or_default() += 1;
        }
    }
    let closures_are_members = point.members.first().is_some_and(|&member| {
        matches!(scene.heap.kind(member), NodeKind::Closure | NodeKind::Hidden)
            || ["Timeout", "Immediate", "Listener", "Promise", "PromiseReaction", "Generator"]
                .contains(&scene.label(member).as_str())
    });
    let nameless = owner.author == Author::Node
        || owner.scope == crate::finding::Scope::Global && owner.variable.as_deref() == Some("process");
    for ((url, at), count) in places {
        let Some(source) = texts.get(&url) else { continue };
        let outer = source.function_at(at).and_then(|function| function.parent);
        let outer = outer.map(|id| source.function(id));
        let share = count as f64 / sample.len().max(1) as f64;
        // Objects carry their methods' functions too; only where functions are the members is the place
        // of the function the place of the growth.
        let base = if nameless {
            85.0
        } else if closures_are_members {
            60.0
        } else {
            5.0
        };
        // A suspended function was written somewhere; it grows where it waits.
        let waits = owner.variable.as_deref().and_then(|variable| {
            let function = source.function_at(at).filter(|function| function.is_async)?;
            awaits(&source, function, variable)
        });
        if let Some(at) = waits {
            sites.push(Site {
                at: Declared::at(&url, at, Some(source.line_text(at.line).to_owned())),
                function: source.enclosing_function(at).and_then(name),
                function_start: source.enclosing_function(at).map(|function| function.start),
                score: 70.0 * share,
                share: None,
                charged_to: None,
            });
            continue;
        }
        sites.push(Site {
            at: Declared::at(&url, at, Some(source.line_text(at.line).to_owned())),
            function: outer
                .filter(|function| !function.id.is_top())
                .map(|function| name(function).unwrap_or_else(|| "(anonymous)".to_owned())),
            function_start: outer.filter(|function| !function.id.is_top()).map(|function| function.start),
            score: base * share,
            share: None,
            charged_to: None,
        });
    }
}

/// The line of a function that awaits `variable`.
fn awaits(source: &SourceText, function: &Function, variable: &str) -> Option<Position> {
    (function.range.start.line..=function.range.end.line).find_map(|line| {
        let text = source.line_text(line);
        let (_, behind) = text.split_once("await ")?;
        let mut words = behind.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
        words.any(|word| word == variable).then_some(Position::new(line, 0))
    })
}

/// Statements that make a member and put it somewhere: `list.push(new Entry(…))`, whatever `list` is.
fn from_construction(
    scene: &Scene<'_>,
    texts: &Texts<'_>,
    owner: &Owner,
    point: &Point,
    sites: &mut Vec<Site>,
) {
    let (_, class, _) = crate::accused::main_member(scene, point);
    let member = point.members.iter().copied().find(|&member| scene.label(member) == class);
    let Some(place) = member.and_then(|member| scene.scripts.place(scene.heap, member)) else { return };
    let home = owner.seen_from.as_ref().map(|place| place.url.as_str());
    for url in [Some(place.url.as_str()), home.filter(|&home| home != place.url)].into_iter().flatten() {
        if Author::of(url) == Author::Node {
            continue;
        }
        let Some(source) = texts.get(url) else { continue };
        for function in source.functions() {
            for at in source.calls_in(function.id, &class) {
                let inner = source.enclosing_function(at).unwrap_or(function);
                let line = source.line_text(at.line);
                let inserts =
                    [".push(", ".set(", ".add(", ".unshift(", "] = "].iter().any(|call| line.contains(call));
                sites.push(Site {
                    at: Declared::at(url, at, Some(line.to_owned())),
                    function: name(inner),
                    function_start: (!inner.id.is_top()).then_some(inner.start),
                    score: if inserts { 92.0 } else { 35.0 },
                    share: None,
                    charged_to: None,
                });
            }
        }
    }
}

/// At most `count` items, evenly spread.
pub(crate) fn spread(nodes: &[NodeId], count: usize) -> Vec<NodeId> {
    let step = nodes.len().div_ceil(count.max(1)).max(1);
    nodes.iter().copied().step_by(step).collect()
}

/// The user's function on the heaviest stacks through `wanted`, and in it the line that makes the call.
fn user_caller(
    texts: &Texts<'_>,
    profile: &AllocationProfile,
    wanted: impl Fn(&Frame) -> bool,
) -> Option<Site> {
    let total = profile.total_bytes().max(1);
    let mut by_function: FxHashMap<(String, Position, String), (u64, String)> = FxHashMap::default();
    for stack in profile.stacks() {
        let Some(from) = stack.frames.iter().position(|frame| wanted(frame)) else { continue };
        let found = stack
            .frames
            .iter()
            .enumerate()
            .skip(from)
            .find(|(_, frame)| Author::of(&frame.url) == Author::User);
        let Some((at, frame)) = found else { continue };
        let (Some(line), Some(column)) = (frame.line, frame.column) else { continue };
        let callee =
            at.checked_sub(1).and_then(|inner| stack.frames.get(inner)).map(|frame| frame.function.clone());
        let key = (frame.url.clone(), Position::new(line, column), frame.function.clone());
        let entry = by_function.entry(key).or_insert((0, callee.unwrap_or_default()));
        entry.0 += stack.bytes;
    }
    let ((url, start, function), (bytes, callee)) =
        by_function.into_iter().max_by_key(|(_, (bytes, _))| *bytes)?;
    let source = texts.get(&url);
    let line = source.as_ref().and_then(|source| {
        let function = source.function_at(start)?;
        let callee = callee.rsplit('.').next().unwrap_or_default();
        source
            .calls_in(function.id, callee)
            .into_iter()
            .next()
            .or_else(|| source.allocations_in(function.id).into_iter().next())
    });
    let at = line.unwrap_or(start);
    Some(Site {
        at: Declared::at(&url, at, source.map(|source| source.line_text(at.line).to_owned())),
        function: Some(function).filter(|name| !name.is_empty()),
        function_start: Some(start),
        score: 30.0,
        share: Some(bytes as f64 / total as f64),
        charged_to: None,
    })
}

/// The heaviest stacks that allocate below `site`'s function, or all when no function is known.
pub(crate) fn allocation_sites(profile: &AllocationProfile, site: Option<&Site>) -> Vec<AllocationSite> {
    let total = profile.total_bytes().max(1) as f64;
    let start = site.and_then(|site| Some((site.at.url.as_str(), site.function_start?)));
    profile
        .stacks()
        .into_iter()
        .filter(|stack| {
            start.is_none_or(|(url, start)| stack.frames.iter().any(|frame| is_function(frame, url, start)))
        })
        .take(5)
        .map(|stack| AllocationSite {
            bytes: stack.bytes,
            share: stack.bytes as f64 / total,
            frames: stack
                .frames
                .iter()
                .take(24)
                .map(|frame| StackFrame {
                    function: if frame.function.is_empty() {
                        "(anonymous)".into()
                    } else {
                        frame.function.clone()
                    },
                    file: path_of(&frame.url),
                    line: frame.line.map_or(0, |line| line + 1),
                    column: frame.column.map_or(0, |column| column + 1),
                })
                .collect(),
        })
        .collect()
}
