//! Texts of other people on a terminal and in a log: no escape sequences, no forged lines.

use std::borrow::Cow;
use std::fmt::Write;

/// What of a text is shown as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Line breaks and tabs are.
    Kept,
    /// Nothing but printable characters is.
    Escaped,
}

/// A text without control characters, which terminals take for commands, and without characters that turn the direction of
/// what follows them: they are shown as Rust writes them, `\u{1b}`.
pub fn printable(text: &str, lines: Lines) -> Cow<'_, str> {
    let is_kept = |c: char| lines == Lines::Kept && matches!(c, '\n' | '\t');
    if !text.chars().any(|c| is_command(c) && !is_kept(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' | '\t' | '\r' if !is_kept(character) => shown.extend(character.escape_default()),
            c if is_command(c) && !is_kept(c) => write!(shown, "\\u{{{:x}}}", u32::from(c)).unwrap_or_default(),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// A JSON text, in whose strings the characters that JSON leaves alone are escaped as JSON does.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    let is_left_alone = |c: char| is_command(c) && c != '\n';
    if !json.chars().any(is_left_alone) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_left_alone(character) {
            write!(shown, "\\u{:04x}", u32::from(character)).unwrap_or_default();
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// A line of a file that is shown with marks below it: what a terminal would obey is replaced, and no other byte moves.
pub fn in_place(line: &str) -> Cow<'_, str> {
    if !line.chars().any(is_command) {
        return Cow::Borrowed(line);
    }
    let replaced = |c: char| match (is_command(c) && c != '\t', c.len_utf8()) {
        (false, _) => c,
        (true, 1) => '?',
        (true, 2) => '\u{b7}',
        (true, _) => '\u{fffd}',
    };
    line.chars().map(replaced).collect()
}

/// Control characters, and those of the Unicode property `Bidi_Control`, which show a text in another order than it has.
fn is_command(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        for (text, kept, escaped) in [
            ("plain ü €", "plain ü €", "plain ü €"),
            ("a\u{1b}[2Jb", r"a\u{1b}[2Jb", r"a\u{1b}[2Jb"),
            ("a\u{7}\u{9b}31m\u{7f}", r"a\u{7}\u{9b}31m\u{7f}", r"a\u{7}\u{9b}31m\u{7f}"),
            ("a\nINFO forged\tb", "a\nINFO forged\tb", r"a\nINFO forged\tb"),
            ("a\rb", r"a\rb", r"a\rb"),
            ("\u{202e}txt.exe", r"\u{202e}txt.exe", r"\u{202e}txt.exe"),
            ("\u{61c}\u{2066}a", r"\u{61c}\u{2066}a", r"\u{61c}\u{2066}a"),
            (
                "\u{1b}]8;;http://x\u{7}b\u{1b}]8;;\u{7}",
                r"\u{1b}]8;;http://x\u{7}b\u{1b}]8;;\u{7}",
                r"\u{1b}]8;;http://x\u{7}b\u{1b}]8;;\u{7}",
            ),
            ("\u{90}q\u{9c}", r"\u{90}q\u{9c}", r"\u{90}q\u{9c}"),
        ] {
            assert_eq!(printable(text, Lines::Kept), kept);
            assert_eq!(printable(text, Lines::Escaped), escaped);
        }
        for line in ["plain ü\t€", "a\u{1b}[2J", "a\u{9b}2Jb", "a\u{202e}b", "\u{61c}"] {
            let shown = in_place(line);
            assert!(!shown.chars().any(|c| is_command(c) && c != '\t'), "{shown:?}");
            assert_eq!(shown.len(), line.len());
        }
        let value = serde_json::json!({"a": "\u{1b}\u{9b}\u{202e}\n€"});
        let shown = printable_json(&format!("{value:#}")).into_owned();
        assert_eq!(shown, "{\n  \"a\": \"\\u001b\\u009b\\u202e\\n€\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
