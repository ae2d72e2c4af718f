//! What the text of the crate shows:
//!
//! - No pointer is made of an integer, so none lacks the provenance of its allocation.
//! - Each way in which crates of this kind have been unsound has a test that names it, where the
//!   list in `regressions` says.
//! - What the page of the README names, by which each promise is checked, is there.
#![cfg(not(miri))]

use std::fs;
use std::path::Path;

use crate::layers::{files, source};

/// The files of `src` in which pointers may be made of integers: those that collections give back
/// may have lost the provenance of their chunk.
const MAY_EXPOSE: [&str; 2] = ["allocator.rs", "chunk.rs"];

/// What makes a pointer of an integer, or an integer to make one of.
const ROUND_TRIPS: [&str; 6] = [
    "expose_provenance",
    "with_exposed_provenance",
    "transmute",
    "ptr() as usize",
    "as *const ",
    "as *mut ",
];

/// What can follow the last two of them for all that: no integer becomes a pointer to a slice, a
/// string or a trait object, nor to a cell of what may be one.
const WIDE: [&str; 4] = ["[", "str", "dyn ", "UnsafeCell<T>"];

/// The round trips in a line of code.
fn round_trips(line: &str) -> impl Iterator<Item = &'static str> {
    ROUND_TRIPS.into_iter().filter(move |form| {
        let mut found = line.match_indices(form).map(|(start, _)| &line[start + form.len()..]);
        found.any(|rest| !(form.contains('*') && WIDE.iter().any(|wide| rest.starts_with(wide))))
    })
}

/// Pointer–integer round trips: the crate makes none.
#[test]
fn no_pointer_is_made_of_an_integer() {
    for (line, expected) in [
        ("let p = address as *mut u8;", 1),
        ("let p = (r.as_ptr() as usize + 8) as *const u8;", 2),
        ("let p = ptr::with_exposed_provenance_mut(address);", 1),
        ("let p = bytes as *mut str; let q = bytes as *const [u8];", 0),
        ("let p = ptr::without_provenance_mut(8).cast::<u8>();", 0),
    ] {
        assert_eq!(round_trips(line).count(), expected, "{line}");
    }
    let mut lines = 0;
    for file in files(&source()) {
        let name = file.strip_prefix(source()).unwrap().to_str().unwrap().replace('\\', "/");
        if MAY_EXPOSE.contains(&name.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            assert_eq!(round_trips(line).next(), None, "{name}: {line}");
            lines += 1;
        }
    }
    assert!(lines > 1000, "the source is found");
}

/// What is said of a function where it is declared, if it is there.
fn said_of(function: &str, text: &str) -> Option<String> {
    let (before, _) = text.split_once(&format!("fn {function}("))?;
    let lines = before.trim_end().lines().rev().map(str::trim);
    let said = lines.take_while(|line| line.starts_with("///") || line.starts_with("#["));
    let mut said: Vec<_> = said.filter_map(|line| line.strip_prefix("/// ")).collect();
    said.reverse();
    Some(said.join(" "))
}

#[test]
fn each_way_to_be_unsound_has_its_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let table = fs::read_to_string(tests.join("it/regressions.rs")).unwrap();
    let (mut words, mut found) = ("", 0);
    for line in table.lines().map_while(|line| line.strip_prefix("//!")) {
        if let Some(way) = line.strip_prefix(" - ") {
            words = way.trim_end_matches(':');
        }
        let Some(test) = line.strip_prefix("   `") else { continue };
        let test = test.trim_end_matches('`');
        let (file, function) = test.split_once("::").unwrap_or((test, ""));
        let folder = if file == "upstream" { "" } else { "it" };
        let text = fs::read_to_string(tests.join(folder).join(file).with_extension("rs")).unwrap();
        if function.is_empty() {
            assert!(text.contains(words), "`{words}` is not in {file}");
        } else {
            let said = said_of(function, &text).unwrap_or_else(|| panic!("there is no {test}"));
            assert!(said.starts_with(words), "`{words}` is not what {test} is about: {said}");
        }
        found += 1;
    }
    assert_eq!(found, 18, "the list is read");
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn what_the_readme_names_for_each_promise_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let table = readme.split_once("| promise | tests | command |").expect("the page").1;
    let rows: Vec<_> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 20, "the table is read");
    for row in rows {
        let [_, promise, tests, commands, _] =
            row.split('|').collect::<Vec<_>>().try_into().expect("a row has three cells");
        for name in quoted(tests) {
            if name.contains('/') || name == "ui-tests" {
                assert!(root.join(name).exists(), "{promise}: no {name}");
                continue;
            }
            let (module, item) = name.split_once("::").unwrap_or((name, ""));
            let file = root.join("tests/it").join(module).with_extension("rs");
            let text = fs::read_to_string(&file).unwrap_or_else(|_| panic!("no {name}"));
            let there = [format!("fn {item}("), format!("mod {item} ")];
            assert!(item.is_empty() || there.iter().any(|it| text.contains(it)), "no {name}");
        }
        assert!(tests.contains("all of these") || quoted(tests).next().is_some(), "{promise}");
        assert!(quoted(commands).next().is_some(), "{promise}: no command");
        for step in quoted(commands).filter_map(|command| command.strip_prefix("./check ")) {
            assert!(root.join("checks").join(step).exists(), "no ./check {step}");
        }
    }
}
