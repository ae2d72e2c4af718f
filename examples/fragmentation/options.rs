//! The command line.

use std::path::PathBuf;

use lexopt::{Arg, Parser};

use crate::arguments::{any, choice, count, value};
use crate::policy::Policy;

pub(crate) const USAGE: &str = "\
Hours of churn on a pool in seconds: what it reserves for what is live, under four policies.

Usage: fragmentation [--out DIR] [--seed N] [--hours N] [--policy NAME]

  --out DIR      write fragmentation.svg and occupancy.svg into this folder (default: this one)
  --seed N       seed of the sequence (default 1)
  --hours N      how long the day is, 1 to 24 (default 8)
  --policy NAME  none, trim, automatic, compact or all (default)
  --help         print this text

Exit codes: 0 complete; 1 a value was spoilt; 2 bad argument or unwritable file.
";

const DEFAULT_SEED: u64 = 1;
const DEFAULT_HOURS: u8 = 8;
/// The sequence is drawn in full before it is run, so its length is limited by memory.
const MAX_HOURS: u8 = 24;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Run(Options),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) out: PathBuf,
    pub(crate) seed: u64,
    pub(crate) hours: u8,
    pub(crate) policies: &'static [Policy],
}

const POLICIES: &[(&str, &[Policy])] = &[
    ("none", &[Policy::None]),
    ("trim", &[Policy::Trim]),
    ("automatic", &[Policy::Automatic]),
    ("compact", &[Policy::Compact]),
    ("all", Policy::ALL),
];

/// Reads the process's arguments. An error is a sentence that names the argument.
pub(crate) fn parse() -> Result<Command, String> {
    parse_with(Parser::from_env())
}

fn parse_with(mut args: Parser) -> Result<Command, String> {
    let mut out = PathBuf::from(".");
    let (mut seed, mut hours, mut policies) = (DEFAULT_SEED, DEFAULT_HOURS, Policy::ALL);
    while let Some(arg) = args.next().map_err(|error| error.to_string())? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("out") => out = PathBuf::from(value(&mut args)?),
            Arg::Long("seed") => seed = any(&mut args, "--seed")?,
            Arg::Long("hours") => hours = count(&mut args, "--hours", MAX_HOURS)?,
            Arg::Long("policy") => policies = choice(&mut args, "--policy", POLICIES)?,
            other => return Err(format!("{} (--help lists the options)", other.unexpected())),
        }
    }
    Ok(Command::Run(Options { out, seed, hours, policies }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, String> {
        parse_with(Parser::from_args(args))
    }

    #[test]
    fn without_arguments_all_policies_run_and_draw_here() {
        let options = Options { out: ".".into(), seed: 1, hours: 8, policies: Policy::ALL };
        assert_eq!(parsed(&[]), Ok(Command::Run(options)));
    }

    #[test]
    fn every_option_is_read() {
        let policies = &[Policy::Trim];
        let options = Options { out: "o".into(), seed: 0, hours: 24, policies };
        let args = ["--out=o", "--seed", "0", "--hours", "24", "--policy", "trim"];
        assert_eq!(parsed(&args), Ok(Command::Run(options)));
        assert_eq!(
            parsed(&["--hours", "0", "--help"]).unwrap_err().split(':').next(),
            Some("--hours")
        );
        assert_eq!(parsed(&["--help", "--hours", "0"]), Ok(Command::Help));
    }

    #[test]
    fn a_bad_argument_is_named() {
        for (args, named) in [
            (&["--hours", "25"][..], "--hours: expected a number from 1 to 24, found \"25\""),
            (&["--hours", "x"], "--hours: expected a number from 1 to 24, found \"x\""),
            (&["--seed", "-1"], "--seed: expected a number from 0 to 18446744073709551615"),
            (&["--policy", "box"], "--policy: expected one of none, trim, automatic, compact, all"),
            (&["--out"], "missing argument for option '--out'"),
            (&["--colour"], "invalid option '--colour'"),
            (&["day"], "unexpected argument \"day\""),
        ] {
            let error = parsed(args).unwrap_err();
            assert!(error.starts_with(named), "{error:?} for {named:?}");
        }
    }
}
