//! What people see: screens drawn from recorded runs, at several sizes and with less than everything a terminal can do.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

use compose::{LinkConditions, LinkSpec, Passage};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use history::ActionKind;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use scenarios::action::Command;
use scenarios::event::{EventKind, RunEvent};
use scenarios::plan::LinkChange;
use scenarios::state::RunState;
use tokio::runtime::Runtime;

use super::app::{App, SMALLEST};
use super::pages::Page;
use super::picture;
use super::session::Message;
use super::theme::{Depth, Theme};
use crate::recording::Recording;
use crate::report::fixture;

mod lessons;
mod predict;

const PLAIN: Theme = Theme {
    depth: Depth::None,
    ascii: false,
};

/// A laboratory without a terminal.
struct Bench {
    app: App,
    _runtime: Runtime,
    _messages: Receiver<Message>,
    state: tempfile::TempDir,
}

impl Bench {
    fn new(theme: Theme) -> Self {
        console::set_colors_enabled(false);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (sender, messages) = sync_channel(64);
        let state = tempfile::tempdir().unwrap();
        let app = App::new(state.path().to_owned(), runtime.handle().clone(), sender, theme);
        Self {
            app,
            _runtime: runtime,
            _messages: messages,
            state,
        }
    }

    /// The screen of a recorded run at a moment, or at its end.
    fn of(events: Vec<RunEvent>, at_s: Option<f64>, theme: Theme) -> Self {
        let mut bench = Self::new(theme);
        let recording = Recording {
            folder: PathBuf::from("/runs/one"),
            events,
        };
        picture::show(&mut bench.app, &recording, at_s);
        bench
    }

    fn at_home(theme: Theme) -> Self {
        let mut bench = Self::new(theme);
        bench.app.at_home().unwrap();
        bench
    }

    fn press(&mut self, code: KeyCode) {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        self.app.take(Message::Input(Event::Key(key)));
    }

    fn write(&mut self, text: &str) {
        text.chars().for_each(|c| self.press(KeyCode::Char(c)));
    }

    fn buffer(&mut self, columns: u16, rows: u16) -> Buffer {
        let area = Rect::new(0, 0, columns, rows);
        let mut buffer = Buffer::empty(area);
        self.app.draw(area, &mut buffer);
        buffer
    }

    /// The screen as text, each line without what is blank at its end.
    fn screen(&mut self, columns: u16, rows: u16) -> String {
        let buffer = self.buffer(columns, rows);
        let line = |y: u16| {
            let line: String = (0..columns).map(|x| buffer[(x, y)].symbol()).collect();
            line.trim_end().to_owned()
        };
        (0..rows).map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A moment of the comparison at which the second arm is under load and its fault has begun.
const MID_RUN_S: f64 = 11.5;

#[test]
fn a_run_under_way_at_every_size() {
    for (name, columns, rows) in [("small", 80, 24), ("middle", 120, 36), ("large", 160, 50)] {
        let mut bench = Bench::of(fixture::comparison(), Some(MID_RUN_S), PLAIN);
        insta::assert_snapshot!(format!("live_{name}"), bench.screen(columns, rows));
    }
}

#[test]
fn a_run_under_way_without_unicode() {
    let theme = Theme {
        depth: Depth::None,
        ascii: true,
    };
    let screen = Bench::of(fixture::comparison(), Some(MID_RUN_S), theme).screen(120, 36);
    assert!(screen.is_ascii(), "{screen}");
    insta::assert_snapshot!("live_ascii", screen);
}

#[test]
fn a_link_is_shown_as_it_is_now() {
    let mut events = fixture::comparison();
    for event in &mut events {
        match &mut event.kind {
            EventKind::RunStarted(info) => {
                for arm in &mut info.plan.arms {
                    arm.system.links = vec![LinkSpec::new("gateway", "users")];
                }
            }
            EventKind::Action(acted) => {
                let Command::Act(action) = &mut acted.command else {
                    panic!("it is planned")
                };
                action.link = Some(LinkChange {
                    from: "gateway".to_owned(),
                    to: "users".to_owned(),
                    conditions: LinkConditions::of(Passage::BlackHole),
                });
            }
            _ => {}
        }
    }
    let cut = |event: &&RunEvent| matches!(event.kind, EventKind::Action(_));
    let cut_at_s = events.iter().find(cut).unwrap().elapsed_ms as f64 / 1000.0;
    for (at_s, shown) in [
        (cut_at_s - 1.0, "gateway->users open"),
        (cut_at_s + 0.2, "gateway->users cut"),
    ] {
        let screen = Bench::of(events.clone(), Some(at_s), PLAIN).screen(120, 36);
        assert!(screen.contains(shown), "{screen}");
    }
}

#[test]
fn everything_that_can_be_done_has_its_sign_over_the_time_axis() {
    let events = fixture::every_action();
    let done = |event: &&RunEvent| matches!(event.kind, EventKind::Action(_));
    let done_s = events.iter().find(done).unwrap().elapsed_ms as f64 / 1000.0;
    for ascii in [false, true] {
        let theme = Theme { ascii, ..PLAIN };
        let screen = Bench::of(events.clone(), Some(done_s + 0.5), theme).screen(200, 50);
        let seconds = screen
            .lines()
            .position(|line| line.contains(" 1 s") && line.contains(" 5 s"));
        let marks = screen.lines().nth(seconds.unwrap() - 1).unwrap();
        for kind in ActionKind::ALL {
            assert!(marks.contains(kind.sign(ascii)), "no {kind:?} in {marks}");
        }
    }
}

#[test]
fn things_that_were_done_at_once_are_all_named_and_what_failed_gives_the_sign() {
    let mut acts = 0;
    let mut events = fixture::every_action();
    events.retain(|event| {
        acts += u32::from(matches!(event.kind, EventKind::Action(_)));
        !matches!(event.kind, EventKind::Action(_)) || acts <= 2
    });
    let mut acted = events.iter_mut().filter_map(|event| match &mut event.kind {
        EventKind::Action(acted) => Some(acted),
        _ => None,
    });
    let (first, second) = (acted.next().unwrap(), acted.next().unwrap());
    (second.began_s, second.done_s) = (first.began_s, first.done_s);
    second.failure = Some("nobody answers".to_owned());
    let named = format!(
        "{}{}, {}",
        second.command.kind().sign(false),
        first.words(),
        second.words()
    );
    let done = |event: &&RunEvent| matches!(event.kind, EventKind::Action(_));
    let done_s = events.iter().rfind(done).unwrap().elapsed_ms as f64 / 1000.0;
    let screen = Bench::of(events, Some(done_s + 0.5), PLAIN).screen(200, 50);
    assert!(screen.contains(&named), "no {named} in {screen}");
}

#[test]
fn a_recording_of_an_earlier_version_is_shown_as_it_is_now() {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/tests/recordings");
    for (name, at_s) in [("faults", 3.0), ("again", 1.6)] {
        let recording = Recording::read(&folders.join(name)).unwrap();
        let mut bench = Bench::of(recording.events, Some(at_s), PLAIN);
        insta::assert_snapshot!(format!("before_{name}"), bench.screen(160, 36));
    }
}

#[test]
fn a_search_under_way() {
    let events = fixture::search();
    let step = |event: &&RunEvent| matches!(event.kind, EventKind::SearchStep(_));
    let at_s = events.iter().filter(step).nth(2).unwrap().elapsed_ms as f64 / 1000.0;
    insta::assert_snapshot!("live_search", Bench::of(events, Some(at_s), PLAIN).screen(120, 36));
}

#[test]
fn histories_under_way_show_the_picture_of_what_broke() {
    let events = fixture::history();
    let last = events
        .iter()
        .rfind(|event| matches!(event.kind, EventKind::Judged(_)))
        .unwrap();
    let at_s = last.elapsed_ms as f64 / 1000.0;
    insta::assert_snapshot!("live_history", Bench::of(events, Some(at_s), PLAIN).screen(120, 40));
}

#[test]
fn every_kind_of_run_has_a_verdict_to_look_at() {
    for (name, events) in [
        ("comparison", fixture::comparison()),
        ("search", fixture::search()),
        ("history", fixture::history()),
    ] {
        let mut bench = Bench::of(events, None, PLAIN);
        insta::assert_snapshot!(format!("verdict_{name}"), bench.screen(100, 60));
    }
}

/// Colours say nothing that signs and words do not say, too.
#[test]
fn the_same_words_stand_there_in_any_colours() {
    let screen = |depth| {
        let theme = Theme { depth, ascii: false };
        Bench::of(fixture::comparison(), Some(MID_RUN_S), theme).screen(120, 36)
    };
    assert_eq!(screen(Depth::None), screen(Depth::Sixteen));
    assert_eq!(screen(Depth::None), screen(Depth::Many));
}

#[test]
fn without_colours_no_cell_has_one() {
    let buffer = Bench::of(fixture::comparison(), Some(MID_RUN_S), PLAIN).buffer(120, 36);
    let colored = buffer
        .content()
        .iter()
        .find(|cell| cell.fg != ratatui::style::Color::Reset);
    assert!(colored.is_none(), "{colored:?}");
}

#[test]
fn a_replayed_run_ends_in_the_state_of_the_live_one() {
    for events in [fixture::comparison(), fixture::search(), fixture::history()] {
        let mut bench = Bench::new(PLAIN);
        bench.app.with_a_replay_by_hand();
        for event in &events {
            bench.app.take(Message::Run(Box::new(event.clone())));
        }
        let Some(Page::Live(live)) = bench.app.top() else {
            panic!("the run's page is on top");
        };
        assert_eq!(live.state, RunState::of(&events));
    }
}

#[test]
fn a_picture_that_is_held_stands_still_while_the_run_goes_on() {
    let events = fixture::comparison();
    let mut bench = Bench::new(PLAIN);
    bench.app.with_a_replay_by_hand();
    let (first, rest) = events.split_at(events.len() / 3);
    first
        .iter()
        .for_each(|event| bench.app.take(Message::Run(Box::new(event.clone()))));
    bench.press(KeyCode::Char('p'));
    let held = bench.screen(120, 36);
    assert!(held.contains("HELD"), "{held}");
    rest.iter()
        .for_each(|event| bench.app.take(Message::Run(Box::new(event.clone()))));
    assert_eq!(bench.screen(120, 36), held);
    bench.press(KeyCode::Char('p'));
    assert_ne!(bench.screen(120, 36), held);
}

#[test]
fn on_a_small_screen_tab_shows_one_panel_after_the_other() {
    let mut bench = Bench::of(fixture::comparison(), Some(MID_RUN_S), PLAIN);
    let titles = ["over time", "events", "arms"];
    for title in titles {
        let screen = bench.screen(80, 24);
        assert!(screen.contains(&format!("┌ {title}")), "{title} in\n{screen}");
        bench.press(KeyCode::Tab);
    }
    bench.press(KeyCode::BackTab);
    assert!(bench.screen(80, 24).contains("┌ arms"));
}

#[test]
fn a_screen_that_is_too_small_says_what_it_needs() {
    let mut bench = Bench::at_home(PLAIN);
    let screen = bench.screen(60, 10);
    assert!(screen.contains("needs 72 columns and 20 rows"), "{screen}");
    let fits = bench.screen(SMALLEST.0, SMALLEST.1);
    assert!(fits.contains("cpu-blocking") && fits.contains("q quit"), "{fits}");
}

#[test]
fn home_shows_the_curriculum_and_what_is_known_of_the_selected_scenario() {
    let screen = Bench::at_home(PLAIN).screen(120, 60);
    for wanted in [
        "0 ",
        "1 The gateway",
        "6 Locks",
        "race-condition",
        "takes ",
        "quick ",
        "not tried yet",
        "What to watch",
    ] {
        assert!(screen.contains(wanted), "{wanted} in\n{screen}");
    }
}

#[test]
fn search_and_phase_narrow_the_list_and_escape_widens_it_again() {
    let mut bench = Bench::at_home(PLAIN);
    bench.write("/fencing");
    let found = bench.screen(120, 40);
    assert!(found.contains("/fencing") && !found.contains("cpu-blocking"), "{found}");
    bench.press(KeyCode::Enter);
    assert!(
        !bench.screen(120, 40).contains("cpu-blocking"),
        "the search stays when its typing ends"
    );
    bench.press(KeyCode::Esc);
    assert!(bench.screen(120, 40).contains("cpu-blocking"));
    bench.press(KeyCode::Char('6'));
    let phase = bench.screen(120, 40);
    assert!(
        phase.contains("phase 6 only") && !phase.contains("cpu-blocking") && phase.contains("fencing"),
        "{phase}"
    );
    bench.write("/no such thing");
    assert!(bench.screen(120, 40).contains("nothing fits"));
}

#[test]
fn the_help_shows_the_keys_of_the_page_below_it() {
    let mut bench = Bench::of(fixture::comparison(), Some(MID_RUN_S), PLAIN);
    bench.press(KeyCode::Char('?'));
    insta::assert_snapshot!("help_live", bench.screen(80, 30));
    bench.press(KeyCode::Char('q'));
    assert!(bench.screen(120, 36).contains("cpu-blocking"));
}

#[test]
fn text_scrolls_to_its_end_and_no_further() {
    let mut bench = Bench::of(fixture::comparison(), None, PLAIN);
    let top = bench.screen(80, 24);
    bench.press(KeyCode::Char('G'));
    let end = bench.screen(80, 24);
    assert_ne!(top, end);
    bench.press(KeyCode::Down);
    assert_eq!(bench.screen(80, 24), end);
    bench.press(KeyCode::Char('g'));
    assert_eq!(bench.screen(80, 24), top);
}
