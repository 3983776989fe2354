//! What every system of containers uses.

use super::engine::Engine;
use super::gates::Gates;
use super::image::Images;
use crate::host::Host;

/// The backend's name.
pub(in crate::backend) const NAME: &str = "docker";

/// Where a link takes connections; at the other port it is controlled.
pub(super) const LINK_PORT: u16 = 8081;

/// What every system of this backend uses.
pub(super) struct Tools {
    pub(super) engine: Engine,
    pub(super) images: Images,
    pub(super) gates: Gates,
    pub(super) host: Host,
    pub(super) http: reqwest::Client,
}
