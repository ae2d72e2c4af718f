//! The command line: what the program is asked to do.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::{Arg, Parser};

use crate::trace::Format;

pub(crate) const HELP: &str = "\
Usage: game_entities [--frames N] [--seed N]
       game_entities [--format sc2|doom|bullets] FILE

Plays a seeded shooter, or replays the trace in FILE, and reports its entities.

  --frames N  frames of the shooter, 10000 by default
  --seed N    seed of the shooter, 1 by default
  --format F  format of FILE (sc2, doom or bullets) instead of the detected one
  -h, --help  print this text
";

const FRAMES: u32 = 10_000;
const SEED: u64 = 1;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Job {
    Help,
    Play { frames: u32, seed: u64 },
    Replay { path: PathBuf, format: Option<Format> },
}

/// Reads the arguments; the error is a message for the user.
pub(crate) fn parse(mut parser: Parser) -> Result<Job, String> {
    let mut frames = None;
    let mut seed = None;
    let mut format = None;
    let mut path: Option<PathBuf> = None;
    while let Some(arg) = parser.next().map_err(|error| error.to_string())? {
        match arg {
            Arg::Long("frames") => frames = Some(number(&mut parser, "--frames", u32::MAX)?),
            Arg::Long("seed") => seed = Some(number(&mut parser, "--seed", u64::MAX)?),
            Arg::Long("format") => {
                let value = parser.value().map_err(|error| error.to_string())?;
                format = Some(known_format(&value)?);
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(Job::Help),
            Arg::Value(value) => {
                if let Some(first) = path {
                    return Err(format!("expected one file, found {first:?} and {value:?}"));
                }
                path = Some(value.into());
            }
            other => return Err(format!("{} (--help lists the options)", other.unexpected())),
        }
    }
    let Some(path) = path else {
        return match format {
            Some(_) => Err("--format needs a file".to_owned()),
            None => Ok(Job::Play { frames: frames.unwrap_or(FRAMES), seed: seed.unwrap_or(SEED) }),
        };
    };
    if frames.is_some() {
        return Err("--frames is for the shooter and does not go with a file".to_owned());
    }
    if seed.is_some() {
        return Err("--seed is for the shooter and does not go with a file".to_owned());
    }
    Ok(Job::Replay { path, format })
}

fn number<N: FromStr + ToString>(parser: &mut Parser, name: &str, max: N) -> Result<N, String> {
    let value = parser.value().map_err(|error| error.to_string())?;
    value.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
        format!("{name}: expected a whole number from 0 to {}, found {value:?}", max.to_string())
    })
}

fn known_format(value: &OsStr) -> Result<Format, String> {
    match value.to_str() {
        Some("sc2") => Ok(Format::Starcraft),
        Some("doom") => Ok(Format::Doom),
        Some("bullets") => Ok(Format::Bullets),
        _ => Err(format!("--format: expected sc2, doom or bullets, found {value:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(args: &[&str]) -> Result<Job, String> {
        parse(Parser::from_args(args))
    }

    #[test]
    fn no_argument_plays_ten_thousand_frames() {
        assert_eq!(job(&[]), Ok(Job::Play { frames: 10_000, seed: 1 }));
        assert_eq!(
            job(&["--frames", "5", "--seed=18446744073709551615"]),
            Ok(Job::Play { frames: 5, seed: u64::MAX })
        );
    }

    #[test]
    fn a_file_is_replayed() {
        let path = PathBuf::from("a.txt");
        assert_eq!(job(&["a.txt"]), Ok(Job::Replay { path: path.clone(), format: None }));
        assert_eq!(
            job(&["a.txt", "--format", "doom"]),
            Ok(Job::Replay { path, format: Some(Format::Doom) })
        );
    }

    #[test]
    fn help_wins_over_what_follows() {
        assert_eq!(job(&["--help", "--nonsense"]), Ok(Job::Help));
    }

    #[test]
    fn wrong_arguments_are_named() {
        for (args, part) in [
            (&["--frames"][..], "--frames"),
            (&["--frames", "-1"], "\"-1\""),
            (&["--frames", "4294967296"], "from 0 to 4294967295, found \"4294967296\""),
            (&["--seed", "x"], "--seed: expected a whole number"),
            (&["--format", "quake", "f"], "found \"quake\""),
            (&["--format", "doom"], "needs a file"),
            (&["--frames", "1", "f"], "--frames is for the shooter"),
            (&["--seed", "1", "f"], "--seed is for the shooter"),
            (&["f", "g"], "\"f\" and \"g\""),
            (&["--bogus"], "invalid option '--bogus' (--help lists the options)"),
            (&["-x"], "invalid option '-x' (--help lists the options)"),
        ] {
            let message = job(args).unwrap_err();
            assert!(message.contains(part), "{args:?}: {message}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_argument_may_hold_any_bytes() {
        use std::os::unix::ffi::OsStrExt;
        let bytes = OsStr::from_bytes(b"\xff");
        assert!(parse(Parser::from_args([OsStr::new("--seed"), bytes])).is_err());
        assert!(matches!(parse(Parser::from_args([bytes])), Ok(Job::Replay { .. })));
    }
}
