//! `typed-pool` beside what else one could use: every workload on every contender, interleaved in
//! one process. `cargo run --release -- --help` says how to ask for what.

use std::process::ExitCode;

mod contenders;
mod heap;
mod live;
mod measure;
mod options;
mod report;
mod rows;
mod run;
mod workloads;

fn main() -> ExitCode {
    match options::parse(std::env::args_os()).and_then(run::run) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("versus: {message}");
            ExitCode::from(2)
        }
    }
}
