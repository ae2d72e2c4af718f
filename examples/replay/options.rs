//! The command line.

use std::path::PathBuf;

use lexopt::{Arg, Parser};

use crate::arguments::{choice, count, value};
use crate::committed;
use crate::contest::Contender;

pub(crate) const USAGE: &str = "\
An allocation trace of a real program, played against a pool of size classes and other allocators.

Usage: replay FILE [--rounds N] [--with pool|system|mimalloc|all] [--timeline SVG]

  FILE            a trace in the format MTR1, which examples/replay/trace.rs describes
  --rounds N      how often each is timed, 1 to 10000 (default 25)
  --with NAME     the allocator that plays: pool, system, mimalloc or all (default)
  --timeline SVG  also draw the live and the reserved bytes of the pool into this file
  --help          print this text

Exit codes: 0 complete; 1 an allocator spoilt an object or had no memory; 2 bad argument,
unreadable or unwritable file, or bad line.
";

const DEFAULT_ROUNDS: usize = 25;
const MAX_ROUNDS: usize = 10_000;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Run(Options),
    /// See [`committed::OPTION`].
    Committed(PathBuf),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) path: PathBuf,
    pub(crate) rounds: usize,
    pub(crate) contenders: &'static [Contender],
    pub(crate) timeline: Option<PathBuf>,
}

const WITHS: &[(&str, &[Contender])] = &[
    ("pool", &[Contender::Pool]),
    ("system", &[Contender::System]),
    ("mimalloc", &[Contender::Mimalloc]),
    ("all", Contender::ALL),
];

/// Reads the process's arguments. An error is a sentence that names the argument.
pub(crate) fn parse() -> Result<Command, String> {
    parse_with(Parser::from_env())
}

fn parse_with(mut args: Parser) -> Result<Command, String> {
    let (mut path, mut timeline, mut committed) = (None, None, false);
    let (mut rounds, mut contenders) = (DEFAULT_ROUNDS, Contender::ALL);
    while let Some(arg) = args.next().map_err(|error| error.to_string())? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("rounds") => rounds = count(&mut args, "--rounds", MAX_ROUNDS)?,
            Arg::Long("with") => contenders = choice(&mut args, "--with", WITHS)?,
            Arg::Long("timeline") => timeline = Some(PathBuf::from(value(&mut args)?)),
            Arg::Long(committed::OPTION) => committed = true,
            Arg::Value(file) if path.is_none() => path = Some(PathBuf::from(file)),
            other => return Err(format!("{} (--help lists the options)", other.unexpected())),
        }
    }
    let Some(path) = path else {
        return Err("expected a file with a trace, found none (--help lists the options)".into());
    };
    if committed {
        return Ok(Command::Committed(path));
    }
    if timeline.is_some() && !contenders.contains(&Contender::Pool) {
        return Err("--timeline draws the pool, which --with leaves out".into());
    }
    Ok(Command::Run(Options { path, rounds, contenders, timeline }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, String> {
        parse_with(Parser::from_args(args))
    }

    #[test]
    fn a_file_alone_is_played_against_all() {
        let (path, contenders) = (PathBuf::from("a.mtr"), Contender::ALL);
        let options = Options { path, rounds: 25, contenders, timeline: None };
        assert_eq!(parsed(&["a.mtr"]), Ok(Command::Run(options)));
    }

    #[test]
    fn every_option_is_read() {
        let timeline = Some(PathBuf::from("o.svg"));
        let contenders = &[Contender::Pool];
        let options = Options { path: "-a".into(), rounds: 3, contenders, timeline };
        let args = ["--rounds=3", "--with", "pool", "--timeline", "o.svg", "--", "-a"];
        assert_eq!(parsed(&args), Ok(Command::Run(options)));
        let committed = Command::Committed("a.mtr".into());
        assert_eq!(parsed(&["--mimalloc-committed", "--", "a.mtr"]), Ok(committed));
        assert_eq!(parsed(&["--help"]), Ok(Command::Help));
    }

    #[test]
    fn a_bad_argument_is_named() {
        for (args, named) in [
            (&[][..], "expected a file with a trace, found none"),
            (&["--with", "box", "f"], "--with: expected one of pool, system, mimalloc, all, found"),
            (&["--rounds", "0", "f"], "--rounds: expected a number from 1 to 10000, found \"0\""),
            (&["--timeline"], "missing argument for option '--timeline'"),
            (&["--colour"], "invalid option '--colour'"),
            (&["a.mtr", "b.mtr"], "unexpected argument \"b.mtr\""),
            (&["f", "--with", "system", "--timeline", "o"], "--timeline draws the pool"),
        ] {
            let error = parsed(args).unwrap_err();
            assert!(error.starts_with(named), "{error:?} for {named:?}");
        }
    }
}
