//! The block of shared memory by which a server notices that another one, or a process that such a one left, still works in
//! the same data folder. It is a few bytes of the kernel's (System V), which stay when a server is killed, so whoever
//! removes the folder removes them, too.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The folder within the data folder that the server itself makes and fills.
pub(super) const CLUSTER: &str = "cluster";
/// The file in which a server says that it runs, and which block is its own.
const NOTE: &str = "postmaster.pid";
/// The kernel's list of all blocks; elsewhere than on Linux there is none, and none is removed.
const BLOCKS: &str = "/proc/sysvipc/shm";
/// How long those that a killed server has left may take to end.
const GONE_TIMEOUT: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A block, by both its names: a later one that was given the same id has another key.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    key: u32,
    id: u32,
}

/// Waits, as long as this at most, until nobody of an earlier server in this folder is left: one that is started sooner
/// refuses to. Then takes away the earlier one's note, because it also names a process, which may still be told of when it
/// has long ended, for want of somebody who asks how.
pub(super) fn make_way(data: &Path, wait: Duration) -> io::Result<()> {
    let Some(block) = noted_in(data) else {
        return Ok(());
    };
    match wait_for_users(&block, wait) {
        Users::Nobody | Users::NoBlock => fs::remove_file(data.join(CLUSTER).join(NOTE)),
        Users::Some | Users::Unknown => Ok(()),
    }
}

/// Removes the block of a server that was killed in this folder, unless somebody still uses it a moment later.
pub(super) fn forget_memory(data: &Path) {
    if let Some(block) = noted_in(data)
        && wait_for_users(&block, GONE_TIMEOUT) == Users::Nobody
    {
        // Where it cannot be removed, a few bytes stay until the machine is started again.
        let mut remove = Command::new("ipcrm");
        remove.arg("-m").arg(block.id.to_string());
        let _ = remove
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

fn noted_in(data: &Path) -> Option<Block> {
    block_in(&fs::read_to_string(data.join(CLUSTER).join(NOTE)).ok()?)
}

/// The last line of two numbers names the block: its key and its id. Lines cannot be counted, for the second holds the
/// path of the folder, in which there may be line breaks.
fn block_in(note: &str) -> Option<Block> {
    note.lines().rev().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let block = Block {
            key: words.next()?.parse().ok()?,
            id: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(block)
    })
}

/// Who uses a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Users {
    Some,
    Nobody,
    /// There is no such block (any more).
    NoBlock,
    /// The kernel does not say.
    Unknown,
}

fn wait_for_users(block: &Block, wait: Duration) -> Users {
    let mut left = wait;
    loop {
        let users = fs::read_to_string(BLOCKS).map_or(Users::Unknown, |blocks| users_in(&blocks, block));
        if users != Users::Some || left.is_zero() {
            return users;
        }
        std::thread::sleep(LOOK_EVERY);
        left = left.saturating_sub(LOOK_EVERY);
    }
}

/// Reads lines of the form `key shmid perms size cpid lpid nattch …` (proc(5)); the key is written with a sign.
fn users_in(blocks: &str, block: &Block) -> Users {
    let count = blocks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let key: i32 = words.first()?.parse().ok()?;
        let id: u32 = words.get(1)?.parse().ok()?;
        let is_it = key.cast_unsigned() == block.key && id == block.id;
        is_it.then(|| words.get(6)?.parse::<u32>().ok())?
    });
    match count {
        None => Users::NoBlock,
        Some(0) => Users::Nobody,
        Some(_) => Users::Some,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str = "4711\n/data\n1700000000\n40001\n\n127.0.0.1\n4294967295         7\nready\n";

    #[test]
    fn a_block_is_known_by_its_key_and_its_id() {
        let block = block_in(NOTE).unwrap();
        assert_eq!(block, Block { key: u32::MAX, id: 7 });
        let blocks = "       key      shmid perms  size  cpid  lpid nattch   uid\n\
                      \x20        3          7   600    56    10    10      4   101\n\
                      \x20       -1          7   600    56    11    11      2   101\n";
        assert_eq!(users_in(blocks, &block), Users::Some);
        assert_eq!(users_in(&blocks.replace(" 2   101", " 0   101"), &block), Users::Nobody);
        assert_eq!(users_in(blocks, &Block { key: 3, id: 8 }), Users::NoBlock);
        assert_eq!(block_in("4711\n/data\n"), None, "it has not come that far");
        assert_eq!(
            block_in(&NOTE.replace("/data", "/da\n\nta")),
            Some(block),
            "a path with line breaks"
        );
    }

    #[test]
    fn a_folder_without_a_server_is_nothing_to_wait_for() {
        let folder = tempfile::tempdir().unwrap();
        make_way(folder.path(), Duration::from_secs(60)).unwrap();
        forget_memory(folder.path());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_note_of_a_server_that_nobody_is_left_of_does_not_keep_others_out() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join(CLUSTER).join(super::NOTE);
        fs::create_dir(folder.path().join(CLUSTER)).unwrap();
        // It names this very process, which is alive, and a block that nobody has.
        fs::write(&note, NOTE.replace("4711", &std::process::id().to_string())).unwrap();
        make_way(folder.path(), Duration::from_secs(60)).unwrap();
        assert!(!note.exists());
    }
}
