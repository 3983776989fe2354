//! An image as an archive that an engine loads (<https://github.com/moby/moby/blob/master/image/spec/spec.md>): one layer
//! with some files, a configuration, and a list that names both. The same files give the same bytes, and so the same id.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::servers::image::USER;

/// Folders that a program may write to, in an image that is otherwise read-only.
const FOLDERS: [(&str, u32); 2] = [("tmp/", 0o1777), ("data/", 0o777)];
/// The tag of every image.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
const LAYER: &str = "layer.tar";

/// What goes into an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    /// The image's name, without a tag.
    pub(super) name: String,
    /// Files of this machine and where they lie in the image, without a `/` in front.
    pub(super) files: Vec<(PathBuf, String)>,
    /// Files that no machine has: where they lie, and what is in them.
    pub(super) texts: Vec<(&'static str, String)>,
}

/// An image whose id is known.
pub(super) struct Archive {
    contents: Contents,
    config: Vec<u8>,
    layer_bytes: u64,
    /// `sha256:…`, the engine's name for it.
    pub(super) id: String,
}

impl Archive {
    /// Reads all files once to tell the id.
    pub(super) fn of(contents: Contents) -> io::Result<Self> {
        let mut measure = Measure::default();
        write_layer(&contents, &mut measure)?;
        let layer = hex(&measure.digest.finalize());
        let config = config(&contents.name, &layer);
        let id = format!("sha256:{}", hex(&Sha256::digest(&config)));
        Ok(Self {
            contents,
            config,
            layer_bytes: measure.bytes,
            id,
        })
    }

    /// The image's name, without a tag.
    pub(super) fn name(&self) -> &str {
        &self.contents.name
    }

    /// About how long the whole archive is.
    pub(super) fn bytes(&self) -> u64 {
        self.layer_bytes
    }

    /// Writes the archive.
    pub(super) fn write(&self, out: impl Write) -> io::Result<()> {
        let mut archive = Builder::new(out);
        let config_name = format!("{}.json", self.id.trim_start_matches("sha256:"));
        let manifest = json!([{
            "Config": config_name,
            "RepoTags": [format!("{}:{}", self.contents.name, VERSION)],
            "Layers": [LAYER],
        }]);
        append(&mut archive, &config_name, &self.config)?;
        append(&mut archive, "manifest.json", manifest.to_string().as_bytes())?;
        let mut header = header(EntryType::Regular, 0o644, 0);
        header.set_size(self.layer_bytes);
        header.set_path(LAYER)?;
        header.set_cksum();
        // A layer is a whole number of blocks, so no padding follows it.
        archive.get_mut().write_all(header.as_bytes())?;
        write_layer(&self.contents, archive.get_mut())?;
        archive.finish()?;
        archive.get_mut().flush()
    }
}

fn write_layer(contents: &Contents, out: &mut impl Write) -> io::Result<()> {
    let mut layer = Builder::new(out);
    for (path, mode) in FOLDERS {
        let mut header = header(EntryType::Directory, mode, USER);
        layer.append_data(&mut header, path, io::empty())?;
    }
    for (from, to) in &contents.files {
        let file = File::open(from)?;
        let mut header = header(EntryType::Regular, 0o555, 0);
        header.set_size(file.metadata()?.len());
        layer.append_data(&mut header, Path::new(to), file)?;
    }
    for (to, text) in &contents.texts {
        append(&mut layer, to, text.as_bytes())?;
    }
    layer.finish()
}

/// A header in which nothing depends on when or by whom it is written.
fn header(kind: EntryType, mode: u32, owner: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(owner);
    header.set_gid(owner);
    header.set_mtime(0);
    header.set_size(0);
    header
}

fn append(archive: &mut Builder<impl Write>, name: &str, content: &[u8]) -> io::Result<()> {
    let mut header = header(EntryType::Regular, 0o644, 0);
    header.set_size(content.len() as u64);
    archive.append_data(&mut header, name, content)
}

fn config(name: &str, layer: &str) -> Vec<u8> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    json!({
        "architecture": architecture,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "User": format!("{USER}:{USER}"),
            "WorkingDir": "/data",
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Labels": { super::super::labels::IMAGE: name },
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
        "history": [{ "created": "1970-01-01T00:00:00Z", "created_by": "lab" }],
    })
    .to_string()
    .into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Counts and digests what is written.
#[derive(Default)]
struct Measure {
    digest: Sha256,
    bytes: u64,
}

impl Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::*;

    fn contents(folder: &Path, text: &str) -> Contents {
        let file = folder.join("program");
        std::fs::write(&file, text).unwrap();
        Contents {
            name: "lab-test".into(),
            files: vec![(file, "usr/bin/program".into())],
            texts: vec![("etc/note", "a note\n".into())],
        }
    }

    fn entries(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().display().to_string(), content)
        });
        entries.collect()
    }

    #[test]
    fn the_same_files_give_the_same_id_whenever_they_were_written() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [one, two] = folders.each_ref().map(|folder| contents(folder.path(), "text"));
        let id = Archive::of(one).unwrap().id;
        assert_eq!(id, Archive::of(two).unwrap().id);
        assert_ne!(id, Archive::of(contents(folders[0].path(), "other")).unwrap().id);
    }

    #[test]
    fn the_archive_names_a_config_whose_digest_is_the_id_and_a_layer_whose_digest_it_states() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::of(contents(folder.path(), "text")).unwrap();
        let mut bytes = Vec::new();
        archive.write(&mut bytes).unwrap();
        let entries = entries(&bytes);
        let manifest: serde_json::Value = serde_json::from_slice(&entries["manifest.json"]).unwrap();
        let config = &entries[manifest[0]["Config"].as_str().unwrap()];
        assert_eq!(format!("sha256:{}", hex(&Sha256::digest(config))), archive.id);
        let config: serde_json::Value = serde_json::from_slice(config).unwrap();
        let layer = &entries[manifest[0]["Layers"][0].as_str().unwrap()];
        assert_eq!(
            config["rootfs"]["diff_ids"][0],
            format!("sha256:{}", hex(&Sha256::digest(layer)))
        );
        let inside = self::entries(layer);
        assert_eq!(inside["usr/bin/program"], b"text");
        assert_eq!(inside["etc/note"], b"a note\n");
        assert!(
            inside.contains_key("tmp/") && inside.contains_key("data/"),
            "{inside:?}"
        );
    }
}
