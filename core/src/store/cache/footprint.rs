//! What allocations take: the allocator's own bytes included, so that the budget holds for the
//! process and not only for what was asked of the allocator.

/// The bytes in front of an allocation, and the step in which it grows: those of glibc, which others
/// come close to.
const HEADER: usize = 8;
const STEP: usize = 16;
const LEAST: usize = 32;

/// The two reference counts in front of what an `Arc` shares.
const COUNTS: usize = 2 * size_of::<usize>();

/// Returns the bytes that an allocation of `bytes` takes.
pub(crate) fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + HEADER).next_multiple_of(STEP).max(LEAST) }
}

/// Returns the bytes that `bytes` behind an `Arc` take.
pub(crate) fn shared(bytes: usize) -> usize {
    allocated(COUNTS + bytes)
}

/// Returns the bytes of a hash table of the standard library with this capacity.
pub(crate) fn table(capacity: usize, item: usize) -> usize {
    if capacity == 0 {
        return 0;
    }
    let buckets = (capacity * 8 / 7).next_power_of_two().max(4);
    allocated(buckets * (item + 1) + STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations_are_rounded_up() {
        let sizes = [0, 1, 24, 25, 40, 41, 1000].map(allocated);
        assert_eq!(sizes, [0, 32, 32, 48, 48, 64, 1008]);
        assert_eq!(shared(22), 48);
    }

    #[test]
    fn tables_have_a_power_of_two_of_buckets() {
        assert_eq!(table(0, 8), 0);
        assert_eq!(table(3, 8), allocated(4 * 9 + 16));
        assert_eq!(table(28, 8), allocated(32 * 9 + 16));
        assert_eq!(table(56, 8), allocated(64 * 9 + 16));
    }
}
