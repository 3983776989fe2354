//! What an image of the host's own PostgreSQL is made of: the server and `initdb`, a shell (by which the one runs the
//! other), what they load and read at their first start, and an account, without which they do not start.

use std::fs;
use std::path::{Path, PathBuf};

use super::archive::USER;
use super::ingredients::Ingredients;
use super::place_of;
use crate::postgres::initdb_of;

/// The time of clients, where the server has its time zones from the system instead of bringing them along.
const UTC: &str = "/usr/share/zoneinfo/UTC";
/// The libraries that a fresh cluster loads. There are more, for extensions that nobody here makes use of.
const LOADED: [&str; 2] = ["plpgsql.so", "dict_snowball.so"];
/// Lies in the folder of what is read.
const MARK: &str = "postgres.bki";
/// What of that folder nobody reads who makes a cluster.
const UNREAD: [&str; 2] = ["man", "contrib"];

/// What goes into the image; everything lies where it lies on the host, because the server looks for it from where it is
/// itself.
///
/// # Errors
/// What is missing, as the end of a sentence.
pub(super) fn ingredients(server: &Path) -> Result<Ingredients, String> {
    let read = read_folder(server).ok_or_else(|| format!("no {MARK} belongs to {}", server.display()))?;
    let loaded = loaded_folder(server).ok_or_else(|| format!("no {} belongs to {}", LOADED[0], server.display()))?;
    let programs = [server.to_owned(), initdb_of(server)].into_iter();
    let programs = programs.chain(LOADED.map(|name| loaded.join(name)));
    let shell = PathBuf::from("/bin/sh");
    Ok(Ingredients {
        programs: programs
            .chain([shell])
            .map(|program| {
                let place = place_of(&program);
                (program, place)
            })
            .collect(),
        files: files_below(&read, &UNREAD)
            .map_err(|error| format!("{} cannot be read: {error}", read.display()))?
            .into_iter()
            .chain(Some(PathBuf::from(UTC)).filter(|zone| zone.is_file()))
            .map(|file| {
                let place = place_of(&file);
                (file, place)
            })
            .collect(),
        texts: vec![("etc/passwd", format!("lab:x:{USER}:{USER}::/data:/bin/sh\n"))],
    })
}

/// The folder of what the server reads: of one that was built to be moved, or one of a distribution's.
fn read_folder(server: &Path) -> Option<PathBuf> {
    let own = server.parent()?.parent()?;
    let version = own.file_name()?;
    let places = [
        own.join("share"),
        own.join("share/postgresql"),
        own.join("share/pgsql"),
        Path::new("/usr/share/postgresql").join(version),
    ];
    places.into_iter().find(|place| place.join(MARK).is_file())
}

/// The folder of what the server loads, likewise.
fn loaded_folder(server: &Path) -> Option<PathBuf> {
    let own = server.parent()?.parent()?;
    let places = ["lib", "lib/postgresql", "lib64/pgsql", "lib/pgsql", "lib64"];
    let mut places = places.into_iter().map(|place| own.join(place));
    places.find(|place| LOADED.iter().all(|name| place.join(name).is_file()))
}

/// All files in a folder and those below it but for folders of these names, in an order that does not change.
pub(super) fn files_below(folder: &Path, without: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut files = Vec::new();
    for path in entries.into_iter().map(|entry| entry.path()) {
        let is_unread = path
            .file_name()
            .is_some_and(|name| without.iter().any(|unread| name == *unread));
        if path.is_dir() && !is_unread {
            files.extend(files_below(&path, without)?);
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server of a distribution's kind, wholly in one folder.
    fn installed() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str| {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        };
        for path in [
            "bin/postgres",
            "bin/initdb",
            "lib/plpgsql.so",
            "lib/dict_snowball.so",
            "lib/other.so",
            "share/postgres.bki",
            "share/timezonesets/Default",
            "share/man/man1/psql.1",
        ] {
            put(path);
        }
        let server = folder.path().join("bin/postgres");
        (folder, server)
    }

    #[test]
    fn what_a_first_start_needs_goes_along_to_the_same_place() {
        let (folder, server) = installed();
        let Ingredients { programs, files, texts } = ingredients(&server).unwrap();
        let inside = |path: &str| place_of(&folder.path().join(path));
        let places: Vec<String> = programs.into_iter().chain(files).map(|(_, place)| place).collect();
        for path in [
            "bin/postgres",
            "bin/initdb",
            "lib/plpgsql.so",
            "lib/dict_snowball.so",
            "share/postgres.bki",
            "share/timezonesets/Default",
        ] {
            assert!(places.contains(&inside(path)), "{path} is not in {places:?}");
        }
        assert!(places.contains(&"bin/sh".to_owned()));
        for path in ["lib/other.so", "share/man/man1/psql.1"] {
            assert!(!places.contains(&inside(path)), "{path} is in {places:?}");
        }
        assert!(texts[0].1.contains("65532"), "{texts:?}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let (folder, server) = installed();
        fs::remove_file(folder.path().join("share/postgres.bki")).unwrap();
        assert!(ingredients(&server).unwrap_err().contains("postgres.bki"));
    }
}
