//! Reads the pieces that dates and times are spelled with.

/// What is left of a text.
#[derive(Clone, Copy)]
pub(crate) struct Spelling<'a>(&'a [u8]);

impl<'a> Spelling<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(text.as_bytes())
    }

    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    /// Takes the next byte if it is one of these.
    pub(crate) fn take(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        wanted.contains(first).then(|| self.0 = rest)?;
        Some(*first)
    }

    /// Takes exactly so many decimal digits.
    pub(crate) fn digits(&mut self, count: usize) -> Option<i32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        digits.iter().all(u8::is_ascii_digit).then_some(())?;
        self.0 = rest;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Takes one or more decimal digits.
    pub(crate) fn number(&mut self) -> Option<i64> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Takes a point and a fraction of a second, if there is one, in microseconds.
    ///
    /// A fraction finer than a microsecond is refused: it could not be kept.
    pub(crate) fn fraction_micros(&mut self) -> Option<i32> {
        if self.take(b".").is_none() {
            return Some(0);
        }
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (kept, finer) = self.0.get(..count)?.split_at(count.min(6));
        (count > 0 && finer.iter().all(|digit| *digit == b'0')).then_some(())?;
        self.0 = self.0.get(count..)?;
        let scale = 10_i32.pow(u32::try_from(6 - kept.len()).ok()?);
        Some(std::str::from_utf8(kept).ok()?.parse::<i32>().ok()? * scale)
    }
}
