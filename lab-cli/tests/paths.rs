//! Folders of any name: a path is bytes, and none of them may mean anything on its way into an address or a configuration.

mod common;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use common::scenario::{TWO_GATEWAYS, Tiny};
use common::{Lab, Said, finish, json_file, nginx};

/// Every byte that means something to a URL, to nginx, to a shell or to Kafka; a line break; what is no text; and more than
/// the address of a socket may be long.
fn names() -> Vec<PathBuf> {
    let long = format!("{}/{}", "x".repeat(200), "y".repeat(100)).into_bytes();
    let names: [&[u8]; 5] = [
        b"a b",
        b"50%20 ?q=1#f&",
        b"say \"so\";{}$HOME,:'\\",
        b"two\nlines",
        b"no\xfftext",
    ];
    let all = names.iter().map(|name| name.to_vec()).chain([long]);
    all.map(|name| PathBuf::from(OsString::from_vec(name))).collect()
}

/// Says a command to the lab, with this state folder, in this folder.
fn say(lab: &Lab, folder: &std::path::Path, words: &[&std::ffi::OsStr]) -> Said {
    let mut command = lab.command(words);
    command
        .env("LAB_STATE", folder.join("state"))
        .env("HOME", folder)
        .current_dir(folder);
    finish(command)
}

#[test]
fn a_run_is_recorded_reported_and_replayed_whatever_its_folder_is_called() {
    let lab = Lab::new();
    for name in names() {
        let folder = lab.folder().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        // In the home folder: a service with a database, a balancer, and files of the run.
        let system = "entry = \"gateway\"\n[[system.service]]\nname = \"gateway\"\ninstances = 2\nbalancer = \
                      \"round_robin\"\n[[system.service]]\nname = \"users\"";
        let scenario = Tiny {
            system,
            path: "/api/users",
            ..Tiny::default()
        }
        .write(&folder);
        let words = |text: &'static str| text.split_ascii_whitespace().map(AsRef::as_ref).collect::<Vec<_>>();
        say(
            &lab,
            &folder,
            &["run".as_ref(), scenario.as_os_str(), "--ui".as_ref(), "json".as_ref()],
        )
        .code(0);
        let runs = say(&lab, &folder, &words("runs --json")).code(0).json();
        assert_eq!(runs.as_array().unwrap().len(), 1);
        say(&lab, &folder, &words("report last --format md")).code(0);
        say(&lab, &folder, &words("replay last --speed 0 --ui plain")).code(0);
        let clean = say(&lab, &folder, &words("clean --recordings")).code(0);
        assert!(
            clean.stdout.contains("Nothing was left behind") && clean.stdout.contains("Removed 1"),
            "{clean:?}"
        );
    }
}

#[test]
fn a_system_is_left_running_and_taken_up_whatever_its_folder_is_called() {
    let lab = Lab::new();
    for name in names() {
        let folder = lab.folder().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let words = |text: &'static str| text.split_ascii_whitespace().map(AsRef::as_ref).collect::<Vec<_>>();
        say(&lab, &folder, &words("up users")).code(0);
        assert_eq!(
            say(&lab, &folder, &words("ps --json"))
                .code(0)
                .json()
                .as_array()
                .unwrap()
                .len(),
            1
        );
        say(&lab, &folder, &words("restart users-1")).code(0);
        say(&lab, &folder, &words("logs users-1")).code(0);
        say(&lab, &folder, &words("down")).code(0);
        let clean = say(&lab, &folder, &words("clean")).code(0);
        assert!(clean.stdout.contains("Nothing was left behind"), "{clean:?}");
    }
}

#[test]
fn an_nginx_works_in_any_folder() {
    if !nginx::is_installed() {
        return;
    }
    let lab = Lab::new();
    let system = format!("{TWO_GATEWAYS}\nbalanced_by = \"nginx\"");
    for name in names() {
        let folder = lab.folder().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let system: &'static str = Box::leak(system.clone().into_boxed_str());
        let scenario = Tiny {
            system,
            path: "/api/non-blocking",
            ..Tiny::default()
        }
        .write(lab.folder());
        let out = folder.join("out");
        let words: [&std::ffi::OsStr; 6] = [
            "run".as_ref(),
            scenario.as_os_str(),
            "--ui".as_ref(),
            "json".as_ref(),
            "--out".as_ref(),
            out.as_os_str(),
        ];
        say(&lab, &folder, &words).code(0);
        assert_eq!(json_file(&out.join("report.json"))["verdict"], "pass");
    }
}
