//! Reads how this program was compiled, by way of objdump.

use std::env;
use std::error::Error;
use std::process::Command;

/// The number of locked instructions of a function of this program: those with the prefix, and
/// exchanges, which do without it.
pub(crate) fn locked(function: &str) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("objdump")
        .args(["--disassemble", "--demangle", "--no-show-raw-insn"])
        .arg(env::current_exe()?)
        .output()
        .map_err(|error| format!("objdump, of the binutils, does not start: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines().skip_while(|line| !is_start(line, function)).skip(1).peekable();
    if lines.peek().is_none() {
        return Err(format!("objdump does not find {function}").into());
    }
    // A blank line ends a function.
    Ok(lines.take_while(|line| !line.is_empty()).filter(|line| is_locked(line)).count() as u64)
}

/// Whether a line names the function that follows: `0000 <path::to::function>:`, with a hash behind
/// its name where the compiler gives it one.
fn is_start(line: &str, function: &str) -> bool {
    let name = line.split_once('<').and_then(|(_, name)| name.strip_suffix(">:"));
    name.is_some_and(|name| name.ends_with(function) || name.contains(&format!("{function}::h")))
}

/// Whether a line is a locked instruction.
fn is_locked(line: &str) -> bool {
    let instruction = line.split_once(":\t").map_or("", |(_, instruction)| instruction);
    instruction.starts_with("lock ")
        || instruction.starts_with("xchg ") && instruction.contains('(')
}
