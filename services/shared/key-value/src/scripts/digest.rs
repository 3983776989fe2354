//! The name under which a script is kept.

use sha1::{Digest, Sha1};

/// The hash of a script, as it is written.
pub(crate) fn sha1_of(text: &[u8]) -> String {
    Sha1::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
