//! Any text as plain ASCII and back: what is not allowed is written `_` and two hexadecimal digits.

/// Appends `text` to `to`, with every byte escaped that is not an ASCII letter or digit nor in `allowed`.
pub(crate) fn escape(text: &str, allowed: &[u8], to: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || allowed.contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push('_');
            to.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
        }
    }
}

/// Returns the text that was escaped with `allowed`, `None` if this is nothing that [`escape`] writes.
pub(crate) fn unescape(escaped: &str, allowed: &[u8]) -> Option<String> {
    let mut bytes = escaped.bytes();
    let mut text = Vec::with_capacity(escaped.len());
    while let Some(byte) = bytes.next() {
        text.push(if byte == b'_' { 16 * digit(bytes.next()?)? + digit(bytes.next()?)? } else { byte });
    }
    let text = String::from_utf8(text).ok()?;
    let mut again = String::with_capacity(escaped.len());
    escape(&text, allowed, &mut again);
    (again == escaped).then_some(text)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| digit.try_into().ok())
}
