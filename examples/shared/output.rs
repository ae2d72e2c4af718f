//! How the examples end: what they print, and their exit code.

use std::io::{self, Write};
use std::process::ExitCode;

/// What went wrong, and the exit code that says so.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) code: u8,
}

/// The code is 2, that of bad arguments and files.
impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, code: 2 }
    }
}

/// Prints what a program has to say, or names on standard error what went wrong.
pub(crate) fn finish(program: &str, text: Result<String, impl Into<Failure>>) -> ExitCode {
    let printed = text.map_err(Into::into).and_then(|text| Ok(print(&text)?));
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { message, code }) => {
            // Standard error may be closed, and there is nowhere left to say so.
            let _ = writeln!(io::stderr(), "{program}: {message}");
            ExitCode::from(code)
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
