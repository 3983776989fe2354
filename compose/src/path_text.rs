//! Paths in records. A path is bytes; where those are text, it is written as text, and else as a list of numbers.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Bytes(Vec<u8>),
}

/// Writes any path; for `#[serde(with)]`.
///
/// # Errors
/// When the serialiser fails.
pub(crate) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    match path.to_str() {
        Some(text) => Written::Text(text.to_owned()),
        None => Written::Bytes(path.as_os_str().as_bytes().to_owned()),
    }
    .serialize(serializer)
}

/// Reads what [`serialize`] wrote.
///
/// # Errors
/// When it is neither text nor bytes.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    Ok(match Written::deserialize(deserializer)? {
        Written::Text(text) => PathBuf::from(text),
        Written::Bytes(bytes) => PathBuf::from(OsString::from_vec(bytes)),
    })
}

/// The same for a path that may be absent.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, Path, PathBuf, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Wrapped(#[serde(with = "super")] PathBuf);

    /// Writes any path, or nothing.
    ///
    /// # Errors
    /// When the serialiser fails.
    pub(crate) fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        let path = path.as_deref().map(Path::to_owned);
        path.map(Wrapped).serialize(serializer)
    }

    /// Reads what [`serialize`] wrote.
    ///
    /// # Errors
    /// When it is neither nothing, nor text, nor bytes.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|wrapped| wrapped.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        #[serde(with = "super")]
        one: PathBuf,
        #[serde(with = "super::optional")]
        two: Option<PathBuf>,
    }

    #[test]
    fn any_path_is_read_back_and_text_stays_text() {
        for bytes in [&b"/a b/%20?#\"\n"[..], b"/a\xffb", "/ä".as_bytes()] {
            let path = PathBuf::from(OsString::from_vec(bytes.to_owned()));
            let holder = Holder {
                one: path.clone(),
                two: Some(path),
            };
            let json = serde_json::to_string(&holder).unwrap();
            assert_eq!(serde_json::from_str::<Holder>(&json).unwrap(), holder, "{json}");
        }
        let json = serde_json::to_value(Holder {
            one: "/run".into(),
            two: None,
        })
        .unwrap();
        assert_eq!(json, serde_json::json!({ "one": "/run", "two": null }));
    }
}
