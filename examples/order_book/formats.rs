//! Three published message formats, each read into the book's events.
//!
//! A file is one message a line. Its format is told by its header or, without one, by its number of
//! columns. Every line becomes exactly one event, so an event's index tells its line.

use std::path::Path;

use crate::book::{Event, Refused};
use crate::lines::{BadLine, Mismatch, lines, quote};
use crate::{bitstamp, cme, lobster};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Lobster,
    Cme,
    Bitstamp,
}

/// The names of the formats on a command line.
pub(crate) const NAMES: &[(&str, Format)] =
    &[("lobster", Format::Lobster), ("cme", Format::Cme), ("bitstamp", Format::Bitstamp)];

/// A file whose format is known and whose messages have not been read.
pub(crate) struct Opened<'f> {
    pub(crate) format: Format,
    /// The line of the first message.
    pub(crate) first_line: usize,
    bytes: &'f [u8],
}

impl Opened<'_> {
    /// Reads one message after the other.
    pub(crate) fn events(self, path: &Path) -> impl Iterator<Item = Result<Event, BadLine>> {
        let Self { format, first_line, bytes } = self;
        lines(bytes).zip(1..).skip(first_line - 1).map(move |(line, number)| {
            format.event(line).map_err(|mismatch| mismatch.at(path, number))
        })
    }
}

impl From<Refused> for Mismatch {
    fn from(refused: Refused) -> Self {
        Self::new(refused.expected(), refused.found())
    }
}

impl Format {
    fn header(self) -> Option<&'static str> {
        match self {
            Self::Lobster => None,
            Self::Cme => Some(cme::HEADER),
            Self::Bitstamp => Some(bitstamp::HEADER),
        }
    }

    fn is_header(self, line: &[u8]) -> bool {
        self.header().is_some_and(|header| header.as_bytes() == line)
    }

    fn detect(first: &[u8]) -> Result<Self, Mismatch> {
        if let Some(format) =
            [Self::Cme, Self::Bitstamp].into_iter().find(|format| format.is_header(first))
        {
            return Ok(format);
        }
        let starts_with_digit = first.first().is_some_and(u8::is_ascii_digit);
        match first.iter().filter(|&&byte| byte == b',').count() {
            5 if starts_with_digit => Ok(Self::Lobster),
            7 if starts_with_digit => Ok(Self::Cme),
            6 if starts_with_digit => Ok(Self::Bitstamp),
            _ => {
                let expected = "a CME or Bitstamp header, or a message of 6 (LOBSTER), 8 (CME) or \
                                7 (Bitstamp) columns";
                Err(Mismatch::new(expected, quote(first)))
            }
        }
    }

    fn event(self, line: &[u8]) -> Result<Event, Mismatch> {
        match self {
            Self::Lobster => lobster::event(line),
            Self::Cme => cme::event(line),
            Self::Bitstamp => bitstamp::event(line),
        }
    }
}

/// Finds the first message of a file, which is of the given format or of the one it looks like.
pub(crate) fn open<'f>(
    path: &Path,
    bytes: &'f [u8],
    format: Option<Format>,
) -> Result<Opened<'f>, BadLine> {
    let mut lines = lines(bytes);
    let missing = |line| {
        let mismatch = Mismatch::new("a message", "the end of the file".to_owned());
        mismatch.at(path, line)
    };
    let first = lines.next().ok_or_else(|| missing(1))?;
    let format = match format {
        Some(format) => format,
        None => Format::detect(first).map_err(|mismatch| mismatch.at(path, 1))?,
    };
    let first_line = if format.is_header(first) { 2 } else { 1 };
    if first_line == 2 && lines.next().is_none() {
        return Err(missing(2));
    }
    Ok(Opened { format, first_line, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{Book, Heap};

    /// The format, the line of the first message and all events.
    fn parsed(bytes: &[u8], format: Option<Format>) -> Result<(Format, usize, Vec<Event>), String> {
        let path = Path::new("in.csv");
        let read = || {
            let file = open(path, bytes, format)?;
            Ok((file.format, file.first_line, file.events(path).collect::<Result<_, _>>()?))
        };
        read().map_err(|error: BadLine| error.to_string())
    }

    fn error(format: Format, line: &[u8]) -> String {
        parsed(line, Some(format)).unwrap_err()
    }

    #[test]
    fn the_format_shows_in_the_header_or_in_the_number_of_columns() {
        let lobster = "34200.5,1,11,5,100000,1";
        let cme = "17,A,B,4800,2,11,0,1";
        let bitstamp = "11,17,18,236.47,5,created,bid";
        let with_header = |header, line, end| [header, end, line, end].concat();
        for (text, format, first_line) in [
            (lobster.to_owned(), Format::Lobster, 1),
            (cme.to_owned(), Format::Cme, 1),
            (bitstamp.to_owned(), Format::Bitstamp, 1),
            (with_header(cme::HEADER, cme, "\n"), Format::Cme, 2),
            (with_header(bitstamp::HEADER, bitstamp, "\r\n"), Format::Bitstamp, 2),
        ] {
            let (found, line, events) = parsed(text.as_bytes(), None).unwrap();
            assert_eq!((found, line, events.len()), (format, first_line, 1));
        }
        for text in ["a,b\n", "time,type,id,size,price,direction\n", "1,2\n", "\n", "\u{feff}1,1\n"]
        {
            let error = parsed(text.as_bytes(), None).unwrap_err();
            assert!(
                error.starts_with("in.csv:1: expected a CME or Bitstamp header, or"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_file_without_messages_is_an_error() {
        let end = "expected a message, found the end of the file";
        assert_eq!(parsed(b"", None).unwrap_err(), format!("in.csv:1: {end}"));
        assert_eq!(error(Format::Lobster, b""), format!("in.csv:1: {end}"));
        assert_eq!(parsed(cme::HEADER.as_bytes(), None).unwrap_err(), format!("in.csv:2: {end}"));
    }

    #[test]
    fn an_error_names_the_line() {
        let bad = error(Format::Lobster, b"1,1,1,5,100,1\r\n1,3,1,5,100,1\r\n\r\n");
        assert_eq!(bad, "in.csv:3: expected 6 columns, found an empty line");
        let text = [cme::HEADER, "9,A,B,25,3,7,40,6", "9,A,B,25,3,7,40"].join("\n");
        let bad = parsed(text.as_bytes(), None).unwrap_err();
        assert!(bad.starts_with("in.csv:3: expected 8 columns, found 7 in"), "{bad}");
        let bad = error(Format::Lobster, bitstamp::HEADER.as_bytes());
        assert!(bad.starts_with("in.csv:1: expected 6 columns, found 7 in"), "{bad}");
    }

    #[test]
    fn bytes_of_any_kind_make_an_error_and_no_panic() {
        let mut rng = fastrand::Rng::with_seed(1);
        let lines = ["1,1,11,5,100,1", "17,A,B,4800,2,11,0,1", "11,17,18,236.47,5,created,bid"];
        let odd = b"09,.-+\n\r\" \x00\x80\xff\xc3";
        for round in 0..30_000 {
            let mut bytes = lines[round % lines.len()].as_bytes().to_vec();
            for _ in 0..rng.usize(1..5) {
                let at = rng.usize(..bytes.len());
                bytes.splice(at..at + rng.usize(..2), [odd[rng.usize(..odd.len())]]);
            }
            for format in [None, Some(Format::Lobster), Some(Format::Cme), Some(Format::Bitstamp)] {
                if let Ok((_, _, events)) = parsed(&bytes, format) {
                    let mut book = Book::new(&Heap);
                    for event in events {
                        let _ = book.apply(event);
                    }
                }
            }
        }
    }
}
