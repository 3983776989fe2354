//! What this machine is, as reports show it.

use scenarios::event::Machine;

/// Cores that the lab may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The machine of a run.
pub fn describe() -> Machine {
    Machine {
        cores: cores(),
        os: os(),
        lab: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Kernel, release and architecture.
fn os() -> String {
    let uname = rustix::system::uname();
    [uname.sysname(), uname.release(), uname.machine()]
        .map(|part| part.to_string_lossy().into_owned())
        .join(" ")
}
