//! The command line.

use std::path::PathBuf;

use lexopt::{Arg, Parser};

use crate::arguments::{any, choice, count, value};
use crate::formats::{self, Format};
use crate::pipe::Limits;

pub(crate) const USAGE: &str = "\
Three threads, a feed, a matcher and a logger, that hand pooled messages and fills to each other.

Usage: pipeline [--events N] [--seed N] [OPTIONS]
       pipeline FILE [--format lobster|cme|bitstamp] [OPTIONS]

Without FILE a built-in, seeded order flow is sent.

  FILE           send LOBSTER, CME or Bitstamp messages from this file
  --format NAME  lobster, cme or bitstamp; found from the file when not given
  --events N     length of the built-in flow, 1 to 10000000 (default 1000000)
  --seed N       seed of the built-in flow (default 1)
  --with NAME    keep everything in pools (default), in boxes, or compare both
  --in-flight N  messages, and fills, under way at once, 1 to 1000000 (default 4096)
  --batch N      handles in one transfer between threads, 1 to 100000 (default 256)
  --log FILE     write the fills to this file
  --help         print this text

Exit codes: 0 complete; 2 bad argument, unreadable or unwritable file, or bad line.
";

const DEFAULT_EVENTS: usize = 1_000_000;
/// The flow is drawn in full before it is sent, so its length is limited by memory.
const MAX_EVENTS: usize = 10_000_000;
const DEFAULT_SEED: u64 = 1;
const DEFAULT_LIMITS: Limits = Limits { in_flight: 4_096, batch: 256 };
const MAX_LIMITS: Limits = Limits { in_flight: 1_000_000, batch: 100_000 };

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Run(Options),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) input: Input,
    pub(crate) with: With,
    pub(crate) limits: Limits,
    pub(crate) log: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Flow { events: usize, seed: u64 },
    File { path: PathBuf, format: Option<Format> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum With {
    Pool,
    Box,
    Both,
}

const WITHS: &[(&str, With)] = &[("pool", With::Pool), ("box", With::Box), ("both", With::Both)];

/// Reads the process's arguments. An error is a sentence that names the argument.
pub(crate) fn parse() -> Result<Command, String> {
    parse_with(Parser::from_env())
}

fn parse_with(mut args: Parser) -> Result<Command, String> {
    let (mut path, mut format, mut events, mut seed, mut log) = (None, None, None, None, None);
    let (mut with, mut limits) = (With::Pool, DEFAULT_LIMITS);
    while let Some(arg) = args.next().map_err(|error| error.to_string())? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("format") => format = Some(choice(&mut args, "--format", formats::NAMES)?),
            Arg::Long("events") => events = Some(count(&mut args, "--events", MAX_EVENTS)?),
            Arg::Long("seed") => seed = Some(any(&mut args, "--seed")?),
            Arg::Long("with") => with = choice(&mut args, "--with", WITHS)?,
            Arg::Long("in-flight") => {
                limits.in_flight = count(&mut args, "--in-flight", MAX_LIMITS.in_flight)?;
            }
            Arg::Long("batch") => limits.batch = count(&mut args, "--batch", MAX_LIMITS.batch)?,
            Arg::Long("log") => log = Some(PathBuf::from(value(&mut args)?)),
            Arg::Value(file) if path.is_none() => path = Some(PathBuf::from(file)),
            other => return Err(format!("{} (--help lists the options)", other.unexpected())),
        }
    }
    if log.is_some() && with == With::Both {
        return Err("--log is for one run, and --with both makes many".into());
    }
    let input = match path {
        Some(_) if events.is_some() || seed.is_some() => {
            return Err("--events and --seed are for the built-in flow, not for a file".into());
        }
        Some(path) => Input::File { path, format },
        None if format.is_some() => return Err("--format needs a message file".into()),
        None => Input::Flow {
            events: events.unwrap_or(DEFAULT_EVENTS),
            seed: seed.unwrap_or(DEFAULT_SEED),
        },
    };
    Ok(Command::Run(Options { input, with, limits, log }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, String> {
        parse_with(Parser::from_args(args))
    }

    #[test]
    fn without_arguments_the_flow_runs_on_the_pool() {
        let input = Input::Flow { events: 1_000_000, seed: 1 };
        let options = Options { input, with: With::Pool, limits: DEFAULT_LIMITS, log: None };
        assert_eq!(parsed(&[]), Ok(Command::Run(options)));
    }

    #[test]
    fn every_option_is_read() {
        let input = Input::File { path: "m.csv".into(), format: Some(Format::Cme) };
        let limits = Limits { in_flight: 7, batch: 3 };
        let options = Options { input, with: With::Box, limits, log: Some("fills.csv".into()) };
        let args = "--format=cme m.csv --with box --in-flight 7 --batch 3 --log fills.csv";
        let args: Vec<&str> = args.split(' ').collect();
        assert_eq!(parsed(&args), Ok(Command::Run(options)));
        let input = Input::Flow { events: 5, seed: 9 };
        let options = Options { input, with: With::Both, limits: DEFAULT_LIMITS, log: None };
        let args = ["--events", "5", "--seed", "9", "--with", "both"];
        assert_eq!(parsed(&args), Ok(Command::Run(options)));
        assert_eq!(parsed(&["--help"]), Ok(Command::Help));
    }

    #[test]
    fn a_bad_argument_is_named() {
        for (args, named) in [
            (&["--with", "arena"][..], "--with: expected one of pool, box, both, found \"arena\""),
            (
                &["--in-flight", "0"],
                "--in-flight: expected a number from 1 to 1000000, found \"0\"",
            ),
            (&["--batch", "many"], "--batch: expected a number from 1 to 100000, found \"many\""),
            (&["--log"], "missing argument for option '--log'"),
            (&["--quotes", "q"], "invalid option '--quotes'"),
            (&["a.csv", "b.csv"], "unexpected argument \"b.csv\""),
            (&["a.csv", "--events", "1"], "--events and --seed are for the built-in flow"),
            (&["--format", "cme"], "--format needs a message file"),
            (&["--log", "f", "--with", "both"], "--log is for one run"),
        ] {
            let error = parsed(args).unwrap_err();
            assert!(error.starts_with(named), "{error:?} for {named:?}");
        }
    }
}
