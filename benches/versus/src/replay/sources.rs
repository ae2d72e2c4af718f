//! Which recordings are replayed, and where they are.

use std::fs;
use std::path::{Path, PathBuf};

use super::program::Program;
use super::{cme, lobster, mtr};

/// A recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Orders of Apple in the first hour of a day: few alive at once.
    Aapl,
    /// Orders of Amazon in a day, at the best prices: many alive at once.
    Amzn,
    /// Orders of a future in a quiet night: many alive at once, often modified.
    Cme,
    /// Objects of 136 bytes in SQLite.
    Sqlite3,
    /// Objects of 56 bytes in the C++ compiler of GCC.
    Cc1plus,
    /// Objects of 16 bytes in the logic minimiser Espresso.
    Espresso,
}

impl Source {
    /// The name of its row.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aapl => "book_aapl",
            Self::Amzn => "book_amzn",
            Self::Cme => "book_cme",
            Self::Sqlite3 => "trace_sqlite3",
            Self::Cc1plus => "trace_cc1plus",
            Self::Espresso => "trace_espresso",
        }
    }

    /// Its file: the folder, and how its name begins and ends.
    fn place(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Aapl => ("lob", "AAPL", "message_50.csv"),
            Self::Amzn => ("lob", "AMZN", "message_1.csv"),
            Self::Cme => ("lob", "cme", ".csv"),
            Self::Sqlite3 => ("malloc", "sqlite3", ".mtr"),
            Self::Cc1plus => ("malloc", "cc1plus", ".mtr"),
            Self::Espresso => ("malloc", "espresso", ".mtr"),
        }
    }

    /// Its file in a folder of data, if it is there. Of several, the first by name.
    pub(crate) fn find(self, data: &Path) -> Option<PathBuf> {
        let (folder, begin, end) = self.place();
        let entries = fs::read_dir(data.join(folder)).ok()?;
        let named = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with(begin) && name.ends_with(end)
        };
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(named).min()
    }

    /// Its program, with values of `bytes` bytes.
    pub(crate) fn read(self, path: &Path, bytes: usize) -> Result<Program, String> {
        match self {
            Self::Aapl | Self::Amzn => lobster::read(path),
            Self::Cme => cme::read(path),
            Self::Sqlite3 | Self::Cc1plus | Self::Espresso => mtr::read(path, bytes),
        }
    }
}
