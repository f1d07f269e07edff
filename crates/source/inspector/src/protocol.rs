//! The commands and events of the inspector protocol that leakhound uses, typed.
//!
//! Source: the protocol definition that ships with V8 (`js_protocol.pdl`); which Node has what is noted on
//! each item. Unknown fields in answers are ignored, since every V8 adds some.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A request with a name and a typed answer.
pub trait Command: Serialize {
    /// `Domain.method`.
    const METHOD: &'static str;
    /// The shape of the result object.
    type Reply: DeserializeOwned;
}

/// An answer whose fields nobody needs.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Empty {}

macro_rules! bare {
    ($($(#[$doc:meta])* $name:ident = $method:literal -> $reply:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Serialize)]
        pub struct $name {}
        impl Command for $name {
            const METHOD: &'static str = $method;
            type Reply = $reply;
        }
    )*};
}

bare! {
    /// The isolate's id.
    GetIsolateId = "Runtime.getIsolateId" -> IsolateId;
    /// Used and total heap bytes; cheap, also on a busy loop.
    GetHeapUsage = "Runtime.getHeapUsage" -> HeapUsage;
    /// Continues a target that waits because of `--inspect-brk` or `--inspect-wait`.
    RunIfWaitingForDebugger = "Runtime.runIfWaitingForDebugger" -> Empty;
    /// Makes the heap profiler's events flow.
    EnableHeapProfiler = "HeapProfiler.enable" -> Empty;
    /// Ends the heap profiler, sampling included.
    DisableHeapProfiler = "HeapProfiler.disable" -> Empty;
    /// A full collection, synchronously in the target: pauses it.
    CollectGarbage = "HeapProfiler.collectGarbage" -> Empty;
    /// The profile so far. Forces a full collection in the target (about a second per GB of heap).
    GetSamplingProfile = "HeapProfiler.getSamplingProfile" -> SamplingProfile;
    /// Ends sampling and returns the profile.
    StopSampling = "HeapProfiler.stopSampling" -> SamplingProfile;
    /// Reports every script. Slows the target down; only while scripts are listed.
    EnableDebugger = "Debugger.enable" -> Empty;
    /// Undoes [`EnableDebugger`].
    DisableDebugger = "Debugger.disable" -> Empty;
}

/// `Runtime.evaluate`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluate<'a> {
    /// JavaScript source.
    pub expression: &'a str,
    /// Return the value as JSON instead of a handle.
    pub return_by_value: bool,
    /// Wait for a returned promise. Needs the target's loop to turn.
    pub await_promise: bool,
    /// Make `require` available (Node 18 and CommonJS entry points; harmless elsewhere).
    #[serde(rename = "includeCommandLineAPI")]
    pub include_command_line_api: bool,
    /// Do not report an exception to the target's own handlers.
    pub silent: bool,
}

impl<'a> Evaluate<'a> {
    /// Evaluates for a JSON value.
    pub fn value(expression: &'a str) -> Self {
        Self {
            expression,
            return_by_value: true,
            await_promise: false,
            include_command_line_api: true,
            silent: true,
        }
    }

    /// Evaluates for a handle ([`RemoteObject::object_id`]) that dies with the session.
    pub fn handle(expression: &'a str) -> Self {
        Self { return_by_value: false, ..Self::value(expression) }
    }

    /// Waits for a promise.
    pub fn awaiting(mut self) -> Self {
        self.await_promise = true;
        self
    }
}

impl Command for Evaluate<'_> {
    const METHOD: &'static str = "Runtime.evaluate";
    type Reply = Evaluated;
}

/// `Runtime.callFunctionOn`: calls a function with a handle as `this`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallFunctionOn<'a> {
    /// The handle.
    pub object_id: &'a str,
    /// Source of a function.
    pub function_declaration: &'a str,
    /// Return the value as JSON.
    pub return_by_value: bool,
    /// Do not report an exception to the target's own handlers.
    pub silent: bool,
}

impl Command for CallFunctionOn<'_> {
    const METHOD: &'static str = "Runtime.callFunctionOn";
    type Reply = Evaluated;
}

/// What an evaluation came to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluated {
    /// The value or handle.
    pub result: RemoteObject,
    /// Present when it threw.
    pub exception_details: Option<ExceptionDetails>,
}

/// A JavaScript value as the protocol mirrors it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoteObject {
    /// `object`, `string`, `undefined`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The JSON value, when asked for.
    pub value: Option<Box<RawValue>>,
    /// The handle, for objects not returned by value.
    pub object_id: Option<String>,
    /// A text for people.
    pub description: Option<String>,
}

/// An exception.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionDetails {
    /// Usually just "Uncaught".
    pub text: String,
    /// The thrown value.
    pub exception: Option<RemoteObject>,
}

impl ExceptionDetails {
    /// The first line that says most.
    pub fn summary(&self) -> String {
        let thrown = self.exception.as_ref().and_then(|e| e.description.as_deref());
        thrown.unwrap_or(&self.text).lines().next().unwrap_or_default().to_owned()
    }
}

/// Answer to [`GetIsolateId`].
#[derive(Debug, Deserialize)]
pub struct IsolateId {
    /// An opaque text.
    pub id: String,
}

/// Answer to [`GetHeapUsage`], in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeapUsage {
    /// Live and not yet collected JavaScript heap.
    pub used_size: f64,
    /// Committed JavaScript heap.
    pub total_size: f64,
    /// Embedder heap; Node 24 and later.
    pub embedder_heap_used_size: Option<f64>,
    /// ArrayBuffer contents; Node 24 and later.
    pub backing_storage_size: Option<f64>,
}

/// `HeapProfiler.takeHeapSnapshot`: stops the target's main thread until the snapshot is built.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TakeHeapSnapshot {
    /// Send [`HeapSnapshotProgress`] events.
    pub report_progress: bool,
    /// Numbers as nodes of their own (bigger file). Off, like DevTools' default.
    pub capture_numeric_value: bool,
}

impl Command for TakeHeapSnapshot {
    const METHOD: &'static str = "HeapProfiler.takeHeapSnapshot";
    type Reply = Empty;
}

/// `HeapProfiler.startSampling`.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartSampling {
    /// Mean bytes between two samples.
    pub sampling_interval: f64,
    /// Frames per stack; only Node 26 and later know it (128 before).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_depth: Option<u32>,
}

impl Command for StartSampling {
    const METHOD: &'static str = "HeapProfiler.startSampling";
    type Reply = Empty;
}

/// Answer of the sampling commands; the profile stays text, exactly a `.heapprofile` file.
#[derive(Debug, Deserialize)]
pub struct SamplingProfile {
    /// `{head, samples}`.
    pub profile: Box<RawValue>,
}

/// `Debugger.getScriptSource`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetScriptSource<'a> {
    /// From [`ScriptParsed`] or a profile's call frame.
    pub script_id: &'a str,
}

impl Command for GetScriptSource<'_> {
    const METHOD: &'static str = "Debugger.getScriptSource";
    type Reply = ScriptSource;
}

/// Answer to [`GetScriptSource`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptSource {
    /// The text as the engine holds it.
    pub script_source: String,
}

/// An event with a name and typed parameters.
pub trait Event<'t>: Deserialize<'t> {
    /// `Domain.event`.
    const METHOD: &'static str;
}

/// `HeapProfiler.addHeapSnapshotChunk`; the chunk stays JSON text so that it is unescaped only once.
#[derive(Debug, Deserialize)]
pub struct HeapSnapshotChunk<'t> {
    /// A JSON string literal, quotes included.
    #[serde(borrow)]
    pub chunk: &'t RawValue,
}

impl<'t> Event<'t> for HeapSnapshotChunk<'t> {
    const METHOD: &'static str = "HeapProfiler.addHeapSnapshotChunk";
}

/// `HeapProfiler.reportHeapSnapshotProgress`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct HeapSnapshotProgress {
    /// Objects seen.
    pub done: u64,
    /// Objects expected; an estimate of V8's that may be passed.
    pub total: u64,
    /// The last report of a snapshot.
    #[serde(default)]
    pub finished: bool,
}

impl Event<'_> for HeapSnapshotProgress {
    const METHOD: &'static str = "HeapProfiler.reportHeapSnapshotProgress";
}

/// `Debugger.scriptParsed`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptParsed {
    /// The id that heap snapshots and profiles use.
    pub script_id: String,
    /// Path or `file://` URL.
    pub url: String,
    /// Where its source map is, if it says so.
    #[serde(rename = "sourceMapURL", default)]
    pub source_map_url: Option<String>,
    /// Length of the source in UTF-16 units.
    #[serde(default)]
    pub length: Option<u64>,
    /// Hash of the source.
    #[serde(default)]
    pub hash: String,
}

impl Event<'_> for ScriptParsed {
    const METHOD: &'static str = "Debugger.scriptParsed";
}

/// Reads an event's parameters if it is this event.
///
/// # Errors
/// [`ProtocolError::Shape`](crate::ProtocolError::Shape) when it is this event but does not look like it.
pub fn event<'t, E: Event<'t>>(
    method: &str,
    params: &'t RawValue,
) -> Result<Option<E>, crate::ProtocolError> {
    if method != E::METHOD {
        return Ok(None);
    }
    serde_json::from_str(params.get())
        .map(Some)
        .map_err(|source| crate::ProtocolError::Shape { method: method.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_written_as_the_protocol_spells_them() {
        let text = serde_json::to_string(&Evaluate::value("1")).unwrap();
        assert!(text.contains(r#""includeCommandLineAPI":true"#), "{text}");
        assert!(text.contains(r#""returnByValue":true"#), "{text}");
        let old = StartSampling { sampling_interval: 32768.0, stack_depth: None };
        assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"samplingInterval":32768.0}"#);
        assert_eq!(serde_json::to_string(&CollectGarbage {}).unwrap(), "{}");
    }

    #[test]
    fn a_chunk_is_borrowed_and_not_unescaped() {
        let params: &RawValue = serde_json::from_str(r#"{"chunk":"a\n\"b"}"#).unwrap();
        let chunk = event::<HeapSnapshotChunk<'_>>(HeapSnapshotChunk::METHOD, params).unwrap().unwrap();
        assert_eq!(chunk.chunk.get(), r#""a\n\"b""#);
        assert!(event::<HeapSnapshotProgress>(HeapSnapshotChunk::METHOD, params).unwrap().is_none());
        assert!(event::<HeapSnapshotProgress>(HeapSnapshotProgress::METHOD, params).is_err());
    }
}
