//! Lines of text and their fields, and the error that says what is wrong where.
//!
//! None of the formats quotes a field, so a line is split at its separators and nothing else. A
//! line may end in CRLF.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// How much of a bad field or line an error quotes.
const QUOTED_BYTES: usize = 40;

/// A line that is not what its format demands.
#[derive(Debug)]
pub(crate) struct BadLine {
    pub(crate) path: PathBuf,
    pub(crate) line: usize,
    pub(crate) mismatch: Mismatch,
}

/// What a line or field should be, and what it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) expected: Cow<'static, str>,
    pub(crate) found: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch { expected, found } = &self.mismatch;
        write!(f, "{}:{}: expected {expected}, found {found}", self.path.display(), self.line)
    }
}

impl Mismatch {
    pub(crate) fn new(expected: impl Into<Cow<'static, str>>, found: String) -> Self {
        Self { expected: expected.into(), found }
    }

    pub(crate) fn at(self, path: &Path, line: usize) -> BadLine {
        BadLine { path: path.to_owned(), line, mismatch: self }
    }
}

/// The lines of a file without their ends. A line end at the end of the file starts no new line.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

/// Splits a line at every `separator`, into exactly `N` fields.
pub(crate) fn fields<const N: usize>(line: &[u8], separator: u8) -> Result<[&[u8]; N], Mismatch> {
    let mut fields = [&line[..0]; N];
    let mut count = 0;
    for field in line.split(|&byte| byte == separator) {
        if let Some(place) = fields.get_mut(count) {
            *place = field;
        }
        count += 1;
    }
    if count == N {
        Ok(fields)
    } else if line.is_empty() {
        Err(Mismatch::new(format!("{N} columns"), "an empty line".to_owned()))
    } else {
        Err(Mismatch::new(format!("{N} columns"), format!("{count} in {}", quote(line))))
    }
}

/// Reads a whole number of type `T`; `expected` describes it.
pub(crate) fn number<T: FromStr>(field: &[u8], expected: &'static str) -> Result<T, Mismatch> {
    let text = std::str::from_utf8(field).ok();
    text.and_then(|text| text.parse().ok()).ok_or_else(|| Mismatch::new(expected, quote(field)))
}

/// Quotes bytes from a file so that they stay on one line, whatever they are.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let (shown, rest) = bytes.split_at(bytes.len().min(QUOTED_BYTES));
    let more = if rest.is_empty() { "" } else { "…" };
    format!("\"{}{more}\"", shown.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_may_be_lf_or_crlf_and_the_last_may_be_missing() {
        let all: Vec<&[u8]> = lines(b"a\r\nb\n\nc").collect();
        assert_eq!(all, [&b"a"[..], b"b", b"", b"c"]);
        assert_eq!(lines(b"a\n").count(), 1);
        assert_eq!(lines(b"").count(), 0);
    }

    #[test]
    fn a_wrong_number_of_columns_is_named() {
        assert_eq!(fields::<2>(b"a,b", b','), Ok([&b"a"[..], b"b"]));
        assert_eq!(fields::<3>(b"f 0 1,5", b' '), Ok([&b"f"[..], b"0", b"1,5"]));
        let found = |line| fields::<2>(line, b',').unwrap_err().found;
        assert_eq!(found(b"a"), "1 in \"a\"");
        assert_eq!(found(b"a,b,"), "3 in \"a,b,\"");
        assert_eq!(found(b""), "an empty line");
    }

    #[test]
    fn numbers_that_do_not_fit_or_are_none_are_errors() {
        assert_eq!(number::<i64>(b"-9223372036854775808", "a price"), Ok(i64::MIN));
        for field in [&b""[..], b"1.5", b" 1", b"9223372036854775808", b"\xff\xfe", b"0x1"] {
            assert!(number::<i64>(field, "a price").is_err(), "{field:?}");
        }
    }

    #[test]
    fn what_an_error_quotes_is_short_and_printable() {
        assert_eq!(quote(b"a\xff\n"), "\"a\\xff\\n\"");
        assert_eq!(quote(&[b'x'; 1000]).chars().count(), QUOTED_BYTES + 3);
    }
}
