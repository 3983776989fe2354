//! What an image of the host's own Apache Kafka is made of: its jars, and the Java that runs them. The lab's own program,
//! which is in it too, makes the settings and becomes the broker, as on this machine.

use std::fs;
use std::path::Path;

use crate::host;
use crate::servers::image::{Ingredients, files_below};

/// Where things lie in the image.
const JARS: &str = "opt/kafka/libs";
const JAVA: &str = "opt/java";
/// How the lab's program finds them there.
pub(super) const ENVIRONMENT: [&str; 2] = ["KAFKA_HOME=/opt/kafka", "PATH=/opt/java/bin:/usr/bin:/bin"];
/// Folders of a Java that nobody needs who runs a program.
const UNUSED: [&str; 7] = ["jmods", "man", "legal", "include", "demo", "sample", "docs"];

/// What goes into the image.
///
/// # Errors
/// What is missing, as the end of a sentence.
pub(super) fn ingredients(jars: &Path) -> Result<Ingredients, String> {
    let unread = |folder: &Path| {
        let folder = folder.display().to_string();
        move |error: std::io::Error| format!("{folder} cannot be read: {error}")
    };
    let java = host::find_program("java", &host::program_folders())
        .and_then(|java| fs::canonicalize(java).ok())
        .ok_or_else(|| "there is no java on this machine".to_owned())?;
    let home = java
        .parent()
        .and_then(Path::parent)
        .ok_or_else(|| format!("{} is not in the folder of a Java installation", java.display()))?;
    let mut ingredients = Ingredients::default();
    for file in files_below(home, &UNUSED).map_err(unread(home))? {
        let place = within(JAVA, home, &file);
        if is_loaded(&file) || file == java {
            ingredients.programs.push((file, place));
        } else if file.parent() != java.parent() {
            ingredients.files.push((file, place));
        }
    }
    for jar in files_below(jars, &[]).map_err(unread(jars))? {
        let place = within(JARS, jars, &jar);
        ingredients.files.push((jar, place));
    }
    Ok(ingredients)
}

fn within(place: &str, folder: &Path, file: &Path) -> String {
    let inner = file.strip_prefix(folder).unwrap_or(file);
    format!("{place}/{}", inner.display())
}

/// Whether it is a library, which takes along those that it needs.
fn is_loaded(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "so")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn jars_and_java_lie_where_the_lab_looks_for_them() {
        let Some(java) = host::find_program("java", &host::program_folders()) else {
            testing::skip("there is no java");
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("kafka_2.13-4.1.0.jar"), "").unwrap();
        let ingredients = ingredients(folder.path()).unwrap();
        let program = fs::canonicalize(java).unwrap();
        let places =
            |things: &[(PathBuf, String)]| -> Vec<String> { things.iter().map(|(_, place)| place.clone()).collect() };
        assert!(
            ingredients
                .programs
                .contains(&(program, "opt/java/bin/java".to_owned()))
        );
        assert!(places(&ingredients.programs).contains(&"opt/java/lib/server/libjvm.so".to_owned()));
        assert!(places(&ingredients.files).contains(&"opt/java/lib/modules".to_owned()));
        assert!(places(&ingredients.files).contains(&"opt/kafka/libs/kafka_2.13-4.1.0.jar".to_owned()));
        assert!(!places(&ingredients.files).iter().any(|place| place.contains("/jmods/")));
    }
}
