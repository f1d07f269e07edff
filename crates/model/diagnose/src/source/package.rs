//! Whose code a script is, from its path or URL alone.

/// The npm package that a path belongs to: the innermost `node_modules/<package>`, scope
/// included; `None` outside `node_modules`. Slashes may lean either way.
pub fn package_of(path: &str) -> Option<&str> {
    let is_slash = |c: char| c == '/' || c == '\\';
    let mut found = None;
    let mut rest = 0;
    while let Some(at) = path.get(rest..).and_then(|tail| tail.find("node_modules")) {
        let begin = rest + at;
        let end = begin + "node_modules".len();
        rest = end;
        let whole = path[..begin].chars().next_back().is_none_or(is_slash);
        let Some(after) = path[end..].strip_prefix(is_slash) else { continue };
        if !whole {
            continue;
        }
        let first = after.find(is_slash).unwrap_or(after.len());
        let length = if after.starts_with('@') && first < after.len() {
            let second = &after[first + 1..];
            first + 1 + second.find(is_slash).unwrap_or(second.len())
        } else {
            first
        };
        let name = &after[..length];
        // pnpm's store and npm's own dot folders are no packages.
        if !name.is_empty() && !name.starts_with('.') {
            found = Some(name);
        }
    }
    found
}

/// Whether a script's URL names Node.js's own JavaScript: `node:…`, and `internal/…` as older
/// versions and bootstrap scripts spell it.
pub fn is_node_internal(url: &str) -> bool {
    url.starts_with("node:") || url.starts_with("internal/")
}
