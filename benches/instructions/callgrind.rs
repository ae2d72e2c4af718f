//! Runs this program under callgrind and reads what it counted.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

/// Has glibc copy and fill with plain loops: callgrind counts each byte of the string instructions
/// that it takes otherwise for large blocks.
const PLAIN_LOOPS: &str =
    "glibc.cpu.x86_rep_stosb_threshold=100000000:glibc.cpu.x86_rep_movsb_threshold=100000000";

/// The instructions between entering and leaving functions whose names match `function`, all calls
/// together.
pub(crate) fn inside(function: &str, case: &str, times: usize) -> Result<u64, Box<dyn Error>> {
    let totals = run(&[format!("--toggle-collect={function}")], case, times)?;
    totals.last().copied().ok_or_else(|| "callgrind counted nothing".into())
}

/// The instructions of every single call, from entering a function whose name matches the first of
/// a pair to leaving one that matches the second.
pub(crate) fn each_call(
    pairs: &[(&str, &str)],
    case: &str,
    times: usize,
) -> Result<Vec<u64>, Box<dyn Error>> {
    let mut options = vec!["--combine-dumps=yes".to_owned()];
    for (enter, leave) in pairs {
        // callgrind heeds one option for each pattern: these differ though they match the same.
        options.push(format!("--zero-before=*{enter}"));
        options.push(format!("--dump-after=typed_pool::*{leave}"));
    }
    let mut totals = run(&options, case, times)?;
    // The last is what follows the last call, to the program's end.
    totals.pop();
    if totals.is_empty() {
        return Err("callgrind met none of the functions".into());
    }
    Ok(totals)
}

/// The totals of all dumps.
fn run(options: &[String], case: &str, times: usize) -> Result<Vec<u64>, Box<dyn Error>> {
    let file = TemporaryFile::new();
    let output = Command::new("valgrind")
        .args(["-q", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", file.0.display()))
        .args(options)
        .arg(env::current_exe()?)
        .args(["--case", case, &times.to_string()])
        .env("GLIBC_TUNABLES", PLAIN_LOOPS)
        .output()
        .map_err(|error| format!("valgrind does not start: {error}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(format!("valgrind failed on {case}: {words}").into());
    }
    totals(&file.0)
}

/// Every line `totals: N` of a file.
fn totals(file: &Path) -> Result<Vec<u64>, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let counts = text.lines().filter_map(|line| line.strip_prefix("totals: "));
    counts.map(|count| Ok(count.trim().parse()?)).collect()
}

/// The path of a file that is removed in the end.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new() -> Self {
        Self(env::temp_dir().join(format!("typed-pool-callgrind-{}", process::id())))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // There may be no such file.
        let _ = fs::remove_file(&self.0);
    }
}
