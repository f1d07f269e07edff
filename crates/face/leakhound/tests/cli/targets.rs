//! What a target may be, and what is done about one that is not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{
    ANY_PORT, IDLE, LEAKY, LEAKY_HOLDER, LEAKY_INSERT, Node, beside, eventually, folder, leakhound,
    port_9229, run, skip,
};

const QUICK: [&str; 3] = ["--for", "3s", "--json"];

fn hunts_the_right_one(target: &Node) {
    let here = folder();
    let said = run(leakhound(here.path(), &["hunt", &target.target()]).args(QUICK));
    assert_eq!(said.code, 0, "{said:#?}");
    let verdict = said.json();
    assert_eq!(verdict["target"]["pid"], target.pid);
    assert_eq!(verdict["findings"][0]["holder"]["variable"], "sessions", "{said:#?}");
    assert_eq!(verdict["findings"][0]["holder"]["line"], LEAKY_HOLDER);
    assert_eq!(verdict["findings"][0]["grows_at"]["line"], LEAKY_INSERT);
}

#[test]
fn of_two_processes_the_right_one_is_hunted_while_the_other_holds_the_port() {
    let Some(_port) = port_9229() else { return skip("a taken inspector port", "9229 stays in use here") };
    let mut target = Node::named("leaky.js", &[], LEAKY);
    {
        let mut other = Node::named("other.js", &["--inspect"], IDLE);
        assert_eq!(other.ports(), [9229]);
        hunts_the_right_one(&target);
        assert!(other.is_running());
        assert!(eventually(Duration::from_secs(60), || other.ports() == [9229]), "{:?}", other.ports());
        target.is_as_before(Duration::from_secs(60));
    }
    let mut other = Node::named("other.js", &[], IDLE);
    crate::support::signal(other.pid, "-USR1");
    assert!(eventually(Duration::from_secs(60), || other.ports() == [9229]));
    hunts_the_right_one(&target);
    assert!(other.is_running());
    assert!(eventually(Duration::from_secs(60), || other.ports() == [9229]), "{:?}", other.ports());
    target.is_as_before(Duration::from_secs(60));
}

#[test]
fn an_inspector_that_was_open_is_open_afterwards() {
    let mut target = Node::start(&["--inspect=127.0.0.1:0"], LEAKY);
    let ports = target.ports();
    hunts_the_right_one(&target);
    assert_eq!(target.ports(), ports);
    let here = folder();
    let address = format!("127.0.0.1:{}", ports[0]);
    let said = run(&mut leakhound(here.path(), &["capture", "heap", &address, "--json"]));
    assert_eq!(said.code, 0, "{said:#?}");
    assert_eq!(said.json()["target"]["pid"], target.pid);
    assert_eq!(target.ports(), ports);
    assert!(target.is_running());
}

#[test]
fn what_is_no_node_process_is_never_signalled() {
    let here = folder();
    // SIGUSR1 would end it.
    let mut sleep = Command::new("sleep").arg("100").spawn().unwrap();
    let pid = sleep.id().to_string();
    for arguments in [vec!["hunt", &pid], vec!["capture", "heap", &pid]] {
        run(&mut leakhound(here.path(), &arguments))
            .fails(4, &["(sleep)", "not a Node.js process", "nothing was sent"])
            .hints();
    }
    std::thread::sleep(Duration::from_millis(100));
    assert!(sleep.try_wait().unwrap().is_none());
    sleep.kill().unwrap();
    sleep.wait().unwrap();
}

#[test]
fn a_target_that_is_not_there_is_said_so() {
    let here = folder();
    run(&mut leakhound(here.path(), &["hunt", "4194304"]))
        .fails(4, &["process 4194304", "leakhound ps"])
        .hints();
    run(&mut leakhound(here.path(), &["hunt", "no-such-name"])).fails(4, &["no-such-name"]).hints();
    run(&mut leakhound(here.path(), &["hunt", "http://localhost:1"])).fails(2, &["ws://"]).hints();
    run(&mut leakhound(here.path(), &["hunt", ""])).fails(2, &["empty"]).hints();
    run(&mut leakhound(here.path(), &["hunt", "127.0.0.1:1"])).fails(4, &["Connection refused"]).hints();
}

#[test]
fn of_two_processes_with_one_name_the_user_chooses() {
    let here = folder();
    let name = format!("twin-{}.js", std::process::id());
    let twins = [Node::named(&name, &[], IDLE), Node::named(&name, &[], IDLE)];
    let said = run(&mut leakhound(here.path(), &["hunt", &name]));
    said.fails(2, &[&twins[0].target(), &twins[1].target(), "give the pid"]).hints();
    assert!(twins.iter().all(|twin| twin.ports().is_empty()));
}

/// Serves every connection with a function, from a thread of its own.
fn server(serve: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    address
}

fn answer(mut stream: TcpStream, bytes: &[u8]) {
    let mut request = [0; 1024];
    let _ = stream.read(&mut request);
    let _ = stream.write_all(bytes);
}

/// An inspector without targets.
fn without_targets(mut stream: TcpStream) {
    let mut request = [0; 1024];
    let count = stream.read(&mut request).unwrap_or(0);
    let version = request[..count].starts_with(b"GET /json/version");
    let body = if version { "{\"Browser\":\"node.js/v20.0.0\",\"Protocol-Version\":\"1.1\"}" } else { "[]" };
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
}

#[test]
fn a_port_that_speaks_no_inspector_protocol_is_told_from_one_that_does() {
    let here = folder();
    let html = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<h1>hello</h1>\r\n";
    let ports = [
        ("html", server(|stream| answer(stream, html)), 3),
        ("garbage", server(|stream| answer(stream, &[0xff; 300])), 3),
        ("hangs up", server(drop), 3),
        ("no targets", server(without_targets), 4),
        // Held open, never answered.
        ("silent", server(std::mem::forget), 3),
    ];
    beside(ports, |(name, address, code)| {
        let said = run(&mut leakhound(here.path(), &["hunt", &address]));
        assert_eq!(said.code, code, "{name}: {said:#?}");
        said.fails(code, &[&address]).hints();
    });
    assert!(crate::support::files(here.path()).is_empty());
}

#[test]
fn the_process_of_another_user_is_not_touched() {
    const WHAT: &str = "a process of another user";
    if !rustix::process::geteuid().is_root() {
        return skip(WHAT, "only root can become another user");
    }
    let here = folder();
    let copy = here.path().join("leakhound");
    std::fs::copy(crate::support::binary(), &copy).unwrap();
    for path in [here.path(), &copy] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut target = Node::start(&[ANY_PORT], IDLE);
    let nobody = |arguments: &[&str]| {
        let mut command = Command::new(&copy);
        command.args(arguments).current_dir("/").stdin(Stdio::null()).uid(65534).gid(65534);
        run(&mut command)
    };
    nobody(&["hunt", &target.target()]).fails(4, &["belongs to user 0", "as user 0 or root"]).hints();
    let listed = nobody(&["ps", "--json"]);
    assert_eq!(listed.code, 0, "{listed:#?}");
    target.is_as_before(Duration::ZERO);
}
