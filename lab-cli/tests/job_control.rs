//! The terminal laboratory and signals: it gives the terminal back, stops, and takes it again.

#![cfg(target_os = "linux")]

mod common;

use common::tty::Tty;
use common::{Lab, until};
use rustix::process::Signal;

/// The size of the terminal.
const SIZE: (u16, u16) = (120, 36);
/// What stands on the home screen.
const HOME: &str = "cpu-blocking";

fn at_home(lab: &Lab) -> Tty {
    let mut tty = Tty::start(lab, SIZE, &[], &[]);
    tty.shows(HOME);
    assert!(tty.is_drawn_on() && !tty.takes_lines());
    tty
}

/// Waits until it stands still with the terminal as a shell wants it, then lets it go on and tries a key.
fn stopped_and_continued(mut tty: Tty) {
    until("it has stopped", || tty.state() == 'T');
    tty.shown_so_far();
    assert!(tty.takes_lines() && !tty.is_drawn_on(), "{}", tty.text());
    tty.signal(Signal::CONT);
    tty.until_drawn_on("it is drawn again");
    tty.shows(HOME);
    assert!(!tty.takes_lines());
    // Keys are taken again, too.
    tty.write("q");
    let ended = tty.end();
    assert_eq!((ended.code, ended.given_back), (0, true), "{}", ended.text);
}

#[test]
fn a_stop_by_signal_gives_the_terminal_back_and_going_on_takes_it_again() {
    let lab = Lab::new();
    let tty = at_home(&lab);
    tty.signal(Signal::TSTP);
    stopped_and_continued(tty);
}

#[test]
fn ctrl_z_does_the_same() {
    let lab = Lab::new();
    let mut tty = at_home(&lab);
    tty.write("\u{1a}");
    stopped_and_continued(tty);
}

#[test]
fn a_stop_that_cannot_be_caught_is_followed_by_a_new_picture() {
    let lab = Lab::new();
    let mut tty = at_home(&lab);
    tty.signal(Signal::STOP);
    until("it has stopped", || tty.state() == 'T');
    tty.forget();
    tty.signal(Signal::CONT);
    tty.shows(HOME);
    tty.write("q");
    let ended = tty.end();
    assert_eq!((ended.code, ended.given_back), (0, true), "{}", ended.text);
}

#[test]
fn every_signal_to_end_gives_the_terminal_back() {
    let lab = Lab::new();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let tty = at_home(&lab);
        tty.signal(signal);
        let ended = tty.end();
        assert_eq!(
            (ended.code, ended.given_back, ended.takes_lines),
            (130, true, true),
            "{signal:?}"
        );
    }
}
