//! The secret that signs an exported system's tokens. It is in none of the other files, which anybody may read and keep
//! under version control, and is drawn anew for each export.

use contract::environment::JWT_SECRET;
use serde_json::json;

use super::file::ExportedFile;
use super::kubernetes::{JWT_SECRET_NAME, metadata};
use crate::place::random;
use crate::yaml;

/// How many times eight bytes are drawn.
const DRAWS: usize = 4;

/// The file from which Docker Compose takes the variables that its own file leaves open.
#[must_use]
pub fn for_compose() -> ExportedFile {
    ExportedFile {
        name: ".env",
        text: format!("{JWT_SECRET}={}\n", drawn()),
    }
}

/// The Secret that the manifests refer to.
#[must_use]
pub fn for_kubernetes() -> ExportedFile {
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(JWT_SECRET_NAME),
        "type": "Opaque",
        "stringData": { JWT_SECRET: drawn() },
    });
    ExportedFile {
        name: "jwt-secret.yaml",
        text: yaml::document(&secret),
    }
}

fn drawn() -> String {
    (0..DRAWS).map(|_| format!("{:016x}", random())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_export_has_a_secret_of_its_own() {
        let (one, two) = (for_compose().text, for_compose().text);
        assert_ne!(one, two);
        let value = one.trim().strip_prefix("JWT_SECRET=").unwrap();
        assert_eq!(value.len(), DRAWS * 16);
        assert!(for_kubernetes().text.contains("kind: Secret") || for_kubernetes().text.contains("\"Secret\""));
    }
}
