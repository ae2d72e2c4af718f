//! The values of command-line options, with errors that name the option.

use std::ffi::OsString;
use std::fmt::Display;
use std::str::FromStr;

use lexopt::Parser;

/// Reads the value of the option just read.
pub(crate) fn value(args: &mut Parser) -> Result<OsString, String> {
    args.value().map_err(|error| error.to_string())
}

/// Reads one of the names in `all` and returns what it stands for.
pub(crate) fn choice<T: Copy>(
    args: &mut Parser,
    option: &str,
    all: &[(&str, T)],
) -> Result<T, String> {
    let value = value(args)?;
    if let Some(&(_, chosen)) = all.iter().find(|(name, _)| value == *name) {
        return Ok(chosen);
    }
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    Err(format!("{option}: expected one of {}, found {value:?}", names.join(", ")))
}

/// Reads a number from 1 to `most`.
pub(crate) fn count<T>(args: &mut Parser, option: &str, most: T) -> Result<T, String>
where
    T: Copy + FromStr + PartialOrd + From<u8> + Display,
{
    let expected = format!("a number from 1 to {most}");
    number(args, option, &expected, |count| (T::from(1)..=most).contains(count))
}

/// Reads any number of 64 bits.
pub(crate) fn any(args: &mut Parser, option: &str) -> Result<u64, String> {
    number(args, option, &format!("a number from 0 to {}", u64::MAX), |_| true)
}

/// Reads a number that `within` admits; `expected` describes it.
fn number<T: FromStr>(
    args: &mut Parser,
    option: &str,
    expected: &str,
    within: impl Fn(&T) -> bool,
) -> Result<T, String> {
    let value = value(args)?;
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(within);
    number.ok_or_else(|| format!("{option}: expected {expected}, found {value:?}"))
}
