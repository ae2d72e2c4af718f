//! Where figures were taken. No date: the same machine and compiler are to give the same report.

use std::fs;

/// The machine, its system and the compiler, as far as they can be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) cpu: String,
    pub(crate) cpus: usize,
    pub(crate) os: String,
    /// When the system gives huge pages, as Linux puts it. An allocator that asks for them reads
    /// faster from much memory where the answer is `madvise`.
    pub(crate) huge_pages: String,
    pub(crate) rustc: String,
}

impl Machine {
    /// This one.
    pub(crate) fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let or_unknown = |found: Option<&str>| found.unwrap_or("unknown").to_owned();
        Self {
            name: or_unknown(read("/proc/sys/kernel/hostname").lines().next()),
            cpu: or_unknown(value(&read("/proc/cpuinfo"), "model name", ':')),
            // Not those that this process may use: figures are often taken on one of several.
            cpus: processors(&read("/proc/cpuinfo")),
            os: or_unknown(value(&read("/etc/os-release"), "PRETTY_NAME", '=')),
            huge_pages: or_unknown(chosen(&read("/sys/kernel/mm/transparent_hugepage/enabled"))),
            rustc: env!("RUSTC_VERSION").to_owned(),
        }
    }

    /// The machine in a line. Its name is left out: it means nothing to others.
    pub(crate) fn describe(&self) -> String {
        format!("{} ({} CPUs), {}, {}", self.cpu, self.cpus, self.os, self.rustc)
    }
}

/// The number of processors that `/proc/cpuinfo` lists.
fn processors(cpuinfo: &str) -> usize {
    cpuinfo.lines().filter(|line| line.starts_with("processor\t")).count()
}

/// The choice in brackets, as files of the kernel have it: `always [madvise] never`.
fn chosen(choices: &str) -> Option<&str> {
    choices.split_once('[')?.1.split_once(']').map(|(choice, _)| choice)
}

/// The value of the first line `key<separator>value`, without quotes.
fn value<'t>(text: &'t str, key: &str, separator: char) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(separator)?;
        (found.trim() == key).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted() {
        assert_eq!(processors("processor\t: 0\nmodel name\t: x\n\nprocessor\t: 1\n"), 2);
    }

    #[test]
    fn choices_are_in_brackets() {
        assert_eq!(chosen("always [madvise] never\n"), Some("madvise"));
        assert_eq!(chosen("always\n"), None);
    }

    #[test]
    fn values_are_found() {
        assert_eq!(value("a: 1\nmodel name\t: Fast CPU\n", "model name", ':'), Some("Fast CPU"));
        assert_eq!(value("PRETTY_NAME=\"An OS 12\"\n", "PRETTY_NAME", '='), Some("An OS 12"));
        assert_eq!(value("a=b\n", "c", '='), None);
    }
}
