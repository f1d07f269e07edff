//! One function a command: typed arguments to a use case, its view to the printer, its end to an exit code.

use leakhound_workbench::analyze::{AnalyzeOptions, analyze};
use leakhound_workbench::capture::{CaptureOptions, heap};
use leakhound_workbench::hunt::{HuntOptions, hunt};
use leakhound_workbench::run::{RunOptions, run, run_and_hunt};
use leakhound_workbench::view::{Confidence, VerdictView};
use leakhound_workbench::{Cancel, WorkbenchError, figures, processes};
use serde::Serialize;

use crate::arguments::{Analyze, Arguments, Capture, Command, FailOn, Hunt, Run, Watching};
use crate::printer::Printer;
use crate::{demo, exit, guard, terminal, views};

/// Does what was asked; returns the exit code.
pub async fn execute(arguments: Arguments, printer: &mut Printer, cancel: &Cancel) -> u8 {
    let result = match arguments.command {
        Command::Hunt(arguments) => hunt_command(arguments, printer, cancel).await,
        Command::Run(arguments) => run_command(arguments, printer, cancel).await,
        Command::Capture(Capture::Heap(arguments)) => capture_command(arguments, printer, cancel).await,
        Command::Analyze(arguments) => analyze_command(arguments, printer, cancel).await,
        Command::Summary(arguments) => views::summary(arguments, printer, cancel).await,
        Command::Statistics(arguments) => views::statistics(arguments, printer, cancel).await,
        Command::Object(arguments) => views::object(arguments, printer, cancel).await,
        Command::Retainers(arguments) => views::retainers(arguments, printer, cancel).await,
        Command::Paths(arguments) => views::paths(arguments, printer, cancel).await,
        Command::Search(arguments) => views::search(arguments, printer, cancel).await,
        Command::Dominators(arguments) => views::dominators(arguments, printer, cancel).await,
        Command::Containment(arguments) => views::containment(arguments, printer, cancel).await,
        Command::RetainedSet(arguments) => views::retained_set(arguments, printer, cancel).await,
        Command::Roots(arguments) => views::roots(arguments, printer, cancel).await,
        Command::Realms(arguments) => views::realms(arguments, printer, cancel).await,
        Command::Closures(arguments) => views::closures(arguments, printer, cancel).await,
        Command::Contexts(arguments) => views::contexts(arguments, printer, cancel).await,
        Command::Traces(arguments) => views::traces(arguments, printer, cancel).await,
        Command::Timeline(arguments) => views::timeline(arguments, printer, cancel).await,
        Command::Strings(arguments) => views::strings(arguments, printer, cancel).await,
        Command::Diff(arguments) => views::diff(arguments, printer, cancel).await,
        Command::Ps => ps_command(printer),
        Command::Demo(arguments) => demo::demo(arguments, printer, cancel).await,
        Command::Guard(arguments) => guard::guard(&arguments.command).await,
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            printer.error(&error);
            error.exit_code()
        }
    }
}

pub(crate) fn hunt_options(target: String, watching: Watching, load: Vec<std::ffi::OsString>) -> HuntOptions {
    HuntOptions {
        duration: watching.duration,
        until_growth: watching.until_growth,
        snapshots: usize::try_from(watching.snapshots).unwrap_or(3),
        out: watching.out,
        load,
        load_guard: guard::command(),
        force: watching.force,
        sampling_only: watching.sampling_only,
        max_pause: watching.max_pause,
        ..HuntOptions::new(target)
    }
}

async fn hunt_command(arguments: Hunt, printer: &mut Printer, cancel: &Cancel) -> Result<u8, WorkbenchError> {
    let fail_on = arguments.watching.fail_on;
    let options = hunt_options(arguments.target, arguments.watching, arguments.load);
    let view = hunt(&options, cancel, &mut |event| printer.event(event)).await?;
    verdict(&view, fail_on, printer)
}

async fn run_command(arguments: Run, printer: &mut Printer, cancel: &Cancel) -> Result<u8, WorkbenchError> {
    if !arguments.hunt
        && let Some(option) = arguments.watching.first_given()
    {
        return Err(WorkbenchError::usage(
            "run",
            format!("{option} belongs to a hunt"),
            "add --hunt, or leave it out",
        ));
    }
    let options = RunOptions { command: arguments.command, out: arguments.watching.out.clone() };
    if arguments.hunt {
        let fail_on = arguments.watching.fail_on;
        let hunting = hunt_options(String::new(), arguments.watching, Vec::new());
        let view = run_and_hunt(&options, hunting, cancel, &mut |event| printer.event(event)).await?;
        return verdict(&view, fail_on, printer);
    }
    let ran = run(&options, cancel, &mut |event| printer.event(event)).await?;
    for file in &ran.files {
        printer.note(&format!("left       {}", file.display()));
    }
    if ran.files.iter().any(|file| file.extension().is_some_and(|extension| extension == "heapsnapshot")) {
        printer.note("next       `leakhound analyze FILE` names the suspects of a snapshot");
    }
    use std::os::unix::process::ExitStatusExt;
    // As a shell would say it.
    let code = ran.status.code().or(ran.status.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::BUG))
}

async fn capture_command(
    arguments: crate::arguments::CaptureHeap,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = CaptureOptions {
        target: arguments.target,
        out: arguments.out,
        force: arguments.force,
        max_pause: arguments.max_pause,
    };
    let view = heap(&options, cancel, &mut |event| printer.event(event)).await?;
    if printer.json() {
        json(&view, printer)?;
    } else {
        let text = format!(
            "{}\n{} nodes, {} edges, {}\n",
            view.path,
            figures::count(view.nodes),
            figures::count(view.edges),
            figures::bytes(view.cost.bytes)
        );
        printer.answer(&text).map_err(output)?;
    }
    Ok(exit::DONE)
}

async fn analyze_command(
    arguments: Analyze,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = AnalyzeOptions { files: arguments.files, report: arguments.report };
    let view = analyze(options, cancel, &mut |event| printer.event(event)).await?;
    verdict(&view, arguments.fail_on, printer)
}

fn ps_command(printer: &mut Printer) -> Result<u8, WorkbenchError> {
    let list = processes::list()?;
    if printer.json() {
        #[derive(Serialize)]
        struct Processes<'a> {
            schema: &'static str,
            processes: &'a [leakhound_workbench::view::ProcessView],
        }
        json(&Processes { schema: "leakhound.processes/1", processes: &list }, printer)?;
    } else if list.is_empty() {
        printer.note("no Node process is running here");
    } else {
        let text = terminal::processes(&list, printer.style(), printer.width());
        printer.answer(&text).map_err(output)?;
    }
    Ok(exit::DONE)
}

/// Prints a verdict and turns it into an exit code.
pub(crate) fn verdict(
    view: &VerdictView,
    fail_on: Option<FailOn>,
    printer: &mut Printer,
) -> Result<u8, WorkbenchError> {
    if printer.json() {
        json(view, printer)?;
    } else {
        let text = terminal::verdict(view, printer.style(), printer.width());
        printer.answer(&text).map_err(output)?;
    }
    let least = fail_on.map(|fail_on| match fail_on {
        FailOn::Medium => Confidence::Medium,
        FailOn::High => Confidence::High,
        FailOn::Certain => Confidence::Certain,
    });
    let diagnosis = &view.diagnosis;
    if least.is_some_and(|least| diagnosis.verdict.is_leak() && diagnosis.confidence >= least) {
        return Ok(exit::FINDING);
    }
    Ok(if view.is_partial() { exit::PARTIAL } else { exit::DONE })
}

pub(crate) fn json(value: &impl Serialize, printer: &mut Printer) -> Result<(), WorkbenchError> {
    let mut text =
        serde_json::to_string_pretty(value).map_err(|error| WorkbenchError::Internal(error.to_string()))?;
    text.push('\n');
    printer.answer(&text).map_err(output)
}

pub(crate) fn output(source: std::io::Error) -> WorkbenchError {
    WorkbenchError::File { action: "write to", path: "standard output".into(), source }
}
