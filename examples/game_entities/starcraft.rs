//! Life cycles of StarCraft II units: CSV, with or without a first column that numbers the games.

use csv::{ByteRecord, ReaderBuilder};

use crate::row::{BadLine, Fault, Row};
use crate::trace::{self, Action, Birth, Event, Handle, Kind, Place, Trace};

const COLUMNS: &str = "frame,op,slot,gen,type,owner,x,y,killer_slot,killer_gen";
const COLUMNS_OF_MANY: &str = "game,frame,op,slot,gen,type,owner,x,y,killer_slot,killer_gen";

pub(crate) fn is_header(line: &[u8]) -> bool {
    line == COLUMNS.as_bytes() || line == COLUMNS_OF_MANY.as_bytes()
}

/// Reads a trace. The rows of one game stand together, and games come in rising order.
pub(crate) fn parse(bytes: &[u8]) -> Result<Trace, BadLine> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .from_reader(bytes);
    let mut record = ByteRecord::new();
    let mut games: Option<Games> = None;
    let mut trace = Trace::default();
    loop {
        let at = reader.position().byte();
        let result = match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let row = Row::new(record.iter(), b',');
                match &mut games {
                    None => header(&row).map(|found| games = Some(found)),
                    Some(games) => games.read(&row, &mut trace),
                }
            }
            Err(error) => Err(Fault { expected: "a CSV row".to_owned(), found: error.to_string() }),
        };
        result.map_err(|fault| BadLine { line: line_of_record(bytes, at), fault })?;
    }
    match games {
        Some(_) => Ok(trace),
        None => Err(trace::ends_early(bytes, &expected_header())),
    }
}

fn expected_header() -> String {
    format!("the header `{COLUMNS}`, with or without a first column `game`")
}

fn header(row: &Row<'_>) -> Result<Games, Fault> {
    let line = row.joined();
    if !is_header(&line) {
        return Err(Fault { expected: expected_header(), found: row.quoted() });
    }
    Ok(Games { numbered: line == COLUMNS_OF_MANY.as_bytes(), current: None })
}

/// The line of the record that is read from byte `at` on. The reader's own count stands at the
/// end of the record before, which leaves out the blank lines and comments in between.
fn line_of_record(bytes: &[u8], at: u64) -> usize {
    let mut at = usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\r' | b'\n' => at += 1,
            b'#' => at += bytes[at..].iter().take_while(|byte| **byte != b'\n').count(),
            _ => break,
        }
    }
    1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count()
}

/// What the rows so far say about those to come.
struct Games {
    /// Whether there is a first column with the number of the game.
    numbered: bool,
    current: Option<u32>,
}

impl Games {
    fn read(&mut self, row: &Row<'_>, trace: &mut Trace) -> Result<(), Fault> {
        row.expect_columns(if self.numbered { COLUMNS_OF_MANY } else { COLUMNS })?;
        let skip = usize::from(self.numbered);
        let game = if self.numbered { row.whole(0, "game")? } else { 0 };
        let frame = row.whole(skip, "frame")?;
        let event = event(row, skip, trace)?;
        match self.current {
            Some(current) if game < current => {
                return Err(row.fault(0, format!("a game not before {current}")));
            }
            Some(current) if game == current => {}
            _ => trace.begin(frame),
        }
        self.current = Some(game);
        trace.push(frame, event, row)
    }
}

/// Reads a row from its frame on. A column may be empty where the op has no use for it, but
/// whatever stands in it has to be of the right kind.
fn event(row: &Row<'_>, skip: usize, trace: &mut Trace) -> Result<Event, Fault> {
    let [op, slot, generation, name, owner, x, y, killer_slot, killer_gen] =
        [1, 2, 3, 4, 5, 6, 7, 8, 9].map(|column| column + skip);
    let handle =
        Handle { slot: row.whole(slot, "slot")?, generation: row.whole(generation, "gen")? };
    let place = || Ok([row.coordinate(x, "x")?, row.coordinate(y, "y")?, 0.0]);
    let optional = |columns: &[usize]| columns.iter().any(|c| !row.bytes(*c).is_empty());
    let at: Option<Place> = optional(&[x, y]).then(place).transpose()?;
    let killer = optional(&[killer_slot, killer_gen])
        .then(|| {
            let slot = row.whole(killer_slot, "killer_slot")?;
            Ok(Handle { slot, generation: row.whole(killer_gen, "killer_gen")? })
        })
        .transpose()?;
    if optional(&[owner]) {
        row.whole(owner, "owner")?;
    }
    if optional(&[name]) {
        row.word(name, "type")?;
    }
    let mut label = || row.word(name, "type").map(|name| trace.label(kind_of(name), name));
    let action = match row.bytes(op) {
        op @ (b"B" | b"I") => Action::Spawn(Birth {
            label: label()?,
            owner: row.whole(owner, "owner")?,
            at: place()?,
            ready: op == b"B",
            parent: None,
        }),
        b"X" => Action::Die { at, killer },
        b"D" => Action::Finish,
        b"T" => Action::Retype(label()?),
        b"O" => Action::Reown(row.whole(owner, "owner")?),
        _ => return Err(row.fault(op, "op (B, I, D, T, O or X)".to_owned())),
    };
    Ok(Event { handle, action })
}

/// Sorts the game's unit types into kinds. A building that has taken off or walks is a unit until
/// it settles again, so some entities change their kind.
fn kind_of(name: &str) -> Kind {
    const PROPS: [&str; 7] = [
        "MineralField",
        "Geyser",
        "Destructible",
        "Collapsible",
        "Unbuildable",
        "XelNaga",
        "Debris",
    ];
    if name.ends_with("Flying") || name.ends_with("Uprooted") {
        Kind::Unit
    } else if BUILDINGS.iter().any(|building| name.starts_with(building)) {
        Kind::Building
    } else if PROPS.iter().any(|prop| name.contains(prop)) || name.starts_with("Beacon") {
        Kind::Prop
    } else {
        Kind::Unit
    }
}

/// How the names of buildings begin.
#[rustfmt::skip]
const BUILDINGS: [&str; 50] = [
    "Armory", "Assimilator", "BanelingNest", "Barracks", "Bunker", "CommandCenter", "CreepTumor",
    "CyberneticsCore", "DarkShrine", "EngineeringBay", "EvolutionChamber", "Extractor", "Factory",
    "FleetBeacon", "Forge", "FusionCore", "Gateway", "GhostAcademy", "GreaterSpire", "Hatchery",
    "Hive", "HydraliskDen", "InfestationPit", "Lair", "LurkerDen", "MissileTurret", "Nexus",
    "NydusNetwork", "OrbitalCommand", "PhotonCannon", "PlanetaryFortress", "Pylon", "Reactor",
    "Refinery", "RoachWarren", "Robotics", "SensorTower", "ShieldBattery", "SpawningPool",
    "SpineCrawler", "Spire", "SporeCrawler", "Stargate", "Starport", "SupplyDepot", "TechLab",
    "TemplarArchive", "TwilightCouncil", "UltraliskCavern", "WarpGate",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(rows: &str) -> (usize, String) {
        let bad = parse(format!("{COLUMNS}\n{rows}").as_bytes()).unwrap_err();
        (bad.line, bad.fault.to_string())
    }

    #[test]
    fn a_game_of_every_op() {
        let rows = "0,B,1,1,Probe,1,2,3,,\r\n0,I,2,1,Pylon,1,4.5,5,,\r\n9,D,2,1,,,,,,\r\n\
            9,O,2,1,,2,,,,\r\n9,T,2,1,Gateway,,,,,\r\n12,X,1,1,,,6,7,2,1\r\n";
        let trace = parse(format!("# c\r\n{COLUMNS}\r\n{rows}").as_bytes()).unwrap();
        assert_eq!(trace.frames(), 13);
        let events = &trace.levels[0].events;
        assert_eq!(events.len(), 6);
        assert!(matches!(&events[0].action, Action::Spawn(birth) if birth.ready));
        assert!(matches!(&events[1].action, Action::Spawn(birth)
            if !birth.ready && birth.label.kind == Kind::Building && birth.at == [4.5, 5.0, 0.0]));
        assert!(matches!(events[3].action, Action::Reown(2)));
        assert!(matches!(&events[4].action, Action::Retype(label) if &*label.name == "Gateway"));
        assert!(matches!(events[5].action, Action::Die { at: Some(_), killer: Some(_) }));
    }

    #[test]
    fn the_game_column_parts_worlds_and_only_grows() {
        let rows = "3,7,B,1,1,Probe,1,2,3,,\n3,8,X,1,1,,,,,,\n5,0,B,1,1,Probe,1,2,3,,\n";
        let trace = parse(format!("{COLUMNS_OF_MANY}\n{rows}").as_bytes()).unwrap();
        assert_eq!(trace.levels.len(), 2);
        assert_eq!(trace.frames(), 3);
        let back = format!("{COLUMNS_OF_MANY}\n{rows}4,0,D,1,1,,,,,,\n");
        let bad = parse(back.as_bytes()).unwrap_err();
        assert_eq!(bad.line, 5);
        assert_eq!(bad.fault.to_string(), "expected a game not before 5, found `4`");
    }

    #[test]
    fn bad_rows_are_named() {
        for (row, part) in [
            ("0,B,1", "expected 10 columns `frame,"),
            ("0,B,1,1,Probe,1,2,3,,,", "found 11 in `0,B,1,"),
            ("0,Q,1,1,Probe,1,2,3,,", "expected op (B, I, D, T, O or X), found `Q`"),
            ("0,,1,1,Probe,1,2,3,,", "found ``"),
            ("-1,B,1,1,Probe,1,2,3,,", "expected frame (a whole number below 2^32), found `-1`"),
            ("4294967296,B,1,1,Probe,1,2,3,,", "found `4294967296`"),
            ("0,B,x,1,Probe,1,2,3,,", "expected slot"),
            ("0,B,1,99999999999999999999,Probe,1,2,3,,", "expected gen"),
            ("0,B,1,1,,1,2,3,,", "expected type"),
            ("0,B,1,1,Probe,,2,3,,", "expected owner"),
            ("0,B,1,1,Probe,1,,,,", "expected x"),
            ("0,B,1,1,Probe,1,2,inf,,", "expected y (a number), found `inf`"),
            ("0,T,1,1,,,,,,", "expected type"),
            ("0,O,1,1,,,,,,", "expected owner"),
            ("0,D,1,1,,many,,,,", "expected owner"),
            ("0,X,1,1,,,5,,,", "expected y"),
            ("0,X,1,1,,,,,3,", "expected killer_gen"),
            ("\"0,B,1,1,Probe\n,1,2,3,,", "expected 10 columns"),
        ] {
            let (line, fault) = bad(row);
            assert_eq!(line, 2, "{row}");
            assert!(fault.contains(part), "{row}: {fault}");
        }
    }

    #[test]
    fn lines_are_counted_over_comments_blanks_and_both_line_ends() {
        let good = "0,B,1,1,Probe,1,2,3,,";
        let (line, _) = bad(&format!("{good}\r\n\r\n# c\n\n{good}\r\nnonsense\r\n"));
        assert_eq!(line, 7);
        let (line, fault) = bad(&format!("{good}\r\n4,X,1,1,,,,,,\r\n3,X,1,1,,,,,,\r\n"));
        assert_eq!(line, 4);
        assert!(fault.contains("expected a frame not before 4, found 3 in `3,X"), "{fault}");
    }

    #[test]
    fn a_header_is_needed() {
        let bad = parse(b"# c\n0,B,1,1,Probe,1,2,3,,\n").unwrap_err();
        assert_eq!(bad.line, 2);
        assert!(bad.fault.expected.starts_with("the header"));
        assert_eq!(parse(b"# c\n").unwrap_err().line, 2);
        assert_eq!(parse(format!("{COLUMNS}\n").as_bytes()).unwrap().frames(), 0);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_refused() {
        let bytes = [COLUMNS.as_bytes(), b"\n0,B,1,1,Pro\xffbe,1,2,3,,\n"].concat();
        let bad = parse(&bytes).unwrap_err();
        assert_eq!(bad.line, 2);
        assert_eq!(bad.fault.found, "`Pro\\xffbe`");
    }

    #[test]
    fn kinds_follow_the_names() {
        assert_eq!(kind_of("Barracks"), Kind::Building);
        assert_eq!(kind_of("BarracksFlying"), Kind::Unit);
        assert_eq!(kind_of("FleetBeacon"), Kind::Building);
        assert_eq!(kind_of("RichMineralField750"), Kind::Prop);
        assert_eq!(kind_of("SomethingNew"), Kind::Unit);
    }
}
