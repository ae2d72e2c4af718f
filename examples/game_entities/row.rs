//! One line of a trace, split into columns, and the errors of reading them.

use std::fmt;
use std::str;

/// What a line should have held, and what stood there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "expected {}, found {}", self.expected, self.found)
    }
}

/// A fault and the line it stands on, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadLine {
    pub(crate) line: usize,
    pub(crate) fault: Fault,
}

/// The columns of one line.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    columns: Vec<&'a [u8]>,
    separator: u8,
}

impl<'a> Row<'a> {
    /// Columns that stood between separators of the given kind.
    pub(crate) fn new(columns: impl Iterator<Item = &'a [u8]>, separator: u8) -> Self {
        Self { columns: columns.collect(), separator }
    }

    /// Columns between runs of white space.
    pub(crate) fn of_words(line: &'a [u8]) -> Self {
        let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        Self::new(words, b' ')
    }

    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The column's bytes, empty beyond the last column.
    pub(crate) fn bytes(&self, column: usize) -> &'a [u8] {
        self.columns.get(column).copied().unwrap_or_default()
    }

    /// Checks the number of columns against a list of their names.
    pub(crate) fn expect_columns(&self, names: &str) -> Result<(), Fault> {
        let wanted = names.split(char::from(self.separator)).count();
        if self.len() == wanted {
            return Ok(());
        }
        Err(Fault {
            expected: format!("{wanted} columns `{names}`"),
            found: format!("{} in {}", self.len(), self.quoted()),
        })
    }

    /// A column that holds a word.
    pub(crate) fn word(&self, column: usize, name: &str) -> Result<&'a str, Fault> {
        match str::from_utf8(self.bytes(column)) {
            Ok(word) if !word.is_empty() => Ok(word),
            _ => Err(self.fault(column, format!("{name} (a word in UTF-8)"))),
        }
    }

    /// A column that holds a whole number of 32 bits.
    pub(crate) fn whole(&self, column: usize, name: &str) -> Result<u32, Fault> {
        self.parsed(column)
            .ok_or_else(|| self.fault(column, format!("{name} (a whole number below 2^32)")))
    }

    /// A column that holds a whole number, or -1 for none.
    pub(crate) fn whole_or_none(&self, column: usize, name: &str) -> Result<Option<u32>, Fault> {
        if self.bytes(column) == b"-1" {
            return Ok(None);
        }
        self.parsed(column).map(Some).ok_or_else(|| {
            self.fault(column, format!("{name} (a whole number below 2^32, or -1 for none)"))
        })
    }

    /// A column that holds a place on the map. Infinity and NaN are no places.
    pub(crate) fn coordinate(&self, column: usize, name: &str) -> Result<f32, Fault> {
        self.parsed(column)
            .filter(|number: &f32| number.is_finite())
            .ok_or_else(|| self.fault(column, format!("{name} (a number)")))
    }

    /// The fault of a column that does not hold what it should.
    pub(crate) fn fault(&self, column: usize, expected: String) -> Fault {
        Fault { expected, found: quoted(self.bytes(column)) }
    }

    /// The columns with the separators between them.
    pub(crate) fn joined(&self) -> Vec<u8> {
        self.columns.join(&self.separator)
    }

    /// The whole row, fit for a message.
    pub(crate) fn quoted(&self) -> String {
        quoted(&self.joined())
    }

    fn parsed<N: str::FromStr>(&self, column: usize) -> Option<N> {
        str::from_utf8(self.bytes(column)).ok()?.parse().ok()
    }
}

/// Quotes bytes for a message: on one line, of bounded length, without control characters.
fn quoted(bytes: &[u8]) -> String {
    const LONGEST: usize = 60;
    let escaped: String = match str::from_utf8(bytes) {
        Ok(text) => text.chars().take(LONGEST + 1).flat_map(char::escape_debug).collect(),
        Err(_) => bytes[..bytes.len().min(LONGEST + 1)].escape_ascii().to_string(),
    };
    match escaped.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &escaped[..end]),
        None => format!("`{escaped}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_between_runs_of_white_space() {
        let row = Row::of_words(b"S  12\tMT_X \r");
        assert_eq!(row.len(), 3);
        assert_eq!(row.whole(1, "tic"), Ok(12));
        assert_eq!(row.word(2, "type"), Ok("MT_X"));
        assert_eq!(row.expect_columns("S tic type"), Ok(()));
        let fault = row.expect_columns("S tic").unwrap_err();
        assert_eq!(fault.to_string(), "expected 2 columns `S tic`, found 3 in `S 12 MT_X`");
    }

    #[test]
    fn numbers_have_to_fit() {
        let row = Row::of_words(b"4294967295 4294967296 -1 1e39 nan -0.5 x");
        assert_eq!(row.whole(0, "id"), Ok(u32::MAX));
        let fault = row.whole(1, "id").unwrap_err();
        assert_eq!(
            fault.to_string(),
            "expected id (a whole number below 2^32), found `4294967296`"
        );
        assert!(row.whole(2, "id").is_err());
        assert_eq!(row.whole_or_none(2, "target"), Ok(None));
        assert!(row.whole_or_none(6, "target").is_err());
        assert!(row.coordinate(3, "x").is_err());
        assert!(row.coordinate(4, "x").is_err());
        assert_eq!(row.coordinate(5, "x"), Ok(-0.5));
        assert!(row.coordinate(99, "x").is_err());
    }

    #[test]
    fn any_bytes_are_quoted_short_and_printable() {
        assert_eq!(quoted(b"a\x1b\xffb"), "`a\\x1b\\xffb`");
        assert_eq!(quoted("ä\u{1b}".as_bytes()), "`ä\\u{1b}`");
        assert_eq!(quoted(&[b'x'; 60]).chars().count(), 62);
        assert_eq!(quoted(&[b'x'; 61]).chars().count(), 63);
        assert_eq!(quoted(&[0xff; 1000]).chars().count(), 63);
        assert!(Row::of_words(b"\xff").word(0, "type").is_err());
    }
}
