//! Giving locks back: how, and what that did.

/// How a lock is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseMode {
    /// By its owner only.
    Owner,
    /// Wrong: deleted, whoever holds it. Who gives back after the time to live ends the lock of the next holder.
    Bare,
}

/// What giving back a lock did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// It was held, and is free.
    Released,
    /// It was no longer held, so nothing was done: its time was up, and another may hold it.
    NotOwner,
    /// It was no longer held, and the lock of another was deleted: [`ReleaseMode::Bare`] only.
    DeletedForeign,
}
