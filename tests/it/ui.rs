//! What the compiler promises for this crate:
//!
//! - Each program in `ui-tests/fail` is refused, for the reason that its first line names and for
//!   no other: the errors are those of its `.stderr` file.
//! - So is each program in `ui-tests/fail-when-built`, whose error appears only when code is
//!   generated for a type; it has no `.stderr` file, since that would quote the crate's workings.
//! - Each program in `ui-tests/pass` is accepted, and runs to its end.
//! - No program is forgotten: it has its `.stderr` file or is named here, and opens with its
//!   promise.
//!
//! The `.stderr` files are those of [`COMPILER`]. Other compilers word errors in other ways, so
//! the comparison is left out for them. `TRYBUILD=overwrite cargo test --test it ui` writes the
//! files anew, and the next run without it checks what was written.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use trybuild::TestCases;

/// The release that wrote the `.stderr` files.
const COMPILER: &str = "1.95.";

/// Makes a module of each program, with a test that runs it, so that the programs are compiled
/// with this crate's other tests: by every compiler, and under Miri and sanitizers.
macro_rules! programs_that_pass {
    ($($(#[$condition:meta])* $name:ident),* $(,)?) => {
        $(
            $(#[$condition])*
            mod $name {
                include!(concat!(
                    env!("CARGO_MANIFEST_DIR"), "/ui-tests/pass/", stringify!($name), ".rs",
                ));

                #[test]
                fn runs() {
                    main();
                }
            }
        )*

        const PASS: &[&str] = &[$(stringify!($name)),*];
    };
}

programs_that_pass! {
    covariance,
    node_owns_node,
    node_owns_node_in_cell,
    pool_outlives_what_values_borrow,
    pool_sent,
    #[cfg(feature = "std")]
    size_class_pool_shared,
    struct_of_pool_and_handles,
    struct_of_pool_reference_and_handles,
    #[cfg(feature = "std")]
    sync_owned_handle_sent,
    #[cfg(feature = "std")]
    sync_pool_shared,
    #[cfg(feature = "std")]
    sync_values_borrow_their_pool,
    unsized_without_unsafe_code,
    value_borrows_its_pool,
}

#[test]
#[cfg_attr(miri, ignore = "Miri runs no compiler")]
fn programs_are_refused() {
    if let Some(reason) = reason_to_leave_out() {
        tell(&format!("ui-tests/fail is left out: {reason}\n"));
        return;
    }
    TestCases::new().compile_fail("ui-tests/fail/*.rs");
}

#[test]
#[cfg_attr(miri, ignore = "Miri runs no compiler")]
fn over_aligned_values_are_refused() {
    let output = build("over_aligned");
    let messages = String::from_utf8_lossy(&output.stderr);
    let errors = messages.matches("error[E").count();
    let reason = "a pool aligns its values to at most 4096 bytes";
    assert!(!output.status.success(), "the program is accepted");
    assert!(errors == 1 && messages.contains("error[E0080]"), "{messages}");
    assert!(messages.contains(reason), "{messages}");
}

#[test]
#[cfg_attr(miri, ignore = "Miri reads no directories")]
fn no_program_is_forgotten() {
    let fail = names("fail", "rs");
    assert!(!fail.is_empty(), "the programs are found");
    assert_eq!(fail, names("fail", "stderr"));
    assert_eq!(names("pass", "rs"), PASS.iter().copied().map(String::from).collect());
    assert_eq!(names("fail-when-built", "rs"), BTreeSet::from(["over_aligned".to_owned()]));
}

#[test]
#[cfg_attr(miri, ignore = "Miri reads no directories")]
fn programs_open_with_their_promise() {
    for folder in ["fail", "fail-when-built", "pass"] {
        for name in names(folder, "rs") {
            let text = read(folder, &name, "rs");
            let line = text.lines().next().unwrap_or_default();
            assert!(
                line.starts_with("// ") && line.ends_with('.'),
                "{folder}/{name}.rs should start with a sentence, not with {line:?}"
            );
        }
    }
}

/// An error with a warning or another error beside it has more than the one reason.
#[test]
#[cfg_attr(miri, ignore = "Miri reads no directories")]
fn a_program_is_refused_for_one_reason() {
    for name in names("fail", "stderr") {
        let text = read("fail", &name, "stderr");
        let count = |start| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!((count("error"), count("warning")), (1, 0), "in {name}.stderr");
    }
}

/// Where the sources of the standard library are installed, an error that points there quotes
/// them; elsewhere it does not.
#[test]
#[cfg_attr(miri, ignore = "Miri reads no directories")]
fn errors_do_not_depend_on_installed_sources() {
    for name in names("fail", "stderr") {
        let text = read("fail", &name, "stderr");
        assert!(!text.contains("$RUST"), "{name}.stderr points into the standard library");
    }
}

/// Builds a program of `ui-tests/fail-when-built`. That takes Cargo rather than trybuild, which
/// generates code only where it also runs programs, and builds every dev-dependency for that.
fn build(name: &str) -> Output {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&package).expect("a package can be made");
    let program = folder_path("fail-when-built").join(format!("{name}.rs"));
    let library = env!("CARGO_MANIFEST_DIR");
    let manifest = format!(
        "[package]\nname = {name:?}\nedition = \"2024\"\n\n\
         [dependencies]\ntyped-pool = {{ path = {library:?} }}\n\n\
         [[bin]]\nname = {name:?}\npath = {program:?}\n\n\
         [workspace]\n"
    );
    let manifest_path = package.join("Cargo.toml");
    fs::write(&manifest_path, manifest).expect("a manifest can be written");
    Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
        .args(["build", "--quiet", "--offline", "--color=never", "--manifest-path"])
        .arg(manifest_path)
        .arg("--target-dir")
        .arg(package.join("target"))
        .output()
        .expect("Cargo can be run")
}

/// Why errors cannot be compared here, if so.
fn reason_to_leave_out() -> Option<String> {
    if !cfg!(feature = "std") {
        return Some("pools for many threads need the feature `std`".to_owned());
    }
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        let flags = env::var_os(variable).unwrap_or_default();
        if flags.to_string_lossy().contains("sanitizer") {
            return Some(format!("{variable} asks for a sanitizer"));
        }
    }
    let version = compiler_version();
    let release = version.split(' ').nth(1).unwrap_or_default();
    if release.starts_with(COMPILER) && !release.contains('-') {
        None
    } else {
        Some(format!("its errors are those of rustc {COMPILER}x, and this is {version:?}"))
    }
}

/// What the compiler says of itself, such as `rustc 1.95.0 (59807616e 2026-04-14)`.
fn compiler_version() -> String {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let output = Command::new(compiler)
        .arg("--version")
        .output()
        .expect("the compiler of this test can be run");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Prints to the terminal, past the capture of a test that passes.
fn tell(message: &str) {
    io::stderr().write_all(message.as_bytes()).expect("messages can be written");
}

fn folder_path(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui-tests").join(folder)
}

/// The names, without `extension`, of the files in `folder` that have it.
fn names(folder: &str, extension: &str) -> BTreeSet<String> {
    fs::read_dir(folder_path(folder))
        .expect("the folder of programs can be read")
        .map(|entry| entry.expect("the folder of programs can be read").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect()
}

fn read(folder: &str, name: &str, extension: &str) -> String {
    fs::read_to_string(folder_path(folder).join(format!("{name}.{extension}")))
        .expect("the files of programs can be read")
}
