//! Where installed things stay between runs, and how they get there whole or not at all.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// `$LEAKHOUND_CACHE`, else `$XDG_CACHE_HOME/leakhound`, else `~/.cache/leakhound`.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    root_from(env::var_os)
}

fn root_from(variable: impl Fn(&'static str) -> Option<OsString>) -> anyhow::Result<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(chosen) = set("LEAKHOUND_CACHE") {
        return std::path::absolute(&chosen).with_context(|| format!("LEAKHOUND_CACHE {}", chosen.display()));
    }
    if let Some(xdg) = set("XDG_CACHE_HOME").filter(|path| path.is_absolute()) {
        return Ok(xdg.join("leakhound"));
    }
    match set("HOME") {
        Some(home) => Ok(home.join(".cache").join("leakhound")),
        None => bail!("no folder for the cache\n  hint: set LEAKHOUND_CACHE to a folder that may keep 1 GB"),
    }
}

/// Makes `place` by running `fill` in a fresh folder beside it and renaming that folder.
///
/// An interrupted run leaves `place` absent; of two runs at once, one wins and both use its work.
pub(crate) fn install(place: &Path, fill: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    if place.is_dir() {
        return Ok(());
    }
    let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else {
        bail!("{} is no place to install into", place.display());
    };
    let unfinished = folder.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    remove(&unfinished)?;
    fs::create_dir_all(&unfinished).with_context(|| format!("create {}", unfinished.display()))?;

    let filled = fill(&unfinished).and_then(|()| match fs::rename(&unfinished, place) {
        Err(_) if place.is_dir() => Ok(()), // another run was faster
        renamed => renamed.with_context(|| format!("move {} into place", place.display())),
    });
    let removed = remove(&unfinished);
    filled.and(removed)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root_with(variables: &'static [(&'static str, &'static str)]) -> anyhow::Result<PathBuf> {
        root_from(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn own_variable_wins_over_xdg_and_home() {
        let all = &[("LEAKHOUND_CACHE", "/own"), ("XDG_CACHE_HOME", "/xdg"), ("HOME", "/home/me")];
        assert_eq!(root_with(all).unwrap(), Path::new("/own"));
        assert_eq!(root_with(&all[1..]).unwrap(), Path::new("/xdg/leakhound"));
        assert_eq!(root_with(&all[2..]).unwrap(), Path::new("/home/me/.cache/leakhound"));
        assert!(root_with(&[("HOME", "")]).unwrap_err().to_string().contains("hint: set LEAKHOUND_CACHE"));
    }

    #[test]
    fn a_failed_installation_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("thing");
        let failed = install(&place, |unfinished| {
            fs::write(unfinished.join("half"), "half").unwrap();
            bail!("the network went away")
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_installation_is_moved_into_place_once() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("thing");
        install(&place, |unfinished| Ok(fs::write(unfinished.join("file"), "first")?)).unwrap();
        install(&place, |_| bail!("must not run again")).unwrap();
        assert_eq!(fs::read_to_string(place.join("file")).unwrap(), "first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_two_installations_at_once_the_first_to_finish_stays() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("thing");
        install(&place, |unfinished| {
            fs::write(unfinished.join("file"), "slow")?;
            fs::create_dir(&place)?;
            Ok(fs::write(place.join("file"), "fast")?)
        })
        .unwrap();
        assert_eq!(fs::read_to_string(place.join("file")).unwrap(), "fast");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
