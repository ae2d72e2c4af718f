//! Lines of text, their fields, and the error that says what is wrong where.

use std::fs;
use std::path::Path;
use std::str::FromStr;

/// How much of a bad field an error quotes.
const QUOTED_CHARS: usize = 40;

/// Gives every line of a file to `read`; says in which line it found something wrong.
pub(crate) fn for_each(
    path: &Path,
    mut read: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let at = |problem| format!("{}:{}: {problem}", path.display(), index + 1);
        let line = str::from_utf8(line).map_err(|_| at("not UTF-8".to_owned()))?;
        read(line.trim_end_matches(['\r', '\n'])).map_err(at)?;
    }
    Ok(())
}

/// Exactly `N` fields.
pub(crate) fn exactly<'l, const N: usize>(
    fields: impl Iterator<Item = &'l str>,
) -> Result<[&'l str; N], String> {
    let fields: Vec<&str> = fields.collect();
    let found = fields.len();
    fields.try_into().map_err(|_| format!("expected {N} fields, found {found}"))
}

/// A field that is a number; `what` says which.
pub(crate) fn number<T: FromStr>(field: &str, what: &str) -> Result<T, String> {
    field.parse().map_err(|_| format!("expected {what}, found {}", quoted(field)))
}

/// A field as errors show it.
pub(crate) fn quoted(field: &str) -> String {
    match field.char_indices().nth(QUOTED_CHARS) {
        None => format!("{field:?}"),
        Some((end, _)) => format!("{:?}…", &field[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted() {
        assert_eq!(exactly::<2>("a,b".split(',')), Ok(["a", "b"]));
        assert_eq!(exactly::<2>("a".split(',')).unwrap_err(), "expected 2 fields, found 1");
        assert_eq!(exactly::<2>("a,b,c".split(',')).unwrap_err(), "expected 2 fields, found 3");
    }

    #[test]
    fn numbers_say_what_they_are_for() {
        assert_eq!(number::<u32>("7", "a size"), Ok(7));
        assert_eq!(number::<u32>("x", "a size").unwrap_err(), "expected a size, found \"x\"");
        assert_eq!(number::<u32>("-1", "a size").unwrap_err(), "expected a size, found \"-1\"");
    }

    #[test]
    fn long_fields_are_cut() {
        assert_eq!(quoted("short"), "\"short\"");
        assert_eq!(quoted(&"é".repeat(50)), format!("\"{}\"…", "é".repeat(QUOTED_CHARS)));
    }

    #[test]
    fn errors_name_file_and_line() {
        let path = std::env::temp_dir().join(format!("versus-lines-{}", std::process::id()));
        fs::write(&path, "good\r\nbad\n").unwrap();
        let result =
            for_each(
                &path,
                |line| {
                    if line == "good" { Ok(()) } else { Err(format!("found {line}")) }
                },
            );
        fs::remove_file(&path).unwrap();
        assert_eq!(result.unwrap_err(), format!("{}:2: found bad", path.display()));
    }
}
