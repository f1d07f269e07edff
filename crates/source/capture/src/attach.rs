//! Attaching to a target and letting go of it again, leaving it as it was.

use std::time::{Duration, Instant};

use leakhound_inspector::protocol::{self, Evaluate};
use leakhound_inspector::{Client, Endpoint, InspectorError, discover};

use crate::cancel::Cancel;
use crate::error::CaptureError;
use crate::process::{self, Listener, NodeProcess, SignalState};
use crate::runtime::{self, MemorySample, RuntimeFacts};
use crate::takeover::{self, Holder};
use crate::target::Resolved;
use crate::{lease, signal};

/// The oldest Node whose inspector is known to do all that is needed.
const OLDEST: u32 = 18;
/// Node's inspector port unless told otherwise.
const DEFAULT_PORT: u16 = 9229;
const POLL: Duration = Duration::from_millis(20);
/// A process younger than this may still be about to execute Node.
const YOUNG: Duration = Duration::from_millis(300);
/// How long a process without a handler is given to install one.
const SETTLING: Duration = Duration::from_millis(1500);

/// How long the target's socket may take to go once it was told to close it.
const CLOSING: Duration = Duration::from_secs(10);

/// How to attach.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttachOptions {
    /// How long to wait for each step: the inspector to open, a connection, an answer. 20 s by default.
    pub patience: Duration,
    /// If leakhound is killed, the inspector that it opened closes by itself after at most this long (once
    /// the target's main thread is free). 60 s by default.
    pub lease: Duration,
    /// Whether another Node process that holds the inspector port without using it may be made to step aside
    /// for a moment. On by default.
    pub may_move_holder: bool,
}

impl Default for AttachOptions {
    fn default() -> Self {
        Self { patience: Duration::from_secs(20), lease: Duration::from_secs(60), may_move_holder: true }
    }
}

/// An inspector that leakhound opened and has to close.
#[derive(Debug)]
struct Opened {
    listener: Listener,
    lease: Option<String>,
    /// The port that SIGUSR1 opens, when the inspector was moved away from it.
    moved_from: Option<u16>,
}

/// A target that is attached to.
///
/// [`Attached::close`] must run on every path, also after an error or Ctrl-C. If it cannot (leakhound is
/// killed), the lease inside the target closes the inspector.
#[derive(Debug)]
pub struct Attached {
    pub(crate) client: Client,
    pub(crate) process: Option<NodeProcess>,
    opened: Option<Opened>,
    facts: RuntimeFacts,
    warnings: Vec<String>,
    patience: Duration,
}

/// Attaches to a resolved target: uses its inspector if one is open, else opens one with SIGUSR1 after
/// checking that the signal does no harm.
///
/// Costs the target one connection and two short evaluations. The target is never signalled unless it is a
/// Node with a handler installed.
///
/// # Errors
/// A [`CaptureError`] that names the reason and, in [`CaptureError::hint`], the way around it.
pub async fn attach(
    target: &Resolved,
    options: &AttachOptions,
    cancel: &Cancel,
) -> Result<Attached, CaptureError> {
    let attaching = async {
        match target {
            Resolved::Process(process) => attach_process(process, options, cancel).await,
            Resolved::Endpoint(endpoint) => {
                let url = discover::websocket_url(endpoint, options.patience).await?;
                attach_url(&url, options).await
            }
            Resolved::Url(url) => attach_url(url, options).await,
        }
    };
    let attached = match target {
        // From the signal on only an orderly close may end it, see below.
        Resolved::Process(_) => attaching.await?,
        _ => tokio::select! {
            attached = attaching => attached?,
            () = cancel.cancelled() => return Err(cancelled()),
        },
    };
    if cancel.is_cancelled() {
        attached.close().await?;
        return Err(cancelled());
    }
    Ok(attached)
}

fn cancelled() -> CaptureError {
    CaptureError::Cancelled { what: "attaching", partial: None }
}

impl Attached {
    /// What the target said about itself when it was attached to.
    pub fn facts(&self) -> &RuntimeFacts {
        &self.facts
    }

    /// The process, when it is on this machine and visible.
    pub fn process(&self) -> Option<&NodeProcess> {
        self.process.as_ref()
    }

    /// Where its inspector listens.
    pub fn endpoint(&self) -> &Endpoint {
        self.client.endpoint()
    }

    /// Whether leakhound opened the inspector, and so will close it.
    pub fn opened_by_us(&self) -> bool {
        self.opened.is_some()
    }

    /// What the user should know about how it was attached to.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The protocol client, for commands that this crate has no function for.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Asks for the facts anew.
    ///
    /// # Errors
    /// [`CaptureError::Inspector`].
    pub async fn refresh_facts(&mut self) -> Result<&RuntimeFacts, CaptureError> {
        self.facts = facts(&mut self.client, self.patience).await?;
        Ok(&self.facts)
    }

    /// The memory figures of this moment; well under a millisecond of the target's time, fit for 1 Hz.
    ///
    /// # Errors
    /// [`CaptureError::Inspector`], with a time-out when the main thread does not answer.
    pub async fn memory(&mut self) -> Result<MemorySample, CaptureError> {
        let text: String =
            self.client.evaluate(Evaluate::value(&runtime::memory_expression()), self.patience).await?;
        serde_json::from_str(&text).map_err(|source| unreadable("memory figures", source))
    }

    /// A full garbage collection in the target: pauses it (roughly a second per GB of heap).
    ///
    /// # Errors
    /// [`CaptureError::Inspector`], [`CaptureError::Cancelled`].
    pub async fn collect_garbage(&mut self, cancel: &Cancel) -> Result<(), CaptureError> {
        // A collection of a large heap takes longer than an ordinary answer.
        let patience = self.patience.max(Duration::from_secs(120));
        tokio::select! {
            done = self.client.call(&protocol::CollectGarbage {}, patience) => { done?; }
            () = cancel.cancelled() => {
                return Err(CaptureError::Cancelled { what: "a garbage collection", partial: None });
            }
        }
        Ok(())
    }

    /// Whether the process is known to have ended.
    pub(crate) fn is_gone(&self) -> bool {
        self.process.as_ref().is_some_and(|process| !process.is_alive())
    }

    /// Lets go of the target: closes the inspector if leakhound opened it, and verifies that nothing listens
    /// any more. An inspector that was open before stays open.
    ///
    /// # Errors
    /// [`CaptureError::StillOpen`] when that is not possible now, because somebody else is connected or the
    /// main thread is busy (a snapshot under way); the lease closes it later.
    pub async fn close(self) -> Result<(), CaptureError> {
        let Self { mut client, process, opened, patience, .. } = self;
        let (Some(opened), Some(process)) = (opened, process) else { return Ok(()) };
        let (pid, port) = (process.pid, opened.listener.address.port());
        let still_open = |detail: &str| CaptureError::StillOpen { pid, port, detail: detail.to_owned() };
        if !process.is_alive() {
            return Ok(());
        }
        // Closing waits, in the target's main thread, for every client to let go. We do; a stranger might not.
        let own = client.local_port();
        let strangers = process::clients(pid, port).unwrap_or_default();
        if strangers.iter().any(|address| Some(address.port()) != own) {
            return Err(still_open("another debugger is connected to it"));
        }
        let Some(lease) = &opened.lease else { return Err(still_open("its lease was never armed")) };
        let ending = protocol::CallFunctionOn {
            object_id: lease,
            function_declaration: &lease::end(opened.moved_from),
            return_by_value: true,
            silent: true,
        };
        let answer = client.call(&ending, patience).await;
        // At once: until the connection is gone the target stands still.
        drop(client);
        let busy = match answer {
            Ok(evaluated) => {
                if let Some(details) = evaluated.exception_details {
                    return Err(still_open(&details.summary()));
                }
                false
            }
            Err(InspectorError::TimedOut { .. }) => true,
            // The usual way for the connection to end.
            Err(_) => false,
        };
        let deadline = Instant::now() + CLOSING;
        loop {
            let open = process::listeners(pid).unwrap_or_default();
            if !process.is_alive() || !open.iter().any(|open| open.inode == opened.listener.inode) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(still_open(if busy { "its main thread is busy" } else { "it still listens" }));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

async fn attach_url(url: &str, options: &AttachOptions) -> Result<Attached, CaptureError> {
    let mut client = Client::connect(url, options.patience).await?;
    let facts = facts(&mut client, options.patience).await?;
    supported(&facts, client.endpoint())?;
    let process = local_process(&facts, client.endpoint());
    Ok(Attached { client, process, opened: None, facts, warnings: Vec::new(), patience: options.patience })
}

/// The process behind a loopback inspector, if its pid means the same to it and to us.
fn local_process(facts: &RuntimeFacts, endpoint: &Endpoint) -> Option<NodeProcess> {
    let process = NodeProcess::read(i32::try_from(facts.pid).ok()?).ok()?;
    let listens = process.listeners.iter().flatten().any(|open| open.address.port() == endpoint.port);
    (endpoint.is_loopback() && listens).then_some(process)
}

async fn facts(client: &mut Client, patience: Duration) -> Result<RuntimeFacts, CaptureError> {
    let expression = runtime::facts_expression();
    let text: String = match client.evaluate(Evaluate::value(&expression), patience).await {
        Ok(text) => text,
        Err(InspectorError::Thrown { exception }) => {
            return Err(CaptureError::Unsupported {
                address: client.endpoint().to_string(),
                detail: format!("it does not behave like Node.js ({exception})"),
            });
        }
        Err(error) => return Err(error.into()),
    };
    RuntimeFacts::read(&text).map_err(|source| unreadable("facts", source))
}

fn unreadable(what: &str, source: serde_json::Error) -> CaptureError {
    InspectorError::Protocol {
        during: format!("reading its {what}"),
        source: leakhound_inspector::ProtocolError::Shape { method: "Runtime.evaluate".to_owned(), source },
    }
    .into()
}

fn supported(facts: &RuntimeFacts, endpoint: &Endpoint) -> Result<(), CaptureError> {
    if facts.major() >= OLDEST {
        return Ok(());
    }
    Err(CaptureError::Unsupported {
        address: endpoint.to_string(),
        detail: format!("it runs version {}", facts.version),
    })
}

async fn attach_process(
    process: &NodeProcess,
    options: &AttachOptions,
    cancel: &Cancel,
) -> Result<Attached, CaptureError> {
    let pid = process.pid;
    if !process.is_alive() {
        return Err(CaptureError::Gone { pid, during: None });
    }
    let process = settled(process, cancel).await?;
    let flags = Flags::of(&process);

    if let Some(listener) = open_inspector(&process, &flags, options.patience).await {
        let url = discover::websocket_url(&takeover::endpoint_of(&listener), options.patience).await?;
        let mut attached = attach_url(&url, options).await?;
        attached.process = Some(process);
        return Ok(attached);
    }

    match process.sigusr1 {
        SignalState::Caught => {}
        SignalState::Deadly => return Err(CaptureError::NoHandler { pid }),
        SignalState::Blocked => {
            return Err(CaptureError::SignalBlocked { pid, how: "blocks", cause: flags.blocker });
        }
        SignalState::Ignored => {
            return Err(CaptureError::SignalBlocked { pid, how: "ignores", cause: flags.blocker });
        }
    }
    if flags.hidden {
        // The signal would open an inspector that we can neither use nor close.
        return Err(CaptureError::Unsupported {
            address: format!("process {pid}"),
            detail: "its flag --inspect-publish-uid hides the inspector's address".to_owned(),
        });
    }
    if cancel.is_cancelled() {
        return Err(cancelled());
    }

    let holder = match taken_by(&process, flags.port)? {
        None => None,
        Some(listener) if options.may_move_holder => {
            Some(takeover::make_room(&process, flags.port, listener, options.patience).await?)
        }
        Some(listener) => {
            let holder = process::owner(listener.inode).map(|pid| format!("process {pid}"));
            return Err(CaptureError::PortTaken {
                pid,
                port: flags.port,
                holder: holder.unwrap_or_else(|| "a process that is not visible from here".to_owned()),
                detail: None,
            });
        }
    };
    let opening = open(&process, &flags, options, holder.is_some()).await;
    let restored = match &holder {
        Some(holder) => holder.restore().await,
        None => true,
    };
    let mut attached = opening?;
    if let Some(holder) = &holder {
        attached.warnings.push(Holder::warning(holder, restored));
    }
    Ok(attached)
}

/// Reads the process again (the caller may have resolved it long ago) and lets a new one settle.
///
/// While a process starts its masks mean nothing: a forked child shows its parent's handlers until it executes
/// the new program, which clears them, and Node blocks the signal before it installs its own handler.
async fn settled(process: &NodeProcess, cancel: &Cancel) -> Result<NodeProcess, CaptureError> {
    let mut now = NodeProcess::read(process.pid)?;
    preflight(&now)?;
    let deadline = Instant::now() + SETTLING;
    while now.sigusr1 != SignalState::Caught || now.age() < YOUNG {
        let lasting = now.sigusr1 != SignalState::Caught && Flags::of(&now).blocker.is_some();
        if lasting || Instant::now() > deadline {
            break;
        }
        if cancel.is_cancelled() {
            return Err(cancelled());
        }
        tokio::time::sleep(POLL).await;
        if !process.is_alive() {
            return Err(CaptureError::Gone { pid: process.pid, during: None });
        }
        now = NodeProcess::read(process.pid)?;
    }
    preflight(&now)?;
    Ok(now)
}

/// Everything that can be said against it without touching it.
fn preflight(process: &NodeProcess) -> Result<(), CaptureError> {
    let pid = process.pid;
    if !process.is_node() {
        return Err(CaptureError::NotNode { pid, name: process.name.clone() });
    }
    if process.listeners.is_none() || !signal::permitted(pid) {
        return Err(CaptureError::NotPermitted { pid, uid: process.uid });
    }
    let state = process::open(pid)?.stat().map(|stat| stat.state).unwrap_or('R');
    match state {
        'T' => return Err(CaptureError::NotRunning { pid, state: "stopped" }),
        't' => return Err(CaptureError::NotRunning { pid, state: "traced" }),
        'Z' | 'X' => return Err(CaptureError::NotRunning { pid, state: "a zombie" }),
        _ => {}
    }
    let network = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    if let (Some(own), Some(other)) = (network("self"), network(&pid.to_string()))
        && own != other
    {
        return Err(CaptureError::OtherNetwork { pid });
    }
    Ok(())
}

/// What the command line and `NODE_OPTIONS` say about the inspector.
#[derive(Debug, PartialEq, Eq)]
struct Flags {
    /// The port that SIGUSR1 opens; 0 is any.
    port: u16,
    /// Whether an inspector was asked for at start.
    inspect: bool,
    /// Whether `/json/list` stays empty.
    hidden: bool,
    /// The flag that keeps SIGUSR1 away.
    blocker: Option<String>,
}

impl Flags {
    fn of(process: &NodeProcess) -> Self {
        let environment = process::open(process.pid).ok().and_then(|process| process.environ().ok());
        let options = environment
            .and_then(|mut variables| variables.remove(std::ffi::OsStr::new("NODE_OPTIONS")))
            .map(|options| options.to_string_lossy().into_owned())
            .unwrap_or_default();
        let own = process.command.iter().skip(1).take_while(|word| word.starts_with('-'));
        Self::read(options.split_whitespace().chain(own.map(String::as_str)))
    }

    /// Later words win, as in Node: `NODE_OPTIONS` first, then the command line.
    fn read<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut flags = Self { port: DEFAULT_PORT, inspect: false, hidden: false, blocker: None };
        for word in words {
            let (flag, value) = word.split_once('=').map_or((word, None), |(f, v)| (f, Some(v)));
            match flag {
                "--inspect" | "--inspect-brk" | "--inspect-wait" | "--inspect-port" | "--debug-port" => {
                    flags.inspect |= !flag.ends_with("-port");
                    let port = value.and_then(|value| value.rsplit(':').next()?.parse().ok());
                    flags.port = port.unwrap_or(flags.port);
                }
                "--inspect-publish-uid" => flags.hidden = value.is_some_and(|value| !value.contains("http")),
                "--disable-sigusr1" | "--permission" | "--experimental-permission" => {
                    flags.blocker = Some(flag.to_owned());
                }
                _ => {}
            }
        }
        flags
    }
}

/// The process's inspector, if one is open already.
///
/// Only sockets that are likely to be one are asked, since the question is an HTTP request that a service
/// would log: the port that the flags name, or all when the flags ask for any port.
async fn open_inspector(process: &NodeProcess, flags: &Flags, patience: Duration) -> Option<Listener> {
    let likely = |open: &&Listener| open.address.port() == flags.port || (flags.inspect && flags.port == 0);
    for listener in process.listeners.iter().flatten().filter(likely) {
        if is_inspector(listener, patience).await {
            return Some(*listener);
        }
    }
    None
}

async fn is_inspector(listener: &Listener, patience: Duration) -> bool {
    let patience = patience.min(Duration::from_secs(2));
    discover::version(&takeover::endpoint_of(listener), patience).await.is_ok()
}

/// Somebody else's socket on the port that the target would open.
fn taken_by(process: &NodeProcess, port: u16) -> Result<Option<Listener>, CaptureError> {
    if port == 0 {
        return Ok(None);
    }
    let all = process::namespace_listeners(process.pid)?;
    Ok(all.into_iter().find(|open| {
        let ip = open.address.ip();
        open.address.port() == port && (ip.is_unspecified() || ip == std::net::Ipv4Addr::LOCALHOST)
    }))
}

/// Sends the signal, waits for the inspector, connects, and arms the lease.
async fn open(
    process: &NodeProcess,
    flags: &Flags,
    options: &AttachOptions,
    make_way: bool,
) -> Result<Attached, CaptureError> {
    let pid = process.pid;
    let before: Vec<Listener> = process::listeners(pid)?;
    signal::send_sigusr1(pid, process.start_ticks)?;
    let listener = match wait_for_inspector(process, &before, options.patience).await? {
        Some(listener) => listener,
        None => {
            // A signal to a Node whose inspector is open already does nothing: perhaps it was opened by the
            // program itself on a port of its own.
            for listener in &before {
                if is_inspector(listener, options.patience).await {
                    let url =
                        discover::websocket_url(&takeover::endpoint_of(listener), options.patience).await?;
                    let mut attached = attach_url(&url, options).await?;
                    attached.process = Some(process.clone());
                    return Ok(attached);
                }
            }
            return Err(match taken_by(process, flags.port)? {
                Some(other) => CaptureError::PortTaken {
                    pid,
                    port: flags.port,
                    holder: process::owner(other.inode)
                        .map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")),
                    detail: None,
                },
                None => CaptureError::NoInspector { pid, after: options.patience, port: flags.port },
            });
        }
    };
    let known = before;
    let prepared = prepare(process, &known, listener, options, make_way).await;
    if let Err(error) = &prepared {
        // Whatever went wrong, what the signal opened has to be closed again.
        let open = process::listeners(pid).unwrap_or_default();
        for left in open.iter().filter(|open| known.iter().all(|known| known.inode != open.inode)) {
            if is_inspector(left, options.patience).await && !give_up(process, left, options.patience).await {
                let port = left.address.port();
                return Err(CaptureError::StillOpen { pid, port, detail: format!("failed to {error}") });
            }
        }
    }
    prepared
}

/// Makes an inspector that the signal opened ready for work: moved out of the way if asked, with a lease.
/// `known` are the sockets that are not ours to close.
async fn prepare(
    process: &NodeProcess,
    known: &[Listener],
    listener: Listener,
    options: &AttachOptions,
    make_way: bool,
) -> Result<Attached, CaptureError> {
    let pid = process.pid;
    let mut opened = Opened { listener, lease: None, moved_from: None };
    let mut client = connect(&opened.listener, options.patience).await?;
    if make_way {
        let script = lease::move_aside();
        let answer = client.evaluate::<Option<()>>(Evaluate::value(&script), options.patience).await;
        // The target goes on only when this connection is gone.
        drop(client);
        if let Err(error @ (InspectorError::Thrown { .. } | InspectorError::TimedOut { .. })) = answer {
            return Err(error.into());
        }
        let mut old = known.to_vec();
        old.push(listener);
        opened.listener = wait_for_inspector(process, &old, options.patience)
            .await?
            .ok_or(CaptureError::NoInspector { pid, after: options.patience, port: 0 })?;
        opened.moved_from = Some(listener.address.port());
        client = connect(&opened.listener, options.patience).await?;
    }
    let script = lease::lease(options.lease);
    let armed = client.call(&Evaluate::handle(&script), options.patience).await?;
    if let Some(details) = armed.exception_details {
        // Without the handle it could not be closed in good order either.
        return Err(InspectorError::Thrown { exception: details.summary() }.into());
    }
    opened.lease = armed.result.object_id;
    let facts = facts(&mut client, options.patience).await?;
    supported(&facts, client.endpoint())?;
    Ok(Attached {
        facts,
        client,
        process: Some(process.clone()),
        opened: Some(opened),
        warnings: Vec::new(),
        patience: options.patience,
    })
}

/// Closes an inspector that was opened in vain; says whether it is closed.
async fn give_up(process: &NodeProcess, listener: &Listener, patience: Duration) -> bool {
    if let Ok(mut client) = connect(listener, patience).await {
        let _ = client.evaluate::<Option<()>>(Evaluate::value("process._debugEnd()"), patience).await;
    }
    let deadline = Instant::now() + Duration::from_secs(2);
    while Instant::now() < deadline {
        let open = process::listeners(process.pid).unwrap_or_default();
        if open.iter().all(|open| open.inode != listener.inode) {
            return true;
        }
        tokio::time::sleep(POLL).await;
    }
    false
}

async fn connect(listener: &Listener, patience: Duration) -> Result<Client, CaptureError> {
    let url = discover::websocket_url(&takeover::endpoint_of(listener), patience).await?;
    Ok(Client::connect(&url, patience).await?)
}

/// Waits for a listening socket that was not there before and speaks the protocol.
async fn wait_for_inspector(
    process: &NodeProcess,
    before: &[Listener],
    patience: Duration,
) -> Result<Option<Listener>, CaptureError> {
    let deadline = Instant::now() + patience;
    let mut rejected = Vec::new();
    loop {
        tokio::time::sleep(POLL).await;
        if !process.is_alive() {
            return Err(CaptureError::Gone { pid: process.pid, during: Some("the attach".to_owned()) });
        }
        for listener in process::listeners(process.pid)? {
            // A service may open sockets of its own at that very moment.
            if before.iter().any(|known| known.inode == listener.inode) || rejected.contains(&listener) {
                continue;
            }
            if is_inspector(&listener, patience).await {
                return Ok(Some(listener));
            }
            rejected.push(listener);
        }
        if Instant::now() > deadline {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str) -> Flags {
        Flags::read(text.split_whitespace())
    }

    #[test]
    fn flags_say_which_port_the_signal_opens() {
        assert_eq!(flags("").port, 9229);
        assert_eq!(flags("--inspect-port=0").port, 0);
        assert_eq!(flags("--inspect=0.0.0.0:9400 --max-old-space-size=99").port, 9400);
        assert_eq!(flags("--inspect=9400 --inspect-port=127.0.0.1:9500").port, 9500);
        assert!(flags("--inspect").inspect && !flags("--inspect-port=1").inspect);
    }

    #[test]
    fn flags_name_what_keeps_the_signal_away() {
        assert_eq!(flags("--disable-sigusr1").blocker.as_deref(), Some("--disable-sigusr1"));
        assert_eq!(flags("--permission --allow-fs-read=*").blocker.as_deref(), Some("--permission"));
        assert!(flags("--inspect-publish-uid=stderr").hidden);
        assert!(!flags("--inspect-publish-uid=stderr,http").hidden);
    }
}
