//! A source's events, read in full before they are used.

use std::path::Path;

use crate::book::{Event, Refused};
use crate::formats::{self, Format};
use crate::lines::{BadLine, Mismatch};

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
        Mismatch::from(refused).at(path, self.first_line + index)
    }
}

/// Reads a whole file, as the given format or as the one it looks like.
pub(crate) fn parse(
    path: &Path,
    bytes: &[u8],
    format: Option<Format>,
) -> Result<(Format, Messages), BadLine> {
    let file = formats::open(path, bytes, format)?;
    let (format, first_line) = (file.format, file.first_line);
    let events = file.events(path).collect::<Result<_, _>>()?;
    Ok((format, Messages { events, first_line }))
}
