//! The golden counts: what was counted when they were last written, by version of rustc.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::Command;
use std::{env, fs};

/// How far a count may be above its golden one.
pub(crate) const TOLERANCE: u64 = 2;

/// Where they lie.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions/golden.csv");

/// Counts by version of rustc and name of the case.
#[derive(Debug, Default)]
pub(crate) struct Golden(BTreeMap<(String, String), u64>);

impl Golden {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// Where it is missing or malformed.
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let mut counts = BTreeMap::new();
        for line in csv::Reader::from_path(FILE)?.deserialize() {
            let (compiler, case, count) = line?;
            counts.insert((compiler, case), count);
        }
        Ok(Self(counts))
    }

    /// Writes the file.
    pub(crate) fn write(&self) -> Result<(), Box<dyn Error>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["rustc", "case", "instructions"])?;
        for ((compiler, case), count) in &self.0 {
            writer.write_record([compiler, case, &count.to_string()])?;
        }
        fs::write(FILE, writer.into_inner()?)?;
        Ok(())
    }

    /// The count of a case, if there is one for this compiler.
    pub(crate) fn of(&self, compiler: &str, case: &str) -> Option<u64> {
        self.0.get(&(compiler.to_owned(), case.to_owned())).copied()
    }

    /// Whether there is any count for this compiler.
    pub(crate) fn knows(&self, compiler: &str) -> bool {
        self.0.keys().any(|(version, _)| version == compiler)
    }

    /// Replaces all counts of a compiler.
    pub(crate) fn set(&mut self, compiler: &str, counts: &[(&str, u64)]) {
        self.0.retain(|(version, _), _| version != compiler);
        for (case, count) in counts {
            self.0.insert((compiler.to_owned(), (*case).to_owned()), *count);
        }
    }
}

/// The version of rustc that this was built with, such as `1.95.0`, or `1.95.0 hardened`, with the
/// feature of that name.
pub(crate) fn compiler() -> Result<String, Box<dyn Error>> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output()?;
    let words = String::from_utf8(output.stdout)?;
    let version = words.split_whitespace().nth(1).ok_or("rustc does not say its version")?;
    Ok(version.to_owned() + if cfg!(feature = "hardened") { " hardened" } else { "" })
}
