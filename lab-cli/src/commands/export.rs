//! `lab export`: a system as files for other tools, and the image that they refer to.

use std::path::Path;

use compose::export::{self, ExportedFile};

use crate::able;
use crate::arguments::What;
use crate::backends::{backend, prepare};
use crate::failure::{Exit, Failure};
use crate::output;

/// Writes what is asked for into a folder; without one, prints the file to start from.
///
/// # Errors
/// A name that no system has; a folder that cannot be written to; for the image, an engine that does not answer.
pub async fn run(what: What, system: &str, output: Option<&Path>) -> Result<Exit, Failure> {
    let system = export::whole_system(system)?;
    let (files, secret) = match what {
        What::Compose => (export::compose(&system)?, export::compose_secret()),
        What::K8s => (export::kubernetes(&system)?, export::kubernetes_secret()),
        What::Image => return image().await,
    };
    match output {
        Some(folder) => {
            write(folder, &files)?;
            write_secret(folder, &secret)?;
        }
        None => {
            if let Some(first) = files.first() {
                output::data(first.text.as_bytes());
            }
        }
    }
    Ok(Exit::Pass)
}

/// Makes the image that the files refer to, on the engine of this machine.
async fn image() -> Result<Exit, Failure> {
    let Some(name) = able::that_takes_images() else {
        return Err(Failure::usage("no backend of this lab takes images"));
    };
    prepare(backend(name)?.as_ref(), &[]).await?;
    outln!("{}", export::IMAGE);
    Ok(Exit::Pass)
}

/// Writes the system's own secret, for this user alone. One that is there stays: a system that runs may sign with it.
fn write_secret(folder: &Path, secret: &ExportedFile) -> Result<(), Failure> {
    let path = folder.join(secret.name);
    if path.exists() {
        outln!("{} (kept as it was)", path.display());
        return Ok(());
    }
    compose::private::write(&path, secret.text.as_bytes())
        .map_err(|error| Failure::environment(format!("cannot write {}: {error}", path.display())))?;
    outln!("{}", path.display());
    Ok(())
}

fn write(folder: &Path, files: &[ExportedFile]) -> Result<(), Failure> {
    let cannot = |path: &Path| {
        let shown = path.display().to_string();
        move |error: std::io::Error| Failure::environment(format!("cannot write {shown}: {error}"))
    };
    std::fs::create_dir_all(folder).map_err(cannot(folder))?;
    for file in files {
        let path = folder.join(file.name);
        std::fs::write(&path, &file.text).map_err(cannot(&path))?;
        outln!("{}", path.display());
    }
    Ok(())
}
