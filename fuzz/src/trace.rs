//! The examples' parsers: any bytes in, and a clear error out, or something that the example can
//! play to its end.

/// Reads `data` in the format that its first byte tells, and plays what comes of it.
pub fn run(data: &[u8]) {
    let Some((&first, data)) = data.split_first() else { return };
    let (kind, option) = (first % 4, usize::from(first / 4));
    let refused = match kind {
        0 => books::order_book(data, option),
        1 => books::pipeline(data, option),
        2 => games::game_entities(data, option),
        _ => allocations::replay(data),
    };
    if let Err(message) = refused {
        check_message(&message);
    }
}

/// Checks that an error says where it is, what was expected and what was found, on one line that
/// can be printed.
fn check_message(message: &str) {
    let rest = message.strip_prefix("in:").unwrap_or_else(|| panic!("no file: {message}"));
    let (line, rest) = rest.split_once(": expected ").expect("it says what was expected");
    assert!(line.parse::<usize>().is_ok_and(|line| line > 0), "no line: {message}");
    let (expected, found) = rest.rsplit_once(", found ").expect("it says what was found");
    assert!(!expected.is_empty() && !found.is_empty(), "{message}");
    assert!(message.len() < 1000, "a message of {} bytes", message.len());
    assert!(!message.chars().any(char::is_control), "{message:?}");
}
