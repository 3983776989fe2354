//! Settings as a team writes them: `window=10s failures=50% min=20 open=5s probes=3`.
//!
//! Words in any order, each a name and a value. A word that is missing has its default, and one that is not understood is
//! an error that says what would be.

mod error;
mod kind;
mod share;
mod value;
mod words;

pub use error::SettingsError;
pub use kind::Kind;
pub(crate) use kind::find;
pub use share::Share;
pub(crate) use value::Value;
pub use words::Words;
