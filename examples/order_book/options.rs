//! The command line.

use std::path::PathBuf;

use lexopt::{Arg, Parser};

use crate::arguments::{any, choice, count, value};
use crate::formats::{self, Format};

pub(crate) const USAGE: &str = "\
A limit order book whose resting orders live in a pool.

Usage: order_book [--events N] [--seed N] [--with pool|box|both]
       order_book FILE [--format lobster|cme|bitstamp] [--quotes FILE] [--with pool|box|both]

Without FILE a built-in, seeded order flow is run.

  FILE           replay LOBSTER, CME or Bitstamp messages from this file
  --format NAME  lobster, cme or bitstamp; found from the file when not given
  --quotes FILE  check a LOBSTER replay against this file of best quotes
  --with NAME    keep the orders in the pool (default), in boxes, or compare both
  --events N     length of the built-in flow, 1 to 10000000 (default 1000000)
  --seed N       seed of the built-in flow (default 1)
  --help         print this text

Exit codes: 0 complete; 2 bad argument, unreadable file or bad line.
";

const DEFAULT_EVENTS: usize = 1_000_000;
/// The flow is drawn in full before it is run, so its length is limited by memory.
const MAX_EVENTS: usize = 10_000_000;
const DEFAULT_SEED: u64 = 1;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Run(Options),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) source: Source,
    pub(crate) quotes: Option<PathBuf>,
    pub(crate) with: With,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flow { events: usize, seed: u64 },
    File { path: PathBuf, format: Option<Format> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum With {
    Pool,
    Box,
    Both,
}

/// Reads the process's arguments. An error is a sentence that names the argument.
pub(crate) fn parse() -> Result<Command, String> {
    parse_with(Parser::from_env())
}

fn parse_with(mut args: Parser) -> Result<Command, String> {
    let (mut path, mut format, mut quotes, mut events, mut seed) = (None, None, None, None, None);
    let mut with = With::Pool;
    while let Some(arg) = args.next().map_err(|error| error.to_string())? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("format") => format = Some(choice(&mut args, "--format", formats::NAMES)?),
            Arg::Long("with") => with = choice(&mut args, "--with", WITHS)?,
            Arg::Long("quotes") => quotes = Some(PathBuf::from(value(&mut args)?)),
            Arg::Long("events") => events = Some(count(&mut args, "--events", MAX_EVENTS)?),
            Arg::Long("seed") => seed = Some(any(&mut args, "--seed")?),
            Arg::Value(file) if path.is_none() => path = Some(PathBuf::from(file)),
            other => return Err(format!("{} (--help lists the options)", other.unexpected())),
        }
    }
    let source = match path {
        Some(_) if events.is_some() || seed.is_some() => {
            return Err("--events and --seed are for the built-in flow, not for a file".into());
        }
        Some(path) => Source::File { path, format },
        None if format.is_some() || quotes.is_some() => {
            return Err("--format and --quotes need a message file".into());
        }
        None => Source::Flow {
            events: events.unwrap_or(DEFAULT_EVENTS),
            seed: seed.unwrap_or(DEFAULT_SEED),
        },
    };
    Ok(Command::Run(Options { source, quotes, with }))
}

const WITHS: &[(&str, With)] = &[("pool", With::Pool), ("box", With::Box), ("both", With::Both)];

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, String> {
        parse_with(Parser::from_args(args))
    }

    #[test]
    fn without_arguments_the_flow_runs_on_the_pool() {
        let source = Source::Flow { events: 1_000_000, seed: 1 };
        let options = Options { source, quotes: None, with: With::Pool };
        assert_eq!(parsed(&[]), Ok(Command::Run(options)));
    }

    #[test]
    fn every_option_is_read() {
        let source = Source::File { path: "m.csv".into(), format: Some(Format::Cme) };
        let options = Options { source, quotes: Some("q.csv".into()), with: With::Both };
        let args = ["--format=cme", "m.csv", "--quotes", "q.csv", "--with", "both"];
        assert_eq!(parsed(&args), Ok(Command::Run(options)));
        let source = Source::Flow { events: 5, seed: 9 };
        let options = Options { source, quotes: None, with: With::Box };
        let args = ["--events", "5", "--seed", "9", "--with", "box"];
        assert_eq!(parsed(&args), Ok(Command::Run(options)));
        assert_eq!(parsed(&["--help"]), Ok(Command::Help));
    }

    #[test]
    fn a_bad_argument_is_named() {
        for (args, named) in [
            (&["--with", "arena"][..], "--with: expected one of pool, box, both, found \"arena\""),
            (&["--format", "itch", "f"], "--format: expected one of lobster, cme, bitstamp, found"),
            (&["--events", "0"], "--events: expected a number from 1 to 10000000, found \"0\""),
            (&["--events", "1e6"], "--events: expected a number from 1 to 10000000, found"),
            (&["--events", "99999999999999999999"], "--events: expected a number from 1 to"),
            (&["--seed", "-1"], "--seed: expected a number from 0 to 18446744073709551615"),
            (&["--seed"], "missing argument for option '--seed'"),
            (&["--colour"], "invalid option '--colour'"),
            (&["a.csv", "b.csv"], "unexpected argument \"b.csv\""),
            (&["a.csv", "--seed", "1"], "--events and --seed are for the built-in flow"),
            (&["--quotes", "q.csv"], "--format and --quotes need a message file"),
        ] {
            let error = parsed(args).unwrap_err();
            assert!(error.starts_with(named), "{error:?} for {named:?}");
        }
    }
}
