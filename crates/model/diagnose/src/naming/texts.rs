//! Source texts by script, parsed once.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::Sources;
use crate::growth::Scene;
use crate::source::SourceText;

/// V8 cuts strings in a snapshot at this many UTF-16 units.
const CUT: usize = 1024;

/// Source texts of one case.
pub(crate) struct Texts<'a> {
    sources: &'a dyn Sources,
    /// Beginning of each script as the dump holds it.
    dumped: FxHashMap<String, Arc<str>>,
    parsed: RefCell<FxHashMap<String, Option<Rc<SourceText>>>>,
    pub(crate) warnings: RefCell<Vec<String>>,
}

impl<'a> Texts<'a> {
    pub(crate) fn new(sources: &'a dyn Sources, scene: &Scene<'_>) -> Self {
        let mut dumped = FxHashMap::default();
        for (_, script) in scene.scripts.all() {
            let url = scene.heap.name(script).into_owned();
            if let Some(text) = scene.marks.script_source(scene.heap, script) {
                dumped.insert(url, Arc::from(&*text));
            }
        }
        Self { sources, dumped, parsed: RefCell::default(), warnings: RefCell::default() }
    }

    pub(crate) fn sources(&self) -> &'a dyn Sources {
        self.sources
    }

    /// URLs of all scripts that have a function alive, in a stable order.
    pub(crate) fn urls(&self) -> Vec<&str> {
        let mut urls: Vec<&str> = self.dumped.keys().map(String::as_str).collect();
        urls.sort_unstable();
        urls
    }

    /// The parsed source of a script: the whole text from outside when it is the one that runs, else what
    /// the dump holds.
    pub(crate) fn get(&self, url: &str) -> Option<Rc<SourceText>> {
        if let Some(known) = self.parsed.borrow().get(url) {
            return known.clone();
        }
        let parsed = self.load(url).map(|text| Rc::new(SourceText::parse(url, text)));
        self.parsed.borrow_mut().insert(url.to_owned(), parsed.clone());
        parsed
    }

    fn load(&self, url: &str) -> Option<Arc<str>> {
        let dumped = self.dumped.get(url).filter(|text| !text.is_empty());
        match (self.sources.text(url), dumped) {
            (Some(text), Some(dumped)) if !is_beginning(dumped, &text) => {
                self.warnings.borrow_mut().push(format!(
                    "{} has changed since the process loaded it: lines are taken from the dump, which holds \
                     only the beginning of the file",
                    path_of(url)
                ));
                Some(dumped.clone())
            }
            (Some(text), _) => Some(text),
            (None, Some(dumped)) => {
                if dumped.encode_utf16().count() >= CUT {
                    self.warnings.borrow_mut().push(format!(
                        "the source of {} is not at hand: only its beginning, which the dump holds, was read",
                        path_of(url)
                    ));
                }
                Some(dumped.clone())
            }
            (None, None) => None,
        }
    }
}

/// Whether `text` begins with what the dump holds (replacement characters match anything).
fn is_beginning(dumped: &str, text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').chars();
    dumped.chars().take(CUT - 1).all(|wanted| {
        let found = rest.next();
        wanted == char::REPLACEMENT_CHARACTER || found == Some(wanted)
    })
}

/// A `file:` URL as a path; anything else as it is.
pub(crate) fn path_of(url: &str) -> String {
    let Some(rest) = url.strip_prefix("file://") else { return url.to_owned() };
    let mut bytes = Vec::with_capacity(rest.len());
    let mut at = rest.bytes();
    while let Some(byte) = at.next() {
        let hex = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16));
        if byte == b'%'
            && let (Some(high), Some(low)) = (hex(at.next()), hex(at.next()))
        {
            bytes.push((high * 16 + low) as u8);
            continue;
        }
        bytes.push(byte);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
