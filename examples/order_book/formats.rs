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

/// The events of a source, and where they stand in it.
#[derive(Debug)]
pub(crate) struct Messages {
    pub(crate) events: Vec<Event>,
    /// The line of the first event.
    pub(crate) first_line: usize,
}

impl Messages {
    /// Says where in the source a refused event stands.
    pub(crate) fn refused(&self, path: &Path, index: usize, refused: Refused) -> BadLine {
        let mismatch = Mismatch::new(refused.expected(), refused.found());
        mismatch.at(path, self.first_line + index)
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

/// Reads a whole file, as the given format or as the one it looks like.
pub(crate) fn parse(
    path: &Path,
    bytes: &[u8],
    format: Option<Format>,
) -> Result<(Format, Messages), BadLine> {
    let mut lines = lines(bytes).zip(1..).peekable();
    let missing = || Mismatch::new("a message", "the end of the file".to_owned());
    let &(first, _) = lines.peek().ok_or_else(|| missing().at(path, 1))?;
    let format = match format {
        Some(format) => format,
        None => Format::detect(first).map_err(|mismatch| mismatch.at(path, 1))?,
    };
    if format.is_header(first) {
        lines.next();
    }
    let &(_, first_line) = lines.peek().ok_or_else(|| missing().at(path, 2))?;
    let events = lines
        .map(|(line, number)| format.event(line).map_err(|mismatch| mismatch.at(path, number)))
        .collect::<Result<_, _>>()?;
    Ok((format, Messages { events, first_line }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{Book, Heap};

    fn parsed(bytes: &[u8], format: Option<Format>) -> Result<(Format, Messages), String> {
        parse(Path::new("in.csv"), bytes, format).map_err(|error| error.to_string())
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
            let (found, messages) = parsed(text.as_bytes(), None).unwrap();
            assert_eq!((found, messages.first_line), (format, first_line));
            assert_eq!(messages.events.len(), 1);
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
                if let Ok((_, messages)) = parsed(&bytes, format) {
                    let mut book = Book::new(&Heap);
                    for event in messages.events {
                        let _ = book.apply(event);
                    }
                }
            }
        }
    }
}
