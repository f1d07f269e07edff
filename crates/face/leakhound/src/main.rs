//! leakhound: finds the leaking line of a Node.js service.

use std::process::ExitCode;

use clap::Parser;
use leakhound::arguments::{Arguments, Command};
use leakhound::commands::execute;
use leakhound::exit;
use leakhound::printer::Printer;
use leakhound_workbench::{Cancel, IndexUse};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log(arguments.global.verbose);
    if arguments.global.no_index {
        IndexUse::No.decide();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::from(exit::BUG),
    };
    let mut printer = Printer::new(&arguments.global);
    let cancel = Cancel::new();
    let code = runtime.block_on(async {
        // What runs another program leaves the signals to it.
        let passes_on = match &arguments.command {
            Command::Run(run) => !run.hunt,
            Command::Guard(_) => true,
            _ => false,
        };
        if !passes_on {
            tokio::spawn(interrupts(cancel.clone()));
        }
        execute(arguments, &mut printer, &cancel).await
    });
    // A thread that still reads a dump must not delay the end.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// The first Ctrl-C (or SIGTERM, SIGHUP) asks for an orderly end: the target is let go first. From the
/// second on the default action is restored by ending at once; the lease inside the target then closes the
/// inspector.
async fn interrupts(cancel: Cancel) {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    for kind in kinds {
        let cancel = cancel.clone();
        if let Ok(mut signals) = signal(kind) {
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    if cancel.is_cancelled() {
                        #[expect(clippy::exit, reason = "the user insists")]
                        std::process::exit(i32::from(exit::INTERRUPTED));
                    }
                    cancel.cancel();
                }
            });
        }
    }
}

fn log(verbose: u8) {
    let level = match verbose {
        0 => "off",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("LEAKHOUND_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
