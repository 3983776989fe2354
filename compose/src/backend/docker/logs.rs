//! Logs of containers, brought into the same files as those of processes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use bollard::Docker;
use bollard::errors::Error as Fault;
use bollard::query_parameters::{LogsOptions, LogsOptionsBuilder};
use futures_util::StreamExt;

use super::engine::{Engine, is_missing};
use crate::error::Error;

/// How much of a file is compared to find where it goes on.
const SAMPLE_BYTES: u64 = 1024;
/// Stands where the engine kept less than was written.
const DROPPED: &[u8] = b"(the engine kept no more of what was written here)\n";

fn options(follow: bool) -> LogsOptions {
    LogsOptionsBuilder::default()
        .follow(follow)
        .stdout(true)
        .stderr(true)
        .build()
}

/// Appends what a container writes to a file, until it has ended.
pub(super) async fn follow(docker: &Docker, id: &str, log: &Path) {
    let written = async {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(|error| error.to_string())?;
        let mut lines = Box::pin(docker.logs(id, Some(options(true))));
        while let Some(line) = lines.next().await {
            let line = line.map_err(|fault| fault.to_string())?;
            file.write_all(&line.into_bytes()).map_err(|error| error.to_string())?;
        }
        Ok::<(), String>(())
    };
    if let Err(reason) = written.await {
        tracing::warn!(reason, log = %log.display(), "the log of a container is incomplete");
    }
}

/// Appends to a file what it lacks of a container's log, which begins at `log_start` in it. Several labs may do this at
/// once.
pub(super) async fn fetch(engine: &Engine, id: &str, log: &Path, log_start: u64) -> Result<(), Error> {
    let id = id.to_owned();
    let read = |docker: Docker| async move {
        let mut text = Vec::new();
        let mut lines = Box::pin(docker.logs(&id, Some(options(false))));
        while let Some(line) = lines.next().await {
            match line {
                Ok(line) => text.extend_from_slice(&line.into_bytes()),
                Err(fault) if is_missing(&fault) => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok::<_, Fault>(text)
    };
    let text = engine.call("read a log", read).await?;
    append_rest(log, log_start, &text).map_err(Error::file("write", log))
}

fn append_rest(log: &Path, log_start: u64, text: &[u8]) -> io::Result<()> {
    let mut file = File::options().create(true).read(true).append(true).open(log)?;
    file.lock()?;
    let end = file.seek(SeekFrom::End(0))?;
    let there = end.saturating_sub(log_start);
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(log_start))?;
    (&mut file).take(SAMPLE_BYTES).read_to_end(&mut head)?;
    let common = head.len().min(text.len());
    if head[..common] == text[..common] {
        let there = usize::try_from(there).unwrap_or(usize::MAX).min(text.len());
        return file.write_all(&text[there..]);
    }
    // The engine keeps a bounded log: what it gives no longer begins where the file does.
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(end - there.min(SAMPLE_BYTES)))?;
    (&mut file).take(SAMPLE_BYTES).read_to_end(&mut tail)?;
    let known = text.windows(tail.len()).rposition(|window| window == tail);
    match known {
        Some(at) => file.write_all(&text[at + tail.len()..]),
        None => {
            file.write_all(DROPPED)?;
            file.write_all(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_appended() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("users-1.log");
        std::fs::write(&log, "before\n").unwrap();
        let start = log.metadata().unwrap().len();
        for text in ["one\n", "one\ntwo\n", "one\ntwo\n", "one\n"] {
            append_rest(&log, start, text.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "before\none\ntwo\n");
    }

    #[test]
    fn a_log_of_which_the_engine_has_dropped_the_beginning_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("users-1.log");
        let lines = |range: std::ops::Range<u32>| range.map(|line| format!("line {line}\n")).collect::<String>();
        append_rest(&log, 0, lines(0..500).as_bytes()).unwrap();
        append_rest(&log, 0, lines(300..600).as_bytes()).unwrap();
        assert_eq!(std::fs::read_to_string(&log).unwrap(), lines(0..600));
        append_rest(&log, 0, lines(700..701).as_bytes()).unwrap();
        let dropped = String::from_utf8_lossy(DROPPED);
        assert_eq!(
            std::fs::read_to_string(&log).unwrap(),
            format!("{}{dropped}line 700\n", lines(0..600))
        );
    }
}
