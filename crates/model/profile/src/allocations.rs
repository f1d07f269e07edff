//! The call tree of sampled allocations.

use serde::Deserialize;

/// Nesting beyond this is no profile: V8 records at most 128 frames, each two levels of JSON.
const MAX_NESTING: usize = 700;
/// The largest sum of all sizes: what a JSON number holds exactly. Sums over any part of the profile fit.
const MAX_BYTES: u64 = 1 << 53;

/// A profile that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Not the JSON of a sampled allocation profile.
    #[error("not a sampled allocation profile (.heapprofile): {0}")]
    NotAProfile(#[from] serde_json::Error),
    /// Nested deeper than any stack V8 records.
    #[error("the call tree is nested deeper than {MAX_NESTING} levels")]
    TooDeep,
    /// Sizes that no process has.
    #[error("the sizes add up to more than {MAX_BYTES} bytes")]
    TooLarge,
}

#[derive(Deserialize)]
struct RawProfile {
    head: RawNode,
    #[serde(default)]
    samples: Vec<RawSample>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawNode {
    call_frame: RawFrame,
    self_size: f64,
    #[serde(default)]
    id: u64,
    #[serde(default)]
    children: Vec<RawNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFrame {
    function_name: String,
    #[serde(default)]
    script_id: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    line_number: i64,
    #[serde(default)]
    column_number: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSample {
    size: f64,
    node_id: u64,
    ordinal: f64,
}

/// One function of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Function name, empty for anonymous ones.
    pub function: String,
    /// V8's number of the script, 0 for built-ins.
    pub script_id: u32,
    /// URL or path of the script, empty for built-ins.
    pub url: String,
    /// Where the function begins: 0-based line; `None` for built-ins and the root.
    pub line: Option<u32>,
    /// 0-based column of the same.
    pub column: Option<u32>,
}

/// A live allocation that the sampler picked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Bytes it stands for.
    pub bytes: u64,
    /// Index of the call-tree node.
    pub node: usize,
    /// Grows with every sample taken, so that it dates the allocation.
    pub ordinal: u64,
}

#[derive(Clone, Debug)]
struct Node {
    frame: Frame,
    parent: Option<usize>,
    bytes: u64,
}

/// Live bytes by allocation stack.
#[derive(Clone, Debug, Default)]
pub struct AllocationProfile {
    nodes: Vec<Node>,
    samples: Vec<Sample>,
}

/// One stack and the live bytes allocated in its innermost frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack<'a> {
    /// Live bytes (V8's estimate).
    pub bytes: u64,
    /// Innermost frame first, without the root.
    pub frames: Vec<&'a Frame>,
}

impl AllocationProfile {
    /// Reads a `.heapprofile`.
    ///
    /// # Errors
    /// When the bytes are no such profile, nested beyond reason, or about more bytes than there can be.
    pub fn parse(json: &[u8]) -> Result<Self, ProfileError> {
        if nesting(json) > MAX_NESTING {
            return Err(ProfileError::TooDeep);
        }
        let mut reader = serde_json::Deserializer::from_slice(json);
        reader.disable_recursion_limit();
        let raw = RawProfile::deserialize(&mut reader)?;
        let mut profile = Self::default();
        let mut ids = rustc_hash::FxHashMap::default();
        let mut stack = vec![(raw.head, None)];
        while let Some((node, parent)) = stack.pop() {
            let own = profile.nodes.len();
            ids.insert(node.id, own);
            profile.nodes.push(Node {
                frame: Frame {
                    function: node.call_frame.function_name,
                    script_id: node.call_frame.script_id.parse().unwrap_or(0),
                    url: node.call_frame.url,
                    line: u32::try_from(node.call_frame.line_number).ok(),
                    column: u32::try_from(node.call_frame.column_number).ok(),
                },
                parent,
                bytes: bytes(node.self_size),
            });
            stack.extend(node.children.into_iter().map(|child| (child, Some(own))));
        }
        let total = profile.nodes.iter().fold(0u64, |sum, node| sum.saturating_add(node.bytes));
        if total > MAX_BYTES {
            return Err(ProfileError::TooLarge);
        }
        profile.samples = raw
            .samples
            .into_iter()
            .filter_map(|sample| {
                let node = *ids.get(&sample.node_id)?;
                Some(Sample { bytes: bytes(sample.size), node, ordinal: bytes(sample.ordinal) })
            })
            .collect();
        Ok(profile)
    }

    /// All live bytes.
    pub fn total_bytes(&self) -> u64 {
        self.nodes.iter().map(|node| node.bytes).sum()
    }

    /// The live samples, in no order.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Every stack with live bytes, largest first.
    pub fn stacks(&self) -> Vec<Stack<'_>> {
        let mut stacks: Vec<Stack<'_>> = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.bytes > 0)
            .map(|(at, node)| Stack { bytes: node.bytes, frames: self.frames(at) })
            .collect();
        stacks.sort_by_key(|stack| std::cmp::Reverse(stack.bytes));
        stacks
    }

    /// The stack of a call-tree node, innermost frame first, without the root.
    pub fn frames(&self, node: usize) -> Vec<&Frame> {
        let mut frames = Vec::new();
        let mut at = self.nodes.get(node);
        while let Some(node) = at {
            let Some(parent) = node.parent else { break };
            frames.push(&node.frame);
            at = self.nodes.get(parent);
        }
        frames
    }

    /// Live bytes of the stacks in which some frame satisfies `wanted`.
    pub fn bytes_through(&self, wanted: impl Fn(&Frame) -> bool) -> u64 {
        // Parents come before their children, so one pass settles every node.
        let mut through = vec![false; self.nodes.len()];
        let mut sum = 0;
        for (at, node) in self.nodes.iter().enumerate() {
            through[at] = node.parent.is_some_and(|parent| through[parent]) || wanted(&node.frame);
            if through[at] {
                sum += node.bytes;
            }
        }
        sum
    }
}

/// Sizes are JSON numbers; negative or absurd ones count as nothing.
fn bytes(size: f64) -> u64 {
    if size.is_finite() && size > 0.0 { size as u64 } else { 0 }
}

fn nesting(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0, false, false);
    for &byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, size: u64, id: u64, children: &str) -> String {
        format!(
            r#"{{"callFrame":{{"functionName":"{name}","scriptId":"7","url":"file:///a.js","lineNumber":{id},"columnNumber":2}},"selfSize":{size},"id":{id},"children":[{children}]}}"#
        )
    }

    #[test]
    fn stacks_are_leaf_first_and_largest_first() {
        let leaf = node("leaf", 100, 3, "");
        let other = node("other", 900, 4, "");
        let json = format!(
            r#"{{"head":{},"samples":[{{"size":100,"nodeId":3,"ordinal":17}}]}}"#,
            node("(root)", 0, 1, &node("handle", 10, 2, &format!("{leaf},{other}")))
        );
        let profile = AllocationProfile::parse(json.as_bytes()).unwrap();
        let stacks = profile.stacks();
        let names: Vec<Vec<&str>> = stacks
            .iter()
            .map(|stack| stack.frames.iter().map(|frame| frame.function.as_str()).collect())
            .collect();
        assert_eq!(names, [vec!["other", "handle"], vec!["leaf", "handle"], vec!["handle"]]);
        assert_eq!(profile.bytes_through(|frame| frame.function == "handle"), 1010);
        assert_eq!(profile.bytes_through(|frame| frame.function == "leaf"), 100);
        assert_eq!(profile.samples()[0].ordinal, 17);
    }

    #[test]
    fn hostile_nesting_is_refused() {
        let deep = "[".repeat(100_000);
        assert!(matches!(AllocationProfile::parse(deep.as_bytes()), Err(ProfileError::TooDeep)));
    }

    #[test]
    fn sizes_that_no_process_has_are_refused() {
        let json =
            format!(r#"{{"head":{}}}"#, node("(root)", 0, 1, &node("f", u64::MAX, 2, &node("g", 9, 3, ""))));
        assert!(matches!(AllocationProfile::parse(json.as_bytes()), Err(ProfileError::TooLarge)));
    }

    #[test]
    fn a_stack_of_128_frames_is_read() {
        let mut inner = node("f", 1, 200, "");
        for id in 0..128 {
            inner = node("f", 0, 300 + id, &inner);
        }
        let json = format!(r#"{{"head":{inner}}}"#);
        assert_eq!(AllocationProfile::parse(json.as_bytes()).unwrap().total_bytes(), 1);
    }
}
