//! The modules of the crate are layers: each uses only those that `lib.rs` lists above it, and
//! the files that promise to be free of unsafe code are those that hold arithmetic. Lines have 100
//! columns.
#![cfg(not(miri))]

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file below `folder`.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The modules of the crate from the bottom up.
fn modules() -> Vec<String> {
    let root = fs::read_to_string(source().join("lib.rs")).unwrap();
    root.lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "))
        .map(|line| line.trim_end_matches(';').to_string())
        .collect()
}

/// The module a file belongs to: its first step below `src`.
fn module_of(file: &Path) -> String {
    let relative = file.strip_prefix(source()).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_string()
}

#[test]
fn a_module_uses_only_those_above_it() {
    let modules = modules();
    assert!(modules.len() > 10, "the modules are found: {modules:?}");
    let rank = |name: &str| modules.iter().position(|module| module == name);
    let mut uses = 0;
    for file in files(&source()) {
        let module = module_of(&file);
        // Tests, models among them, may use whatever they are about.
        let is_test = file.ends_with("sync/models.rs") || file.ends_with("tests.rs");
        if module == "lib" || is_test {
            continue;
        }
        let own = rank(&module).unwrap_or_else(|| panic!("`{module}` is not in lib.rs"));
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for (start, _) in line.match_indices("crate::") {
                // A macro names what its users see.
                if line[..start].ends_with('$') {
                    continue;
                }
                let rest = &line[start + "crate::".len()..];
                let name: String =
                    rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let used = rank(&name).unwrap_or_else(|| panic!("{file:?} uses `{name}`"));
                assert!(used <= own, "{file:?} uses `{name}`, which is above it in rank");
                uses += 1;
            }
        }
    }
    assert!(uses > 20, "the uses are found");
}

#[test]
fn lines_have_a_hundred_columns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders =
        ["src", "tests", "benches", "examples", "ui-tests", "fuzz/src", "fuzz/fuzz_targets"];
    // Some are not in a package that was published, and some have a folder that cargo writes to.
    let folders = folders.map(|folder| root.join(folder)).into_iter().filter(|it| it.is_dir());
    let written = |file: &PathBuf| file.iter().any(|folder| folder == "target");
    let sources = folders.flat_map(|folder| files(&folder)).filter(|file| !written(file));
    for file in sources.filter(|file| file.extension().is_some_and(|it| it == "rs")) {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            // But rows of a table.
            let fits = line.chars().count() <= 100 || line.starts_with("//! |");
            assert!(fits, "{}:{number}", file.display());
        }
    }
}

#[test]
fn arithmetic_is_free_of_unsafe_code() {
    for name in [
        "fault.rs",
        "error.rs",
        "error/many.rs",
        "bit_tree.rs",
        "geometry.rs",
        "granules.rs",
        "once.rs",
        "size_class.rs",
        "stats.rs",
        "pool_box/forward.rs",
        "pool_box/io.rs",
        "sync/shared_bits.rs",
        "sync/shelf.rs",
        "sync/tokens.rs",
    ] {
        let text = fs::read_to_string(source().join(name)).unwrap();
        assert!(text.contains("#![forbid(unsafe_code)]"), "{name}");
    }
}
