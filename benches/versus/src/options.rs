//! The command line.

use std::ffi::OsString;
use std::time::Duration;

use lexopt::prelude::*;

use crate::contenders;

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// Parts of the names of rows; a row is in where one of them matches, or where there are none.
    pub(crate) filters: Vec<String>,
    /// Which contenders take part, by their place in [`contenders::ALL`].
    pub(crate) contenders: Vec<usize>,
    /// Which sizes of values, in bytes; all of them where nothing is said.
    pub(crate) sizes: Option<Vec<usize>>,
    /// How long a row takes.
    pub(crate) time: Duration,
    /// Whether counts and times are made so small that figures mean nothing.
    pub(crate) tiny: bool,
    pub(crate) list: bool,
    pub(crate) help: bool,
}

/// Reads the command line, the name of the program first.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Options, String> {
    parsed(lexopt::Parser::from_iter(arguments)).map_err(|error| error.to_string())
}

fn parsed(mut parser: lexopt::Parser) -> Result<Options, lexopt::Error> {
    let mut options = Options {
        filters: Vec::new(),
        contenders: (0..contenders::COUNT).collect(),
        sizes: None,
        time: Duration::from_secs(1),
        tiny: false,
        list: false,
        help: false,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Value(filter) => options.filters.push(filter.string()?),
            Long("contenders") => {
                options.contenders = parser.value()?.parse_with(contender_list)?
            }
            Long("sizes") => options.sizes = Some(parser.value()?.parse_with(size_list)?),
            Long("time") => options.time = parser.value()?.parse_with(seconds)?,
            Long("tiny") => options.tiny = true,
            Long("list") => options.list = true,
            Short('h') | Long("help") => options.help = true,
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(options)
}

/// Names of contenders with commas between them.
fn contender_list(list: &str) -> Result<Vec<usize>, String> {
    list.split(',')
        .map(|name| {
            let position = contenders::ALL.iter().position(|contender| contender.name == name);
            position.ok_or_else(|| format!("no contender is called {name:?}"))
        })
        .collect()
}

/// Sizes in bytes with commas between them.
fn size_list(list: &str) -> Result<Vec<usize>, String> {
    list.split(',')
        .map(|size| size.parse().map_err(|_| format!("{size:?} is not a size in bytes")))
        .collect()
}

/// A number of seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
