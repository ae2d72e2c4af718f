//! Notes the compiler for the reports, and sees to it that no contender was built for debugging.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CXXFLAGS");
    let flags = env::var("CXXFLAGS").unwrap_or_default();
    assert!(
        flags.split_whitespace().any(|flag| flag == "-DNDEBUG"),
        "snmalloc would be built with its assertions: run cargo in the folder of this crate, whose \
         .cargo/config.toml sets CXXFLAGS, or have -DNDEBUG in the CXXFLAGS of your own"
    );
    let compiler = env::var("RUSTC").expect("cargo sets it");
    let output = Command::new(compiler).arg("--version").output().expect("the compiler runs");
    let version = String::from_utf8(output.stdout).expect("a version is text");
    println!("cargo:rustc-env=RUSTC_VERSION={}", version.trim());
}
