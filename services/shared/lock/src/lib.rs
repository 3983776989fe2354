//! Mutual exclusion: between the tasks of an instance ([`LocalLocks`]), and between instances through one Redis
//! ([`RedisLock`]); and the [`Protection`] of a read-decide-write by one of several [strategies](contract::Strategy),
//! right and wrong ones, so that a service is the same under all of them.
//!
//! # What a lock in Redis promises
//!
//! While one Redis node runs and keeps what it was told:
//! - At any moment *Redis* knows at most one holder of a key. (The holders may think otherwise: see below.)
//! - Only the holder gives the lock back or extends it, since both compare a random owner first, in one script.
//! - A holder that dies holds it up for its time to live at most: the lock is a lease (Gray and Cheriton, *Leases: an
//!   efficient fault-tolerant mechanism for distributed file cache consistency*, SOSP 1989).
//! - Winning the lock and getting a fencing token are one step, and the tokens of a key rise from holder to holder: the
//!   counter outlives the lock.
//! - Acquiring ends by its deadline, with the lock or with the reason, whatever Redis does.
//!
//! # What it does not promise
//!
//! - That a holder still holds it. A process that is paused (SIGSTOP, a garbage collector, a machine without processor
//!   time) or whose clock or timers are slow wakes up after the lock has passed to somebody else, and cannot know.
//!   Asking Redis first does not help: the answer is old by the time of the write. Only the storage can tell, by the
//!   token: M. Kleppmann, *How to do distributed locking*, 2016.
//! - Anything after a failover or a restart of Redis. Replication is asynchronous and this Redis writes nothing to
//!   disk, so a lock may be forgotten while it is held, and *the counters may begin anew*: storage then refuses the new
//!   tokens, which is safe, until they have caught up.
//! - Fairness. Those who wait try again after random pauses, so anybody may be next.
//!
//! Redis' clock alone measures the time to live, so clocks of instances need not agree; but a jump of its clock ends
//! locks early or late. The scheme is that of the Redis documentation for a single instance (`SET key owner NX PX ttl`,
//! compare-and-delete), with the token added.

mod error;
mod guard;
mod local;
mod lock_store;
mod meter;
mod protection;
mod redis_lock;
mod release;
mod scripts;
mod steps;
mod visit;

pub use error::LockError;
pub use guard::LockGuard;
pub use local::{LocalGuard, LocalLocks};
pub use protection::Protection;
pub use redis_lock::{LockOptions, RedisLock, TokenIssue};
pub use release::{Release, ReleaseMode};
pub use steps::{Steps, monotonic_ns};
pub use visit::{Permit, Visit};
