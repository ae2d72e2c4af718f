//! A recorded game as a list of typed events, whatever format it comes in.

use std::collections::HashSet;
use std::rc::Rc;

use crate::doom_bullets::{self, Dialect};
use crate::row::{BadLine, Fault, Row};
use crate::starcraft;

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Starcraft,
    Doom,
    Bullets,
}

/// The recorded engine's own name for an entity. Formats with plain ids leave the generation at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Handle {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl Handle {
    pub(crate) const fn plain(id: u32) -> Self {
        Self { slot: id, generation: 0 }
    }
}

/// The kinds of entities. Each has a Rust type and a pool of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What moves and fights.
    Unit,
    /// What is built and stays where it is.
    Building,
    /// What lies around: minerals, rocks, items.
    Prop,
    /// What flies and is short-lived: missiles, bullets, puffs of smoke.
    Shot,
}

/// The game's name for a type of entity, and the kind that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) kind: Kind,
    pub(crate) name: Rc<str>,
}

pub(crate) type Place = [f32; 3];

#[derive(Debug)]
pub(crate) struct Birth {
    pub(crate) label: Label,
    pub(crate) owner: u32,
    pub(crate) at: Place,
    /// False for what still has to be built.
    pub(crate) ready: bool,
    pub(crate) parent: Option<Handle>,
}

/// What happens to an entity.
#[derive(Debug)]
pub(crate) enum Action {
    Spawn(Birth),
    Die { at: Option<Place>, killer: Option<Handle> },
    Finish,
    Retype(Label),
    Reown(u32),
    Aim(Option<Handle>),
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) handle: Handle,
    pub(crate) action: Action,
}

/// The events of one world, from its start until everything in it is dropped.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) events: Vec<Event>,
    first_frame: u32,
    last_frame: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) levels: Vec<Level>,
    names: HashSet<Rc<str>>,
}

impl Trace {
    /// Reads a trace, in the given format or the one its first lines show.
    pub(crate) fn parse(bytes: &[u8], format: Option<Format>) -> Result<Self, BadLine> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let format = match format {
            Some(format) => format,
            None => detect(bytes)?,
        };
        match format {
            Format::Starcraft => starcraft::parse(bytes),
            Format::Doom => doom_bullets::parse(bytes, Dialect::Doom),
            Format::Bullets => doom_bullets::parse(bytes, Dialect::Bullets),
        }
    }

    /// The frames that the worlds cover, each from its first event to its last.
    pub(crate) fn frames(&self) -> u64 {
        let frames = |level: &Level| u64::from(level.last_frame - level.first_frame) + 1;
        self.levels.iter().map(frames).sum()
    }

    /// Starts the next world.
    pub(crate) fn begin(&mut self, frame: u32) {
        self.levels.push(Level { events: Vec::new(), first_frame: frame, last_frame: frame });
    }

    /// Adds an event to the current world. Within a world time does not run backwards.
    pub(crate) fn push(&mut self, frame: u32, event: Event, row: &Row<'_>) -> Result<(), Fault> {
        let Some(level) = self.levels.last_mut() else {
            let expected = "the start of a level (an L line) before anything else".to_owned();
            return Err(Fault { expected, found: row.quoted() });
        };
        if frame < level.last_frame {
            let expected = format!("a frame not before {}", level.last_frame);
            return Err(Fault { expected, found: format!("{frame} in {}", row.quoted()) });
        }
        level.last_frame = frame;
        level.events.push(event);
        Ok(())
    }

    /// Labels a type of entity. All entities of a type share one copy of its name.
    pub(crate) fn label(&mut self, kind: Kind, name: &str) -> Label {
        let name = match self.names.get(name) {
            Some(known) => Rc::clone(known),
            None => {
                let new: Rc<str> = name.into();
                self.names.insert(Rc::clone(&new));
                new
            }
        };
        Label { kind, name }
    }
}

/// The lines that hold data, numbered from 1: neither blank nor a comment.
pub(crate) fn data_lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let numbered = (1..).zip(bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
}

/// The fault of a file that ends before it held anything.
pub(crate) fn ends_early(bytes: &[u8], expected: &str) -> BadLine {
    let line = bytes.split(|byte| *byte == b'\n').count();
    let fault = Fault { expected: expected.to_owned(), found: "the end of the file".to_owned() };
    BadLine { line, fault }
}

/// Tells the format by the comment that opens the file or else by the first line of data.
fn detect(bytes: &[u8]) -> Result<Format, BadLine> {
    const EXPECTED: &str = "the header of a StarCraft II trace or the first L line of a Doom \
        or bullet trace (--format overrides the detection)";
    if bytes.starts_with(b"# DMT1") {
        return Ok(Format::Doom);
    }
    if bytes.starts_with(b"# BMLT1") {
        return Ok(Format::Bullets);
    }
    let Some((line, data)) = data_lines(bytes).next() else {
        return Err(ends_early(bytes, EXPECTED));
    };
    if starcraft::is_header(data) {
        return Ok(Format::Starcraft);
    }
    let row = Row::of_words(data);
    match (row.bytes(0), row.len()) {
        (b"L", 5) => Ok(Format::Doom),
        (b"L", 4) => Ok(Format::Bullets),
        _ => {
            let fault = Fault { expected: EXPECTED.to_owned(), found: row.quoted() };
            Err(BadLine { line, fault })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_show_the_format() {
        for (text, format) in [
            (&b"# DMT1 x\nX"[..], Format::Doom),
            (b"# BMLT1\r\n", Format::Bullets),
            (b"# c\r\n\r\nL 0 wad d m\r\n", Format::Doom),
            (b"L 0 0 name.xml", Format::Bullets),
            (b"frame,op,slot,gen,type,owner,x,y,killer_slot,killer_gen", Format::Starcraft),
            (
                b"# c\ngame,frame,op,slot,gen,type,owner,x,y,killer_slot,killer_gen\r\n",
                Format::Starcraft,
            ),
        ] {
            assert_eq!(detect(text), Ok(format));
        }
    }

    #[test]
    fn what_is_no_trace_is_refused_with_its_line() {
        for (text, line, found) in [
            (&b""[..], 1, "the end of the file"),
            (b"# only\n# comments\n", 3, "the end of the file"),
            (b"\n\nhello world\n", 3, "`hello world`"),
            (b"\xff\xfe\x00\n", 1, "`\\xff\\xfe\\x00`"),
        ] {
            let bad = Trace::parse(text, None).unwrap_err();
            assert_eq!((bad.line, bad.fault.found.as_str()), (line, found));
        }
    }

    #[test]
    fn an_empty_file_is_no_trace_of_any_format() {
        for format in [Format::Starcraft, Format::Doom, Format::Bullets] {
            assert_eq!(Trace::parse(b"", Some(format)).unwrap_err().line, 1);
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        assert!(Trace::parse(b"\xef\xbb\xbfL 0 0 a.xml\n", None).is_ok());
    }

    #[test]
    fn worlds_cover_their_first_frame_to_their_last() {
        let trace =
            Trace::parse(b"L 5 0 a\nS 9 0 -1 E 0 0\nL 4294967295 1 b\nL 0 2 c\n", None).unwrap();
        assert_eq!(trace.frames(), 5 + 1 + 1);
    }
}
