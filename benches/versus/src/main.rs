//! `typed-pool` beside what else one could use: every workload on every contender, interleaved in
//! one process. `cargo run --release -- --help` says how to ask for what.

use std::process::ExitCode;

mod contenders;
mod heap;
mod live;
mod machine;
mod measure;
mod memory;
mod options;
mod repeat;
mod replay;
mod report;
mod results;
mod rows;
mod run;
mod settle;
mod targets;
mod threads;
mod warm_up;
mod workloads;

fn main() -> ExitCode {
    settle::settle_global_allocator();
    match options::Options::of_process().and_then(|options| run::run(&options)) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("versus: {message}");
            ExitCode::from(2)
        }
    }
}
