//! The command line.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

use crate::contenders::{self, COUNT};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Compares typed-pool with other ways to hold values, in interleaved rounds in one process.

Usage: versus [FILTER]... [OPTION]...

  FILTER             measure the rows that have this in their names, such as pair/32B; several
                     filters add up; without any, all rows are measured
  --contenders A,B   measure these contenders only
  --sizes 32,64      measure values of these sizes only, in bytes
  --time SECONDS     how long a row takes at least [default: 1]
  --repeat N         run N processes, leave out runs in which the baseline `box` was more than 10 %
                     slower than at its best, and report medians of their ratios
  --targets          print what the figures are to be next to what they are, for values of 32 and
                     64 bytes and for traces, those of SyncPool in a table of their own; exit
                     with 1 if one is missed
  --json FILE        write all figures
  --svg FILE         draw the key rows, for values of 32 bytes
  --markdown FILE    write the key rows, for values of 32 bytes, as a table
  --data DIR         a folder with recordings (lob/, malloc/), which the rows book_* and trace_*
                     replay [default: the environment variable TYPED_POOL_DATA]
  --tiny             few values and one round: tests that everything runs, measures nothing
  --list             print the names of rows and contenders
  --help             print this

Times are in nanoseconds for one operation: the shortest block, and the median. In rows mt_*_Nt, N
threads share a heap; an operation is one of each of them, and takes from when the first starts to
when the last one is done.";

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    /// Parts of the names of rows; a row is in where one of them matches, or where there are none.
    pub(crate) filters: Vec<String>,
    /// Which contenders take part, by their places in [`contenders::ALL`], in order.
    pub(crate) contenders: Vec<usize>,
    /// Which sizes of values, in bytes; all of them where nothing is said.
    pub(crate) sizes: Option<Vec<usize>>,
    /// How long a row takes.
    pub(crate) time: Duration,
    /// How many processes measure.
    pub(crate) repeat: Option<usize>,
    /// The folder of recordings.
    pub(crate) data: Option<PathBuf>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) svg: Option<PathBuf>,
    pub(crate) markdown: Option<PathBuf>,
    pub(crate) targets: bool,
    /// Whether counts and times are made so small that figures mean nothing.
    pub(crate) tiny: bool,
    pub(crate) list: bool,
    pub(crate) help: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            filters: Vec::new(),
            contenders: (0..COUNT).collect(),
            sizes: None,
            time: Duration::from_secs(1),
            repeat: None,
            data: None,
            json: None,
            svg: None,
            markdown: None,
            targets: false,
            tiny: false,
            list: false,
            help: false,
        }
    }
}

impl Options {
    /// Reads the command line of this process.
    pub(crate) fn of_process() -> Result<Self, String> {
        let mut options = Self::parse(env::args_os())?;
        if options.data.is_none() {
            let folder = env::var_os("TYPED_POOL_DATA").filter(|folder| !folder.is_empty());
            options.data = folder.map(PathBuf::from);
        }
        Ok(options)
    }

    /// Reads a command line, the name of the program first.
    fn parse(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Self, String> {
        Self::parsed(lexopt::Parser::from_iter(arguments)).map_err(|error| error.to_string())
    }

    fn parsed(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Value(filter) => options.filters.push(filter.string()?),
                Long("contenders") => options.contenders = parser.value()?.parse_with(members)?,
                Long("sizes") => options.sizes = Some(parser.value()?.parse_with(sizes)?),
                Long("time") => options.time = parser.value()?.parse_with(seconds)?,
                Long("repeat") => options.repeat = Some(parser.value()?.parse_with(at_least_one)?),
                Long("data") => options.data = Some(parser.value()?.into()),
                Long("json") => options.json = Some(parser.value()?.into()),
                Long("svg") => options.svg = Some(parser.value()?.into()),
                Long("markdown") => options.markdown = Some(parser.value()?.into()),
                Long("targets") => options.targets = true,
                Long("tiny") => options.tiny = true,
                Long("list") => options.list = true,
                Short('h') | Long("help") => options.help = true,
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(options)
    }

    /// The command line of a process that measures the same rows, which have these `sizes`, and
    /// writes its figures to a file.
    pub(crate) fn of_child(&self, sizes: &BTreeSet<usize>, json: PathBuf) -> Vec<OsString> {
        let names: Vec<&str> =
            self.contenders.iter().map(|&index| contenders::ALL[index].name).collect();
        let time = self.time.as_secs_f64().to_string();
        let mut arguments: Vec<OsString> =
            ["--contenders", &names.join(","), "--time", &time].map(OsString::from).into();
        let mut option = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        option("--json", json.into());
        if let Some(data) = &self.data {
            option("--data", data.into());
        }
        let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
        option("--sizes", sizes.join(",").into());
        if self.tiny {
            arguments.push("--tiny".into());
        }
        arguments.push("--".into());
        arguments.extend(self.filters.iter().map(OsString::from));
        arguments
    }
}

/// Names of contenders with commas between them.
fn members(list: &str) -> Result<Vec<usize>, String> {
    let place = |name: &str| {
        let place = contenders::ALL.iter().position(|contender| contender.name == name);
        place.ok_or_else(|| format!("no contender is called {name:?}; --list shows all names"))
    };
    let mut places: Vec<usize> = list.split(',').map(place).collect::<Result<_, _>>()?;
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

/// Sizes in bytes with commas between them.
fn sizes(list: &str) -> Result<Vec<usize>, String> {
    list.split(',')
        .map(|size| size.parse().map_err(|_| format!("{size:?} is not a size in bytes")))
        .collect()
}

/// A number of seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// A number of processes.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("not a number from 1 on".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        Options::parse(["versus"].iter().chain(arguments))
    }

    #[test]
    fn nothing_asks_for_everything() {
        assert_eq!(parse(&[]), Ok(Options::default()));
    }

    #[test]
    fn options_and_filters_mix() {
        let arguments =
            ["pair", "--sizes", "32,64", "fill", "--contenders=slab,box", "--time", "0.5"];
        let expected = Options {
            filters: vec!["pair".into(), "fill".into()],
            contenders: members("box,slab").unwrap(),
            sizes: Some(vec![32, 64]),
            time: Duration::from_millis(500),
            ..Options::default()
        };
        assert_eq!(parse(&arguments), Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for arguments in [
            &["--what"][..],
            &["-x"],
            &["--time"],
            &["--time", "soon"],
            &["--time", "-1"],
            &["--repeat", "0"],
            &["--sizes", "big"],
            &["--contenders", "nobody"],
        ] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn a_child_measures_the_same() {
        let options = Options {
            filters: vec!["-odd".into(), "pair".into()],
            contenders: vec![0, 2],
            sizes: Some(vec![8]),
            time: Duration::from_millis(1250),
            data: Some("data".into()),
            tiny: true,
            ..Options::default()
        };
        let mut arguments = vec![OsString::from("versus")];
        arguments.extend(options.of_child(&BTreeSet::from([8]), "figures.json".into()));
        let expected = Options { json: Some("figures.json".into()), ..options };
        assert_eq!(Options::parse(arguments), Ok(expected));
    }
}
