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
