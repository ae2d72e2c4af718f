//! What the figures were measured on, as far as the system tells.

use std::env::consts;
use std::fs;

/// The processor's model and the operating system.
pub(crate) fn describe() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let processor = value(&read("/proc/cpuinfo"), "model name", ':');
    let processor = processor.unwrap_or_else(|| consts::ARCH.to_owned());
    let system = value(&read("/etc/os-release"), "PRETTY_NAME", '=');
    let system = system.unwrap_or_else(|| consts::OS.to_owned());
    format!("{processor}, {system}")
}

/// The value of the first line that has this key, without quotes.
fn value(text: &str, key: &str, separator: char) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(separator));
    let (_, value) = pairs.find(|(found, _)| found.trim() == key)?;
    let value = value.trim().trim_matches('"');
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_key() {
        let text = "vendor_id\t: X\nmodel name\t: A: 64-core\nmodel name\t: B\nflags\t:\n";
        assert_eq!(value(text, "model name", ':').as_deref(), Some("A: 64-core"));
        assert_eq!(value(text, "flags", ':'), None);
        assert_eq!(value("NAME=\"a\"\nPRETTY_NAME=\"b c\"", "PRETTY_NAME", '=').unwrap(), "b c");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri reads no files of the system")]
    fn the_machine_has_a_name() {
        assert!(describe().contains(", "));
    }
}
