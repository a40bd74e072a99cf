use std::fmt;
use std::vec;

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

/// Page sizes that begin small, so that a reader who stops early pays little, and grow.
pub(crate) struct PageSize {
    next: usize,
    max: usize,
}

impl PageSize {
    pub(crate) const fn growing(first: usize, max: usize) -> PageSize {
        PageSize { next: first, max }
    }

    pub(crate) fn next(&mut self) -> usize {
        let size = self.next;
        self.next = (size * 4).min(self.max);
        size
    }
}
