//! Text from the store, made harmless for terminals.

use std::borrow::Cow;
use std::fmt::Write;

/// Returns `text` on one line and without characters that a terminal obeys instead of showing:
/// control characters and changes of the writing direction.
///
/// What is escaped is written as JSON does (`\n`, `\u001b`), so that escaped JSON is the same JSON.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            obeyed if is_obeyed(obeyed) => {
                write!(escaped, "\\u{:04x}", u32::from(obeyed)).expect("a String takes everything");
            }
            plain => escaped.push(plain),
        }
    }
    Cow::Owned(escaped)
}

fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' ..= '\u{202e}' | '\u{2066}' ..= '\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        assert!(matches!(escape("größe 1.5 → \"x\""), Cow::Borrowed(_)));
    }

    #[test]
    fn control_and_direction_characters_are_spelled_out() {
        assert_eq!(
            escape("a\tb\r\n\u{1b}[31m\u{9b}\u{7f}\u{202e}"),
            "a\\tb\\r\\n\\u001b[31m\\u009b\\u007f\\u202e"
        );
    }
}
