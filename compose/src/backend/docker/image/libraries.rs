//! Which shared libraries a program needs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The shared libraries of a program, its loader among them, at the paths where it looks for them; none for one that
/// is linked statically. Those whose file names are among `beside` come along anyway and are left out: they may be missing, as they
/// are found by others of them once these are loaded.
///
/// # Errors
/// Why they cannot be told, as the end of a sentence.
pub(super) fn libraries(program: &Path, beside: &[String]) -> Result<Vec<PathBuf>, String> {
    let output = Command::new("ldd")
        .arg(program)
        // Messages are read, so they must be in one language.
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| format!("ldd, which tells the libraries of a program, cannot be run: {error}"))?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if text.contains("not a dynamic executable") || text.contains("statically linked") {
        return Ok(Vec::new());
    }
    if !output.status.success() {
        return Err(format!("ldd {} says: {}", program.display(), text.trim()));
    }
    named(&text, beside)
}

/// Reads lines of the forms `name => path (address)`, `path (address)` and, for what the kernel itself brings along,
/// `name (address)`.
fn named(text: &str, beside: &[String]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(missing) = line.strip_suffix(" => not found") {
            if beside.iter().any(|name| name == missing) {
                continue;
            }
            return Err(format!("it needs a library that is not there: {line}"));
        }
        let place = line.split_once(" => ").map_or(line, |(_, place)| place);
        let place = place.split_once(" (").map_or(place, |(place, _)| place);
        let place = Path::new(place);
        let is_beside = place
            .file_name()
            .is_some_and(|name| beside.iter().any(|own| name == own.as_str()));
        if place.is_absolute() && !is_beside {
            found.push(place.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_loader_are_read_and_what_the_kernel_brings_is_not() {
        let text = "\tlinux-vdso.so.1 (0x00007fff)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f39)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f67)\n";
        assert_eq!(
            named(text, &[]).unwrap(),
            [
                PathBuf::from("/lib/x86_64-linux-gnu/libc.so.6"),
                PathBuf::from("/lib64/ld-linux-x86-64.so.2")
            ]
        );
    }

    #[test]
    fn a_library_that_is_missing_is_named() {
        let text = "\tlibfoo.so.1 => not found\n";
        let error = named(text, &[]).unwrap_err();
        assert!(error.contains("libfoo.so.1"), "{error}");
        assert!(named(text, &["libfoo.so.1".to_owned()]).unwrap().is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn every_library_of_this_very_program_is_a_file() {
        let own = libraries(&std::env::current_exe().unwrap(), &[]).unwrap();
        assert!(own.iter().all(|path| path.is_file()), "{own:?}");
    }
}
