//! The commands that look into dumps: arguments to options, a view to the printer, losses to an exit code.

use std::path::PathBuf;

use leakhound_workbench::explore::{
    self, DiffBy, DiffOptions, Dump, FunctionsOptions, GroupBy, Model, ObjectOptions, PathsOptions, PathsTo,
    RetainedSetOptions, SearchIn, SearchOptions, SummaryOnly, SummaryOptions, SummarySort, TracesOptions,
    TreeOptions,
};
use leakhound_workbench::{Cancel, WorkbenchError, names};
use serde::Serialize;

use crate::arguments::{
    Branching, By, Closures, Containment, Contexts, Diff, DiffHow, Dominators, ModelChoice, Object, Only,
    Paths, RetainedSet, Retainers, Roots, Search, Sort, Statistics, Strings, Summary, Timeline, Traces,
    Viewing, Within,
};
use crate::commands::{json, output};
use crate::exit;
use crate::printer::Printer;
use crate::terminal::{self, Style};

/// Rows for people who did not say how many.
const SCREEN: usize = 30;
/// Fields and retainers of one object.
const OBJECT: usize = 12;

impl From<ModelChoice> for Model {
    fn from(choice: ModelChoice) -> Self {
        match choice {
            ModelChoice::Gc => Self::Gc,
            ModelChoice::Devtools => Self::DevTools,
        }
    }
}

/// `--limit`: 0 is everything, and so is saying nothing to a program.
fn limit(given: Option<usize>, usual: usize, printer: &Printer) -> Option<usize> {
    match given {
        Some(0) => None,
        None if printer.json() => None,
        None => Some(usual),
        given => given,
    }
}

pub(crate) async fn summary(
    arguments: Summary,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = SummaryOptions {
        file: arguments.file,
        model: arguments.viewing.model.into(),
        by: match arguments.by {
            By::Class => GroupBy::Class,
            By::Location => GroupBy::Location,
            By::Package => GroupBy::Package,
            By::Shape => GroupBy::Shape,
        },
        sort: match arguments.sort {
            Sort::Retained => SummarySort::Retained,
            Sort::Shallow => SummarySort::Shallow,
            Sort::Count => SummarySort::Count,
            Sort::Distance => SummarySort::Distance,
            Sort::Name => SummarySort::Name,
        },
        filter: arguments.filter,
        only: arguments.only.map(|only| match only {
            Only::Contexts => SummaryOnly::Contexts,
            Only::Detached => SummaryOnly::Detached,
            Only::Console => SummaryOnly::Console,
            Only::EventHandlers => SummaryOnly::EventHandlers,
            Only::DuplicatedStrings => SummaryOnly::DuplicatedStrings,
        }),
        limit: limit(arguments.viewing.limit, SCREEN, printer),
        shallow_only: arguments.shallow,
    };
    let view = explore::summary(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::summary, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn statistics(
    arguments: Statistics,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let model = arguments.model.into();
    let view = explore::statistics(arguments.file, model, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::statistics, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn object(
    arguments: Object,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = ObjectOptions {
        file: arguments.file,
        model: arguments.viewing.model.into(),
        id: arguments.id,
        limit: limit(arguments.viewing.limit, OBJECT, printer),
        explain: arguments.explain,
    };
    let view = explore::object(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::object, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn retainers(
    arguments: Retainers,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = tree(arguments.file, Some(arguments.id), arguments.branching);
    let view = explore::retainers(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::retainers, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn dominators(
    arguments: Dominators,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = tree(arguments.file, arguments.id, arguments.branching);
    let view = explore::dominators(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::dominators, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn containment(
    arguments: Containment,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = tree(arguments.file, arguments.id, arguments.branching);
    let view = explore::containment(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::containment, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn retained_set(
    arguments: RetainedSet,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = RetainedSetOptions {
        file: arguments.file,
        model: arguments.viewing.model.into(),
        ids: arguments.ids,
        class: arguments.class,
        limit: limit(arguments.viewing.limit, OBJECT, printer),
    };
    let view = explore::retained_set(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::retained_set, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn roots(
    arguments: Roots,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let model = arguments.viewing.model.into();
    let mut view = explore::roots(arguments.file, model, cancel, &mut |event| printer.event(event)).await?;
    view.roots.truncate(limit(arguments.viewing.limit, SCREEN, printer).unwrap_or(usize::MAX));
    answer(&view, terminal::roots, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn realms(
    arguments: Roots,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let model = arguments.viewing.model.into();
    let mut view = explore::realms(arguments.file, model, cancel, &mut |event| printer.event(event)).await?;
    view.realms.truncate(limit(arguments.viewing.limit, SCREEN, printer).unwrap_or(usize::MAX));
    answer(&view, terminal::realms, printer)?;
    Ok(end(&[&view.dump], printer))
}

fn functions(file: PathBuf, viewing: &Viewing, usual: usize, printer: &Printer) -> FunctionsOptions {
    FunctionsOptions { file, model: viewing.model.into(), limit: limit(viewing.limit, usual, printer) }
}

pub(crate) async fn closures(
    arguments: Closures,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = functions(arguments.file, &arguments.viewing, SCREEN, printer);
    let view = explore::closures(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::closures, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn contexts(
    arguments: Contexts,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = functions(arguments.file, &arguments.viewing, OBJECT, printer);
    let view = explore::contexts(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::contexts, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn traces(
    arguments: Traces,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = TracesOptions {
        file: arguments.file,
        model: arguments.branching.model.into(),
        class: arguments.class,
        depth: usize::from(arguments.branching.depth),
        limit: usize::try_from(arguments.branching.limit).unwrap_or(usize::MAX),
    };
    let view = explore::traces(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::traces, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn timeline(
    arguments: Timeline,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let model = arguments.viewing.model.into();
    let view = explore::timeline(arguments.file, model, cancel, &mut |event| printer.event(event)).await?;
    let rows = limit(arguments.viewing.limit, SCREEN, printer).unwrap_or(usize::MAX);
    answer(&view, |view, style, width| terminal::timeline(view, rows, style, width), printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn paths(
    arguments: Paths,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let to = match (arguments.class, arguments.id) {
        (Some(class), _) => PathsTo::Class(class),
        (None, id) => PathsTo::Object(id.unwrap_or_default()),
    };
    let options = PathsOptions {
        file: arguments.file,
        model: arguments.model.into(),
        to,
        limit: usize::try_from(arguments.limit).unwrap_or(usize::MAX),
        depth: usize::from(arguments.depth),
    };
    let view = explore::paths(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::paths, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn search(
    arguments: Search,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = SearchOptions {
        file: arguments.file,
        model: arguments.viewing.model.into(),
        pattern: arguments.pattern,
        within: arguments.within.map(|within| match within {
            Within::Names => SearchIn::Names,
            Within::Strings => SearchIn::Strings,
            Within::Properties => SearchIn::Properties,
        }),
        limit: limit(arguments.viewing.limit, SCREEN, printer),
    };
    let view = explore::search(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::search, printer)?;
    Ok(end(&[&view.dump], printer))
}

fn tree(file: PathBuf, id: Option<u32>, branching: Branching) -> TreeOptions {
    TreeOptions {
        file,
        model: branching.model.into(),
        id,
        depth: usize::from(branching.depth),
        limit: usize::try_from(branching.limit).unwrap_or(usize::MAX),
    }
}

pub(crate) async fn strings(
    arguments: Strings,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let limit = limit(arguments.limit, SCREEN, printer);
    let view = explore::strings(arguments.file, limit, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::strings, printer)?;
    Ok(end(&[&view.dump], printer))
}

pub(crate) async fn diff(
    arguments: Diff,
    printer: &mut Printer,
    cancel: &Cancel,
) -> Result<u8, WorkbenchError> {
    let options = DiffOptions {
        files: std::iter::once(arguments.older).chain(arguments.newer).collect(),
        model: arguments.viewing.model.into(),
        by: arguments.by.map(|by| match by {
            DiffHow::Identity => DiffBy::Identity,
            DiffHow::Class => DiffBy::Class,
        }),
        grown: arguments.grown,
        filter: arguments.filter,
        limit: limit(arguments.viewing.limit, SCREEN, printer),
    };
    let view = explore::diff(options, cancel, &mut |event| printer.event(event)).await?;
    answer(&view, terminal::diff, printer)?;
    let dumps: Vec<&Dump> = [&view.older].into_iter().chain(&view.between).chain([&view.newer]).collect();
    Ok(end(&dumps, printer))
}

fn answer<V: Serialize>(
    view: &V,
    text: impl FnOnce(&V, &Style, usize) -> String,
    printer: &mut Printer,
) -> Result<(), WorkbenchError> {
    if printer.json() {
        return json(view, printer);
    }
    let text = text(view, printer.style(), printer.width());
    printer.answer(&text).map_err(output)
}

/// Tells what the dumps have lost, and turns it into an exit code.
fn end(dumps: &[&Dump], printer: &mut Printer) -> u8 {
    let mut code = exit::DONE;
    for dump in dumps {
        for loss in &dump.losses {
            code = exit::PARTIAL;
            printer.note(&format!("loss       {}: {}", dump.file.display(), names::visible(loss)));
        }
    }
    code
}
