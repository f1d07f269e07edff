//! Colours by meaning; everything reads the same without them.

use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style as Sgr};

/// When to colour (`--color`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// When standard output is a terminal that shows colours and `NO_COLOR` is not set.
    #[default]
    Auto,
    /// Always, into files and pipes too.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// The style for standard output, from the environment's `NO_COLOR` and `TERM`.
    pub fn for_stdout(self) -> Style {
        self.style(
            std::io::stdout().is_terminal(),
            std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()),
            std::env::var_os("TERM").is_some_and(|term| term == "dumb"),
        )
    }

    /// The style for a stream: whether it is a terminal, whether `NO_COLOR` holds something, and
    /// whether the terminal is a dumb one.
    pub fn style(self, terminal: bool, no_color: bool, dumb: bool) -> Style {
        Style {
            colored: match self {
                Self::Always => true,
                Self::Never => false,
                Self::Auto => terminal && !no_color && !dumb,
            },
        }
    }
}

/// How text is marked; plain by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    colored: bool,
}

impl Style {
    /// No escape sequences at all.
    pub const PLAIN: Self = Self { colored: false };
    /// Colours and weights.
    pub const COLORED: Self = Self { colored: true };

    /// `text` in the look of `role`.
    pub(super) fn paint(self, role: Role, text: &str) -> String {
        let sgr = role.sgr();
        if !self.colored || text.is_empty() || sgr.is_plain() {
            return text.to_owned();
        }
        format!("{}{text}{}", sgr.render(), sgr.render_reset())
    }
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Ordinary text.
    Plain,
    /// A verdict that accuses.
    Bad,
    /// A verdict or remark that asks for care.
    Care,
    /// A verdict that absolves.
    Good,
    /// What the eye should find first.
    Strong,
    /// A file and line.
    Place,
    /// Labels, source lines, separators.
    Quiet,
}

impl Role {
    fn sgr(self) -> Sgr {
        match self {
            Self::Plain => Sgr::new(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Care => AnsiColor::Yellow.on_default().bold(),
            Self::Good => AnsiColor::Green.on_default().bold(),
            Self::Strong => Sgr::new().bold(),
            Self::Place => AnsiColor::Cyan.on_default(),
            Self::Quiet => Sgr::new().dimmed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_colours_only_a_terminal_that_wants_it() {
        let auto = ColorChoice::Auto;
        assert_eq!(auto.style(true, false, false), Style::COLORED);
        for (terminal, no_color, dumb) in [(false, false, false), (true, true, false), (true, false, true)] {
            assert_eq!(auto.style(terminal, no_color, dumb), Style::PLAIN);
        }
        assert_eq!(ColorChoice::Always.style(false, true, true), Style::COLORED);
        assert_eq!(ColorChoice::Never.style(true, false, false), Style::PLAIN);
    }

    #[test]
    fn what_is_painted_is_reset() {
        assert_eq!(Style::COLORED.paint(Role::Bad, "x"), "\u{1b}[1m\u{1b}[31mx\u{1b}[0m");
        assert_eq!(Style::PLAIN.paint(Role::Bad, "x"), "x");
    }
}
