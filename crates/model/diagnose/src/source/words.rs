//! What a method's name says about its receiver.

/// Adds its argument to the receiver.
pub(crate) fn inserts(method: &str) -> bool {
    matches!(
        method,
        "set"
            | "add"
            | "push"
            | "unshift"
            | "append"
            | "prepend"
            | "enqueue"
            | "put"
            | "insert"
            | "addFirst"
            | "addLast"
            | "pushBack"
            | "pushFront"
            | "addAll"
            | "setItem"
            | "enter"
            | "getOrInsert"
            | "getOrInsertComputed"
    )
}

/// Hands the receiver a callback to keep.
pub(crate) fn listens(method: &str) -> bool {
    matches!(
        method,
        "on" | "once"
            | "addListener"
            | "prependListener"
            | "prependOnceListener"
            | "addEventListener"
            | "subscribe"
            | "observe"
            | "register"
            | "watch"
            | "tap"
            | "tapAsync"
            | "tapPromise"
    )
}

/// May keep its argument: a cache's, queue's or stream's word that does not always add.
pub(crate) fn may_insert(method: &str) -> bool {
    matches!(
        method,
        "write" | "store" | "save" | "remember" | "track" | "record" | "use" | "hook" | "schedule"
    )
}

/// Takes members away from the receiver.
pub(crate) fn deletes(method: &str) -> bool {
    matches!(
        method,
        "delete"
            | "del"
            | "remove"
            | "removeItem"
            | "shift"
            | "pop"
            | "clear"
            | "reset"
            | "evict"
            | "prune"
            | "dequeue"
            | "flush"
            | "drain"
            | "removeListener"
            | "removeAllListeners"
            | "removeEventListener"
            | "off"
            | "unsubscribe"
            | "unregister"
            | "unobserve"
            | "unwatch"
            | "dispose"
            | "destroy"
    )
}

/// Only reads the receiver (or returns something new from it).
pub(crate) fn reads(method: &str) -> bool {
    matches!(
        method,
        "get"
            | "has"
            | "forEach"
            | "map"
            | "filter"
            | "reduce"
            | "reduceRight"
            | "some"
            | "every"
            | "find"
            | "findIndex"
            | "findLast"
            | "findLastIndex"
            | "keys"
            | "values"
            | "entries"
            | "includes"
            | "indexOf"
            | "lastIndexOf"
            | "slice"
            | "join"
            | "toString"
            | "toJSON"
            | "at"
            | "bind"
            | "then"
            | "catch"
            | "finally"
            | "setMaxListeners"
            | "getMaxListeners"
            | "emit"
            | "listenerCount"
            | "listeners"
            | "test"
            | "exec"
            | "match"
            | "matchAll"
            | "replace"
            | "replaceAll"
            | "charCodeAt"
            | "codePointAt"
            | "charAt"
            | "substring"
            | "substr"
            | "startsWith"
            | "endsWith"
            | "trim"
            | "split"
            | "padStart"
            | "padEnd"
            | "toLowerCase"
            | "toUpperCase"
            | "hasOwnProperty"
            | "toFixed"
            | "sort"
            | "reverse"
            | "concat"
            | "flat"
            | "flatMap"
            | "peek"
            | "next"
            | "log"
    )
}

/// Returns a member of the receiver, so that what is added to the result is added below it.
pub(crate) fn yields_member(method: &str) -> bool {
    matches!(
        method,
        "get"
            | "at"
            | "find"
            | "findLast"
            | "peek"
            | "first"
            | "last"
            | "getOrInsert"
            | "getOrInsertComputed"
    )
}

/// Returns the receiver itself.
pub(crate) fn yields_receiver(method: &str) -> bool {
    matches!(method, "set" | "add" | "sort" | "reverse" | "setMaxListeners")
        || matches!(method, "on" | "once" | "addListener" | "prependListener")
}

/// A function that does not keep what it is given.
pub(crate) fn forgets(callee: &str) -> bool {
    reads(callee)
        || matches!(
            callee,
            "String"
                | "Number"
                | "Boolean"
                | "isArray"
                | "isBuffer"
                | "stringify"
                | "parse"
                | "require"
                | "info"
                | "warn"
                | "error"
                | "debug"
                | "byteLength"
                | "isNaN"
                | "isFinite"
                | "parseInt"
                | "parseFloat"
                | "from"
                | "apply"
                | "call"
                | "getPrototypeOf"
                | "freeze"
        )
}

/// Cancels the timer or subscription it is given.
pub(crate) fn cancels(callee: &str) -> bool {
    matches!(callee, "clearInterval" | "clearTimeout" | "clearImmediate")
}

/// Starts a timer or another callback that Node.js keeps.
pub(crate) fn schedules(callee: &str) -> bool {
    matches!(callee, "setInterval" | "setTimeout" | "setImmediate")
}
