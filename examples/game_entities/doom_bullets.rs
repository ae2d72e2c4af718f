//! Lines of words, as recorded from Doom demos and from the bullet patterns of a shooter. A level
//! line starts each world; after it come spawns, deaths and, in Doom, changes of target.

use crate::row::{BadLine, Fault, Row};
use crate::trace::{self, Action, Birth, Event, Handle, Kind, Trace};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Doom,
    Bullets,
}

pub(crate) fn parse(bytes: &[u8], dialect: Dialect) -> Result<Trace, BadLine> {
    let mut trace = Trace::default();
    for (line, data) in trace::data_lines(bytes) {
        let row = Row::of_words(data);
        let result = match dialect {
            Dialect::Doom => doom(&row, &mut trace),
            Dialect::Bullets => bullets(&row, &mut trace),
        };
        result.map_err(|fault| BadLine { line, fault })?;
    }
    if trace.levels.is_empty() {
        return Err(trace::ends_early(bytes, "the start of a level (an L line)"));
    }
    Ok(trace)
}

fn doom(row: &Row<'_>, trace: &mut Trace) -> Result<(), Fault> {
    let action = match row.bytes(0) {
        b"L" => {
            row.expect_columns("L tic wad demo map")?;
            for (column, name) in [(2, "wad"), (3, "demo"), (4, "map")] {
                row.word(column, name)?;
            }
            trace.begin(row.whole(1, "tic")?);
            return Ok(());
        }
        b"S" => {
            row.expect_columns("S tic id type x y z")?;
            let name = row.word(3, "type")?;
            let at = [row.coordinate(4, "x")?, row.coordinate(5, "y")?, row.coordinate(6, "z")?];
            let label = trace.label(doom_kind(name), name);
            Action::Spawn(Birth { label, owner: 0, at, ready: true, parent: None })
        }
        b"X" => {
            row.expect_columns("X tic id")?;
            Action::Die { at: None, killer: None }
        }
        b"G" => {
            row.expect_columns("G tic id target")?;
            Action::Aim(row.whole_or_none(3, "target")?.map(Handle::plain))
        }
        _ => return Err(row.fault(0, "op (L, S, X or G)".to_owned())),
    };
    let event = Event { handle: Handle::plain(row.whole(2, "id")?), action };
    trace.push(row.whole(1, "tic")?, event, row)
}

fn bullets(row: &Row<'_>, trace: &mut Trace) -> Result<(), Fault> {
    let action = match row.bytes(0) {
        b"L" => {
            row.expect_columns("L frame n file")?;
            row.whole(2, "n")?;
            row.word(3, "file")?;
            trace.begin(row.whole(1, "frame")?);
            return Ok(());
        }
        b"S" => {
            row.expect_columns("S frame id parent kind x y")?;
            let parent = row.whole_or_none(3, "parent")?.map(Handle::plain);
            let name = row.word(4, "kind")?;
            let at = [row.coordinate(5, "x")?, row.coordinate(6, "y")?, 0.0];
            let label = trace.label(bullet_kind(name), name);
            Action::Spawn(Birth { label, owner: 0, at, ready: true, parent })
        }
        b"X" => {
            row.expect_columns("X frame id why")?;
            row.word(3, "why")?;
            Action::Die { at: None, killer: None }
        }
        _ => return Err(row.fault(0, "op (L, S or X)".to_owned())),
    };
    let event = Event { handle: Handle::plain(row.whole(2, "id")?), action };
    trace.push(row.whole(1, "frame")?, event, row)
}

/// Sorts Doom's object types into kinds. There are no buildings.
fn doom_kind(name: &str) -> Kind {
    match name.strip_prefix("MT_").unwrap_or(name) {
        "PLAYER" | "POSSESSED" | "SHOTGUY" | "CHAINGUY" | "WOLFSS" | "TROOP" | "SERGEANT"
        | "SHADOWS" | "HEAD" | "SKULL" | "PAIN" | "KNIGHT" | "BRUISER" | "UNDEAD" | "FATSO"
        | "BABY" | "VILE" | "SPIDER" | "CYBORG" | "KEEN" => Kind::Unit,
        "PUFF" | "BLOOD" | "SMOKE" | "FIRE" | "TFOG" | "IFOG" | "ROCKET" | "PLASMA" | "BFG"
        | "EXTRABFG" | "ARACHPLAZ" | "TRACER" => Kind::Shot,
        name if name.ends_with("SHOT") => Kind::Shot,
        _ => Kind::Prop,
    }
}

/// An emitter stays in its place and fires; everything else flies.
fn bullet_kind(name: &str) -> Kind {
    if name == "E" { Kind::Unit } else { Kind::Shot }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dialect: Dialect, text: &[u8], line: usize, part: &str) {
        let bad = parse(text, dialect).unwrap_err();
        assert_eq!(bad.line, line, "{part}");
        assert!(bad.fault.to_string().contains(part), "{}", bad.fault);
    }

    #[test]
    fn a_demo_of_two_levels() {
        let text = b"# DMT1\r\nL 0 w d m\r\nS 0 1 MT_TROOP 1 -2 3\r\nG 2 1 -1\r\nX 4 1\r\n\r\n\
            L 9 w d m\r\nS 9 1 MT_BARREL 1 -2 3\r\nG 9 1 7";
        let trace = parse(text, Dialect::Doom).unwrap();
        assert_eq!(trace.levels.len(), 2);
        assert_eq!(trace.frames(), 5 + 1);
        let events = &trace.levels[0].events;
        assert!(matches!(&events[0].action, Action::Spawn(birth)
            if birth.at == [1.0, -2.0, 3.0] && birth.label.kind == Kind::Unit));
        assert!(matches!(events[1].action, Action::Aim(None)));
        let last = trace.levels[1].events.last().unwrap();
        assert!(matches!(last.action, Action::Aim(Some(target)) if target == Handle::plain(7)));
    }

    #[test]
    fn a_pattern_knows_its_parents() {
        let text = b"L 0 0 a.xml\nS 0 0 -1 E 1.5 2\nS 1 1 0 S 1.5 2\nX 2 1 O\n";
        let trace = parse(text, Dialect::Bullets).unwrap();
        let events = &trace.levels[0].events;
        assert!(matches!(&events[1].action, Action::Spawn(birth)
            if birth.parent == Some(Handle::plain(0)) && birth.label.kind == Kind::Shot));
    }

    #[test]
    fn bad_lines_of_a_demo_are_named() {
        for (line, part) in [
            (&b"S 0 1 MT_X 1 2"[..], "expected 7 columns `S tic id type x y z`, found 6 in `S 0"),
            (b"S 0 1 MT_X 1 2 3 4", "found 8 in"),
            (b"S 0 -1 MT_X 1 2 3", "expected id (a whole number below 2^32), found `-1`"),
            (b"S 0 4294967296 MT_X 1 2 3", "found `4294967296`"),
            (b"S 0 1 MT_\xff 1 2 3", "expected type (a word in UTF-8), found `MT_\\xff`"),
            (b"S 0 1 MT_X 1 y 3", "expected y (a number), found `y`"),
            (b"X zero 1", "expected tic"),
            (b"X 0 1 2", "expected 3 columns"),
            (b"G 0 1 -2", "or -1 for none), found `-2`"),
            (b"L 9 w d", "expected 5 columns"),
            (b"L -9 w d m", "expected tic"),
            (b"L 9 w \xff m", "expected demo"),
            (b"Q 0 1", "expected op (L, S, X or G), found `Q`"),
            (b"\x00\x01", "expected op"),
        ] {
            check(Dialect::Doom, &[b"L 0 w d m\n", line].concat(), 2, part);
        }
    }

    #[test]
    fn bad_lines_of_a_pattern_are_named() {
        for (line, part) in [
            (&b"S 0 1 0 S 1"[..], "expected 7 columns"),
            (b"S 0 1 x S 1 2", "expected parent"),
            (b"S 0 1 0 S nan 2", "expected x (a number), found `nan`"),
            (b"X 0 1", "expected 4 columns `X frame id why`, found 3 in `X 0 1`"),
            (b"X 99999999999 1 O", "expected frame"),
            (b"L 0 x f", "expected n"),
            (b"G 0 1 2", "expected op (L, S or X), found `G`"),
        ] {
            check(Dialect::Bullets, &[b"# c\r\nL 0 0 f\r\n\r\n", line].concat(), 4, part);
        }
    }

    #[test]
    fn a_level_comes_first_and_time_goes_on() {
        check(Dialect::Doom, b"X 0 1\n", 1, "expected the start of a level (an L line)");
        check(Dialect::Doom, b"L 5 w d m\nX 4 1\n", 2, "expected a frame not before 5, found 4");
        check(Dialect::Doom, b"# DMT1\n", 2, "found the end of the file");
    }
}
