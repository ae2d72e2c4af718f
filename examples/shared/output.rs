//! How the examples end: what they print, and their exit code.

use std::io::{self, Write};
use std::process::ExitCode;

/// Prints what a program has to say, or names on standard error what went wrong: then the exit code
/// is 2.
pub(crate) fn finish(program: &str, text: Result<String, String>) -> ExitCode {
    match text.and_then(|text| print(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Standard error may be closed, and there is nowhere left to say so.
            let _ = writeln!(io::stderr(), "{program}: {message}");
            ExitCode::from(2)
        }
    }
}

/// Writes to standard output. A reader that has seen enough and left is no error.
pub(crate) fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}
