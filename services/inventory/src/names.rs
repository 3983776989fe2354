//! Names that clients choose.

use chassis::Failure;

/// A name that a client chose and put into the path.
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<(), Failure> {
    contract::check_text(field, name).map_err(|violation| Failure::bad_request(violation.to_string()))
}
