//! What a run had to leave out: counted and named, and an error where nobody would read it.

use std::env;

use anyhow::bail;

/// Collects what was left out.
#[derive(Default)]
pub(crate) struct Skips(Vec<String>);

impl Skips {
    /// Keeps `found` going or notes why `what` is left out.
    pub(crate) fn keep<T>(&mut self, what: &str, found: anyhow::Result<T>) -> Option<T> {
        match found {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.push(format!("{what}: {error:#}"));
                None
            }
        }
    }

    /// Says what was left out; fails when `strict` (on CI, where a skipped test is a missing test).
    pub(crate) fn settle(self, strict: bool) -> anyhow::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let list = format!("skipped {}:\n  {}", self.0.len(), self.0.join("\n  "));
        if strict {
            bail!("{list}\n  hint: with CI=true nothing may be skipped");
        }
        eprintln!("{list}");
        Ok(())
    }
}

/// Whether this is a CI run: `CI` is set and not `false`, `0` or empty.
pub(crate) fn on_ci() -> bool {
    env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_skip_fails_a_strict_run_and_only_that() {
        let skipping = || {
            let mut skips = Skips::default();
            assert_eq!(skips.keep("Node 18", Err::<u8, _>(anyhow!("offline"))), None);
            assert_eq!(skips.keep("Node 20", Ok(20)), Some(20));
            skips
        };
        assert!(skipping().settle(false).is_ok());
        let error = skipping().settle(true).unwrap_err().to_string();
        assert!(error.contains("skipped 1:") && error.contains("Node 18: offline"), "{error}");
        assert!(Skips::default().settle(true).is_ok());
    }
}
