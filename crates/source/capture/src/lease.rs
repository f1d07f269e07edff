//! What runs inside a target so that nothing stays open when leakhound dies.
//!
//! Two traps shape these scripts. A target that closes its inspector waits *with its main thread* until every
//! client is gone, so that closing under a client that does not answer (stopped with Ctrl-Z, say) would hang
//! the service: the inspector is only ever closed by itself while nobody is connected. And a long snapshot
//! stops all timers, so that a heartbeat would be missed although we are alive: the connection itself is the
//! heartbeat, looked up in the kernel's socket table.

use std::time::Duration;

use crate::runtime::GET;

/// Defines `sockets(port, states, then)`: whether the socket table has a row with that local port in one of
/// the states. Asynchronous, so that a machine with very many sockets does not stall the target. `then` is
/// given true when the table cannot be read: unknown counts as "in use".
const SOCKETS: &str = "const fs = get('fs');
  const sockets = (port, states, then) => {
    const wanted = ':' + port.toString(16).toUpperCase().padStart(4, '0');
    const look = (files) => {
      if (files.length === 0) return then(false);
      fs.readFile(files[0], 'latin1', (error, text) => {
        if (error) return error.code === 'ENOENT' && files.length === 1 ? then(false) : then(true);
        for (const line of text.split('\\n')) {
          const row = line.trim().split(/\\s+/, 4);
          if (row.length === 4 && row[1].endsWith(wanted) && states.includes(row[3])) return then(true);
        }
        look(files.slice(1));
      });
    };
    look(['/proc/self/net/tcp', '/proc/self/net/tcp6']);
  };";

/// An expression that arms the lease and evaluates to its handle: an object whose `end(port)` closes the
/// inspector. Nothing is left in the target's globals, and the timer does not keep it alive.
pub(crate) fn lease(period: Duration) -> String {
    let period = period.as_millis().max(1);
    format!(
        "(() => {{ {GET} {SOCKETS}
  const timers = get('timers'), inspector = get('inspector');
  let timer, absent = 0;
  const arm = () => {{ timer = timers.setTimeout(tick, {period}); timer.unref(); }};
  const tick = () => {{
    const url = inspector.url();
    if (!url) {{
      // Perhaps it only stepped aside for another process's and is about to come back.
      if (absent++ < 2) arm();
      return;
    }}
    sockets(Number(new URL(url).port), ['01', '08'], (connected) => {{
      if (timer === undefined) return;
      if (connected) arm(); else process._debugEnd();
    }});
  }};
  arm();
  return {{ end(port) {{
    timers.clearTimeout(timer);
    timer = undefined;
    if (port) process.debugPort = port;
    process._debugEnd();
  }} }};
}})()"
    )
}

/// A function to be called on the lease's handle. The original port is given when the inspector was moved to
/// another one, so that a later SIGUSR1 opens the usual port again.
pub(crate) fn end(original_port: Option<u16>) -> String {
    format!("function () {{ this.end({}); }}", original_port.unwrap_or(0))
}

/// Moves a target's inspector to a free port. Synchronous, so that it works in a busy loop; the connection
/// ends meanwhile.
pub(crate) fn move_aside() -> String {
    format!(
        "(() => {{ {GET} const inspector = get('inspector');
  process._debugEnd(); inspector.open(0, '127.0.0.1'); }})()"
    )
}

/// Closes a holder's inspector and makes it come back by itself once nobody listens on its port, in case we
/// cannot bring it back ourselves.
pub(crate) fn step_aside(period: Duration) -> String {
    let period = period.as_millis().max(1);
    format!(
        "(() => {{ {GET} {SOCKETS}
  const timers = get('timers'), inspector = get('inspector');
  const url = new URL(inspector.url());
  const port = Number(url.port), host = url.hostname.replace(/^\\[|\\]$/g, '');
  const arm = () => timers.setTimeout(tick, {period}).unref();
  const tick = () => {{
    if (inspector.url()) return;
    sockets(port, ['0A'], (taken) => {{
      if (inspector.url()) return;
      if (taken) arm(); else try {{ inspector.open(port, host); }} catch {{ arm(); }}
    }});
  }};
  arm();
  process._debugEnd();
}})()"
    )
}
