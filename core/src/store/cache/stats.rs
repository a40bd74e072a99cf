/// What a store's cache holds and how useful it was: see [`Store::stats`](crate::Store::stats).
///
/// All zero where the cache is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// The fields that are held, those among them that are known to have no entry.
    pub entries: u64,
    /// The bytes that they take: names, values, and what holding them costs, the allocator's own
    /// bytes included.
    pub bytes: u64,
    /// The reads that were answered from memory. Threads that read the same record at the same moment may
    /// be counted as one.
    pub hits: u64,
    /// The reads that asked the driver.
    pub misses: u64,
    /// The fields that had to make room for others.
    pub evictions: u64,
}

impl CacheStats {
    /// Returns the share of the reads that was answered from memory, from 0 to 1; `None` if nothing was
    /// read yet.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nobody reads a share to the 16th digit")]
    pub fn hit_rate(&self) -> Option<f64> {
        let reads = self.hits + self.misses;
        (reads > 0).then(|| self.hits as f64 / reads as f64)
    }
}
