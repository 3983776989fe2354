//! What an image of the host's own PostgreSQL is made of: the server and `initdb`, a shell (by which the one runs the
//! other), what they load and read at their first start, and an account, without which they do not start.

use std::path::{Path, PathBuf};

use super::source::initdb_of;
use crate::servers::image::{Ingredients, USER, files_below, place_of};

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

#[cfg(test)]
mod tests {
    use std::fs;

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
