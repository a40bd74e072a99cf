use std::fmt;
use std::vec;

use super::Entry;
use crate::error::Error;

type NextPage<T> = Box<dyn FnMut() -> Result<Vec<T>, Error> + Send>;

/// An iterator that reads from the log lazily, page by page.
///
/// It ends after the first error.
#[must_use = "nothing is read until the iterator is walked"]
pub struct Pages<T> {
    next_page: Option<NextPage<T>>,
    page: vec::IntoIter<T>,
}

impl<T> Pages<T> {
    /// Returns an iterator over the pages that `next_page` gives until it gives an empty one.
    pub(crate) fn new(next_page: impl FnMut() -> Result<Vec<T>, Error> + Send + 'static) -> Pages<T> {
        Pages { next_page: Some(Box::new(next_page)), page: Vec::new().into_iter() }
    }

    /// Returns an iterator over the pages that `next_page` gives, each with its limit, until one has fewer
    /// items than that.
    pub(crate) fn until_short(
        mut next_page: impl FnMut() -> Result<(Vec<T>, usize), Error> + Send + 'static,
    ) -> Pages<T> {
        let mut short = false;
        Pages::new(move || {
            if short {
                return Ok(Vec::new());
            }
            let (page, limit) = next_page()?;
            short = page.len() < limit;
            Ok(page)
        })
    }
}

impl<T> Iterator for Pages<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Result<T, Error>> {
        if let Some(item) = self.page.next() {
            return Some(Ok(item));
        }
        match self.next_page.as_mut()?() {
            Ok(page) if page.is_empty() => self.next_page = None,
            Ok(page) => self.page = page.into_iter(),
            Err(error) => {
                self.next_page = None;
                return Some(Err(error));
            }
        }
        self.page.next().map(Ok)
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("at_hand", &self.page.len()).finish_non_exhaustive()
    }
}

/// How many items the next page shall have.
///
/// Each page has as many as all before it together, so that a reader who stops has not paid for more
/// than twice what he took; but no more than four times the one before, nor than [`PageSize::BYTES`]
/// hold of items like those of that page.
#[derive(Clone, Copy)]
pub(crate) struct PageSize {
    next: usize,
    max: usize,
    /// How many items all pages so far had.
    read: usize,
}

impl PageSize {
    /// The most bytes of payload that a page should have, so that values of any size can be walked.
    const BYTES: usize = 4 << 20;

    pub(crate) const fn growing(first: usize, max: usize) -> PageSize {
        PageSize { next: first, max, read: 0 }
    }

    pub(crate) const fn get(&self) -> usize {
        self.next
    }

    /// Learns from a page what the next one may be.
    pub(crate) fn after(&mut self, items: usize, bytes: usize) {
        let fitting = (Self::BYTES / bytes.div_ceil(items.max(1)).max(1)).max(1);
        self.read = self.read.saturating_add(items);
        let grown = self.read.min(self.next.saturating_mul(4));
        self.next = grown.clamp(1, self.max).min(fitting);
    }
}

/// Returns the bytes of the values that these entries set.
pub(crate) fn payload<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> usize {
    entries.into_iter().filter_map(|entry| entry.action.bytes()).map(|bytes| bytes.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_grow_to_their_greatest_size() {
        let mut size = PageSize::growing(4, 100);
        let sizes: Vec<usize> = (0..7)
            .map(|_| {
                let next = size.get();
                size.after(next, next);
                next
            })
            .collect();
        assert_eq!(sizes, [4, 4, 8, 16, 32, 64, 100]);
    }

    #[test]
    fn pages_of_large_values_are_short() {
        let mut size = PageSize::growing(4, 1000);
        size.after(4, 4 * (1 << 20));
        assert_eq!(size.get(), 4);
        size.after(4, 4 * (64 << 20));
        assert_eq!(size.get(), 1);
        size.after(1, 10);
        assert_eq!(size.get(), 4, "and grow again");
    }
}
