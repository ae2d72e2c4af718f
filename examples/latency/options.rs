//! The command line.

use std::path::PathBuf;

use lexopt::{Arg, Parser};

use crate::arguments::{any, choice, count, value};
use crate::flow;
use crate::formats::{self, Format};

pub(crate) const USAGE: &str = "\
The latency of single allocations and frees in an order book: pool, box and mimalloc.

Usage: latency [--events N] [--seed N] [--live N] [--rounds N] [--clock tsc|instant] [--svg FILE]
       latency FILE [--format lobster|cme|bitstamp] [--rounds N] [--clock tsc|instant] [--svg FILE]

Without FILE a built-in, seeded order flow is run.

  FILE           replay LOBSTER, CME or Bitstamp messages from this file
  --format NAME  lobster, cme or bitstamp; found from the file when not given
  --events N     length of the built-in flow, 1 to 10000000 (default 1000000)
  --seed N       seed of the built-in flow (default 1)
  --live N       orders that rest in the built-in flow, 1 to 1000000 (default 4500)
  --rounds N     how often the events are run, 1 to 1000 (default 10)
  --clock NAME   tsc or instant (default: tsc where the processor has one that is a clock)
  --svg FILE     also draw the quantiles into this file
  --help         print this text

Exit codes: 0 complete; 2 bad argument, unreadable or unwritable file, or bad line.
";

const DEFAULT_EVENTS: usize = 1_000_000;
/// The flow is drawn in full before it is run, so its length is limited by memory.
const MAX_EVENTS: usize = 10_000_000;
const DEFAULT_SEED: u64 = 1;
/// A deeper book than this would not be filled by the longest flow.
const MAX_LIVE: u64 = 1_000_000;
const DEFAULT_ROUNDS: usize = 10;
const MAX_ROUNDS: usize = 1_000;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Run(Options),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) source: Source,
    pub(crate) rounds: usize,
    /// `None` leaves the choice to what the processor has.
    pub(crate) clock: Option<ClockName>,
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flow { events: usize, seed: u64, live: u64 },
    File { path: PathBuf, format: Option<Format> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockName {
    Tsc,
    Instant,
}

const CLOCKS: &[(&str, ClockName)] = &[("tsc", ClockName::Tsc), ("instant", ClockName::Instant)];

/// Reads the process's arguments. An error is a sentence that names the argument.
pub(crate) fn parse() -> Result<Command, String> {
    parse_with(Parser::from_env())
}

fn parse_with(mut args: Parser) -> Result<Command, String> {
    let (mut path, mut format, mut events, mut seed, mut live) = (None, None, None, None, None);
    let (mut rounds, mut clock, mut svg) = (DEFAULT_ROUNDS, None, None);
    while let Some(arg) = args.next().map_err(|error| error.to_string())? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("format") => format = Some(choice(&mut args, "--format", formats::NAMES)?),
            Arg::Long("clock") => clock = Some(choice(&mut args, "--clock", CLOCKS)?),
            Arg::Long("svg") => svg = Some(PathBuf::from(value(&mut args)?)),
            Arg::Long("events") => events = Some(count(&mut args, "--events", MAX_EVENTS)?),
            Arg::Long("live") => live = Some(count(&mut args, "--live", MAX_LIVE)?),
            Arg::Long("rounds") => rounds = count(&mut args, "--rounds", MAX_ROUNDS)?,
            Arg::Long("seed") => seed = Some(any(&mut args, "--seed")?),
            Arg::Value(file) if path.is_none() => path = Some(PathBuf::from(file)),
            other => return Err(format!("{} (--help lists the options)", other.unexpected())),
        }
    }
    let source = match path {
        Some(_) if events.is_some() || seed.is_some() || live.is_some() => {
            return Err("--events, --seed and --live are for the built-in flow, not a file".into());
        }
        Some(path) => Source::File { path, format },
        None if format.is_some() => return Err("--format needs a message file".into()),
        None => Source::Flow {
            events: events.unwrap_or(DEFAULT_EVENTS),
            seed: seed.unwrap_or(DEFAULT_SEED),
            live: live.unwrap_or(flow::RESTING),
        },
    };
    Ok(Command::Run(Options { source, rounds, clock, svg }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, String> {
        parse_with(Parser::from_args(args))
    }

    #[test]
    fn without_arguments_the_flow_is_run() {
        let source = Source::Flow { events: 1_000_000, seed: 1, live: 4_500 };
        let options = Options { source, rounds: 10, clock: None, svg: None };
        assert_eq!(parsed(&[]), Ok(Command::Run(options)));
    }

    #[test]
    fn every_option_is_read() {
        let source = Source::File { path: "m.csv".into(), format: Some(Format::Cme) };
        let clock = Some(ClockName::Instant);
        let options = Options { source, rounds: 3, clock, svg: Some("o.svg".into()) };
        let args = ["--format=cme", "m.csv", "--rounds", "3", "--clock=instant", "--svg", "o.svg"];
        assert_eq!(parsed(&args), Ok(Command::Run(options)));
        let source = Source::Flow { events: 5, seed: 9, live: 7 };
        let options = Options { source, rounds: 10, clock: Some(ClockName::Tsc), svg: None };
        let args = ["--events", "5", "--seed", "9", "--live", "7", "--clock", "tsc"];
        assert_eq!(parsed(&args), Ok(Command::Run(options)));
        assert_eq!(parsed(&["-h"]), Ok(Command::Help));
    }

    #[test]
    fn a_bad_argument_is_named() {
        for (args, named) in [
            (&["--clock", "sun"][..], "--clock: expected one of tsc, instant, found \"sun\""),
            (&["--format", "itch", "f"], "--format: expected one of lobster, cme, bitstamp, found"),
            (&["--events", "0"], "--events: expected a number from 1 to 10000000, found \"0\""),
            (&["--rounds", "1001"], "--rounds: expected a number from 1 to 1000, found \"1001\""),
            (&["--live", "-1"], "--live: expected a number from 1 to 1000000, found \"-1\""),
            (&["--seed", "x"], "--seed: expected a number from 0 to 18446744073709551615"),
            (&["--svg"], "missing argument for option '--svg'"),
            (&["--colour"], "invalid option '--colour'"),
            (&["a.csv", "b.csv"], "unexpected argument \"b.csv\""),
            (&["a.csv", "--live", "1"], "--events, --seed and --live are for the built-in flow"),
            (&["--format", "cme"], "--format needs a message file"),
        ] {
            let error = parsed(args).unwrap_err();
            assert!(error.starts_with(named), "{error:?} for {named:?}");
        }
    }
}
