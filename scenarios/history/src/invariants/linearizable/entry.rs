//! What the search, and all that helps it, work on.

/// One operation as the search sees it.
#[derive(Debug, Clone)]
pub(super) struct Entry<C> {
    /// Index into the operations of the key.
    pub(super) operation: usize,
    pub(super) call: C,
    pub(super) invoked_ns: u64,
    /// By when it must be placed; none where it need not be placed at all.
    pub(super) due_ns: Option<u64>,
}
