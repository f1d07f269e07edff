//! Stopping a long operation from outside.

use std::sync::Arc;

use tokio::sync::watch;

/// A flag that turns on once; every long operation of this crate looks at it.
///
/// Clones share the flag: one goes to the Ctrl-C handler, one to the operation. After a cancelled operation
/// [`Attached::close`](crate::Attached::close) still has to run, with another `Cancel`, or none turned on.
#[derive(Clone, Debug)]
pub struct Cancel {
    flag: Arc<watch::Sender<bool>>,
}

impl Cancel {
    /// A flag that is off.
    pub fn new() -> Self {
        Self { flag: Arc::new(watch::Sender::new(false)) }
    }

    /// Turns the flag on, for all clones and for ever.
    pub fn cancel(&self) {
        self.flag.send_replace(true);
    }

    /// Whether the flag is on.
    pub fn is_cancelled(&self) -> bool {
        *self.flag.borrow()
    }

    /// Waits until the flag is on.
    pub async fn cancelled(&self) {
        let mut receiver = self.flag.subscribe();
        // The sender lives in `self`, so that waiting cannot fail.
        let _ = receiver.wait_for(|on| *on).await;
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}
