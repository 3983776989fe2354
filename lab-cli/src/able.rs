//! Which backends can do what another one cannot, in words: asked of what they declare.

use std::collections::BTreeSet;

use compose::{BackendRegistry, Capability};

/// Says which backends have all of what another one lacks.
pub fn words(needed: &BTreeSet<Capability>) -> String {
    match able(needed).as_slice() {
        [] => "no backend of this lab has all of that".to_owned(),
        [one] => format!("--backend {one} has everything"),
        several => format!("--backend {} have everything", several.join(" and --backend ")),
    }
}

/// Says which backends bring a server that this machine does not have; nothing where there are none.
pub fn with_images() -> Option<String> {
    let able = able(&BTreeSet::from([Capability::Images]));
    (!able.is_empty()).then(|| format!("or take its image: --backend {}", able.join(", or --backend ")))
}

/// The first backend that runs servers of others from their images.
pub fn that_takes_images() -> Option<&'static str> {
    able(&BTreeSet::from([Capability::Images])).first().copied()
}

fn able(needed: &BTreeSet<Capability>) -> Vec<&'static str> {
    let registry = BackendRegistry::of_current_program();
    registry.map(|registry| registry.able(needed)).unwrap_or_default()
}
