//! Where the feed has its events from.

use std::path::{Path, PathBuf};

use crate::book::{Event, Refused};
use crate::flow;
use crate::formats::{self, Format};
use crate::input;
use crate::lines::{BadLine, Mismatch, lines};

/// A source that can be read any number of times.
#[derive(Debug)]
pub(crate) enum Source {
    /// The built-in flow, drawn beforehand: it needs a book of its own to be drawn.
    Flow(Vec<Event>),
    /// A file in memory. Its lines are parsed each time they are read.
    File { path: PathBuf, bytes: Vec<u8>, format: Format, first_line: usize },
}

impl Source {
    pub(crate) fn flow(events: usize, seed: u64) -> Self {
        Self::Flow(flow::generate(events, seed, flow::RESTING))
    }

    /// Reads a file into memory and finds its format and its first message.
    pub(crate) fn file(path: &Path, format: Option<Format>) -> Result<Self, String> {
        Self::bytes(path, input::read(path)?, format).map_err(|error| error.to_string())
    }

    /// The content of a file that is called `path`.
    pub(crate) fn bytes(
        path: &Path,
        bytes: Vec<u8>,
        format: Option<Format>,
    ) -> Result<Self, BadLine> {
        let formats::Opened { format, first_line, .. } = formats::open(path, &bytes, format)?;
        Ok(Self::File { path: path.to_owned(), bytes, format, first_line })
    }

    /// The number of events, bad lines included.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Flow(events) => events.len(),
            Self::File { bytes, first_line, .. } => lines(bytes).count() + 1 - first_line,
        }
    }

    /// The line of the first event.
    pub(crate) fn first_line(&self) -> usize {
        match self {
            Self::Flow(_) => 1,
            Self::File { first_line, .. } => *first_line,
        }
    }

    /// Reads the events from the start.
    pub(crate) fn events(
        &self,
    ) -> Result<Box<dyn Iterator<Item = Result<Event, BadLine>> + '_>, BadLine> {
        Ok(match self {
            Self::Flow(events) => Box::new(events.iter().copied().map(Ok)),
            Self::File { path, bytes, format, .. } => {
                Box::new(formats::open(path, bytes, Some(*format))?.events(path))
            }
        })
    }

    /// Says where a refused event stands.
    pub(crate) fn refused(&self, line: usize, refused: Refused) -> BadLine {
        let path = match self {
            Self::Flow(_) => Path::new("(built-in flow)"),
            Self::File { path, .. } => path,
        };
        Mismatch::from(refused).at(path, line)
    }
}
