//! Text from the store, made harmless for terminals.

use std::borrow::Cow;
use std::fmt::Write;

/// Returns `text` on one line and without characters that a terminal obeys instead of showing:
/// control characters, changes of the writing direction, and what is invisible.
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
                for unit in obeyed.encode_utf16(&mut [0; 2]) {
                    write!(escaped, "\\u{unit:04x}").expect("a String takes everything");
                }
            }
            plain => escaped.push(plain),
        }
    }
    Cow::Owned(escaped)
}

/// Returns whether a character is a control, a line separator, or of Unicode's category "format".
///
/// The two joiners U+200C and U+200D are left: Persian words and many emoji need them.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}'
            | '\u{8e2}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e007f}')
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
            escape("a\tb\r\n\u{1b}[31m\u{9b}\u{7f}\u{202e}\u{feff}\u{e0041}"),
            "a\\tb\\r\\n\\u001b[31m\\u009b\\u007f\\u202e\\ufeff\\udb40\\udc41"
        );
    }
}
