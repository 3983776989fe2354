//! What every key does: one table that dispatches the keys and draws the help.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Where a key means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Everywhere, unless the place itself has the key.
    Everywhere,
    /// The list of scenarios.
    Home,
    /// The question before a run.
    Predict,
    /// A run under way, or a recorded one.
    Live,
    /// What came of a run.
    Verdict,
    /// The playground.
    Play,
    /// Any text that can be scrolled.
    Paper,
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// One step back: leave the page, or the program from its first page.
    Back,
    /// The keys of this page.
    Help,
    /// Up by a line.
    Up,
    /// Down by a line.
    Down,
    /// Up by a page.
    PageUp,
    /// Down by a page.
    PageDown,
    /// To the first line.
    Top,
    /// To the last line.
    Bottom,
    /// What is selected.
    Enter,
    /// Mouse on or off.
    Mouse,
    /// Search in the list.
    Search,
    /// Only this phase; again: all.
    Phase(u8),
    /// Run it.
    Run,
    /// Run it in a few seconds.
    RunQuick,
    /// The whole lesson.
    Lesson,
    /// The lesson's idea, before a guess.
    Idea,
    /// Play with it.
    Play,
    /// The next panel, or the next thing beside the list.
    NextTab,
    /// The panel before.
    PreviousTab,
    /// Go on without an answer.
    Skip,
    /// Hold the picture; the run goes on.
    Freeze,
    /// The next class of requests.
    NextClass,
    /// The next arm to compare with.
    NextGhost,
    /// The report in a browser.
    OpenReport,
    /// The run again, with the same seed.
    Again,
    /// The numbered suggestion.
    Try(u8),
    /// More requests.
    Faster,
    /// Fewer requests.
    Slower,
    /// The next instance.
    NextInstance,
    /// The instance before.
    PreviousInstance,
    /// Add one instance.
    Grow,
    /// Remove one instance.
    Shrink,
    /// The balancer's next policy.
    NextPolicy,
    /// Pause the selected instance, or let it go on.
    PauseInstance,
    /// Kill it.
    KillInstance,
    /// Start it again.
    RestartInstance,
    /// Make it slow, or as it was.
    SlowInstance,
    /// Burn processor time on it.
    Burn,
}

/// One line of the table.
pub struct Binding {
    /// Where.
    pub place: Place,
    /// The keys, any of which will do.
    pub keys: &'static [Key],
    /// What they ask for.
    pub action: Action,
    /// What people read; empty for a key that is explained by the line above it.
    pub help: &'static str,
    /// A word for the line at the bottom; empty: only in the help.
    pub hint: &'static str,
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// Control and a character.
    Ctrl(char),
    /// A key with a name.
    Named(KeyCode, &'static str),
}

const UP: Key = Key::Named(KeyCode::Up, "↑");
const DOWN: Key = Key::Named(KeyCode::Down, "↓");
const LEFT: Key = Key::Named(KeyCode::Left, "←");
const RIGHT: Key = Key::Named(KeyCode::Right, "→");
const ENTER: Key = Key::Named(KeyCode::Enter, "Enter");
const ESC: Key = Key::Named(KeyCode::Esc, "Esc");
const TAB: Key = Key::Named(KeyCode::Tab, "Tab");
const BACK_TAB: Key = Key::Named(KeyCode::BackTab, "Shift-Tab");
const PAGE_UP: Key = Key::Named(KeyCode::PageUp, "PgUp");
const PAGE_DOWN: Key = Key::Named(KeyCode::PageDown, "PgDn");
const HOME: Key = Key::Named(KeyCode::Home, "Home");
const END: Key = Key::Named(KeyCode::End, "End");

const fn bind(place: Place, keys: &'static [Key], action: Action, help: &'static str, hint: &'static str) -> Binding {
    Binding {
        place,
        keys,
        action,
        help,
        hint,
    }
}

/// Every key there is.
#[rustfmt::skip] // One line a key: it is read as a table.
pub static BINDINGS: &[Binding] = {
    use Action as A;
    use Key::{Char, Ctrl};
    use Place as P;
    &[
        bind(P::Home, &[ENTER, Char('r')], A::Run, "run the scenario: first it asks for your guess", "run"),
        bind(P::Home, &[Char('s')], A::RunQuick, "the same in a few seconds, with wider intervals", "short"),
        bind(P::Home, &[Char('l')], A::Lesson, "read the lesson", "lesson"),
        bind(P::Home, &[Char('i')], A::Idea, "show the idea now; otherwise it comes after your guess", ""),
        bind(P::Home, &[Char('p')], A::Play, "play with the scenario's system, or with the general one", "play"),
        bind(P::Home, &[Char('/')], A::Search, "search names, titles and questions; Esc ends it", "search"),
        bind(P::Home, &[TAB, RIGHT], A::NextTab, "what is beside the list: about the scenario, or its recorded runs", "beside"),
        bind(P::Home, &[BACK_TAB, LEFT], A::PreviousTab, "", ""),
        bind(P::Home, &[Char('0')], A::Phase(0), "only one phase of the curriculum: 0 to 8; the same again shows all", ""),
        bind(P::Home, &[Char('1')], A::Phase(1), "", ""),
        bind(P::Home, &[Char('2')], A::Phase(2), "", ""),
        bind(P::Home, &[Char('3')], A::Phase(3), "", ""),
        bind(P::Home, &[Char('4')], A::Phase(4), "", ""),
        bind(P::Home, &[Char('5')], A::Phase(5), "", ""),
        bind(P::Home, &[Char('6')], A::Phase(6), "", ""),
        bind(P::Home, &[Char('7')], A::Phase(7), "", ""),
        bind(P::Home, &[Char('8')], A::Phase(8), "", ""),
        bind(P::Predict, &[ENTER], A::Enter, "this is my guess: start", "start"),
        bind(P::Predict, &[Char('i')], A::Idea, "show the idea first", "idea"),
        bind(P::Predict, &[TAB], A::Skip, "start without a guess", "no guess"),
        bind(P::Live, &[TAB, RIGHT], A::NextTab, "the next panel, where there is no room for all", "panel"),
        bind(P::Live, &[BACK_TAB, LEFT], A::PreviousTab, "", ""),
        bind(P::Live, &[Char('p')], A::Freeze, "hold the picture (the run goes on); again: let it go", "hold"),
        bind(P::Live, &[Char('c')], A::NextClass, "another class of requests", "class"),
        bind(P::Live, &[Char('a')], A::NextGhost, "another arm as the shadow behind the histogram", "shadow"),
        bind(P::Live, &[Char('l')], A::Lesson, "read the lesson meanwhile", "lesson"),
        bind(P::Verdict, &[Char('o')], A::OpenReport, "open the report in a browser", "report"),
        bind(P::Verdict, &[Char('r')], A::Again, "run it again", "again"),
        bind(P::Verdict, &[Char('l')], A::Lesson, "read the lesson", "lesson"),
        bind(P::Verdict, &[Char('1')], A::Try(1), "try what the lesson suggests: 1 to 9", "1-9 try next"),
        bind(P::Verdict, &[Char('2')], A::Try(2), "", ""),
        bind(P::Verdict, &[Char('3')], A::Try(3), "", ""),
        bind(P::Verdict, &[Char('4')], A::Try(4), "", ""),
        bind(P::Verdict, &[Char('5')], A::Try(5), "", ""),
        bind(P::Verdict, &[Char('6')], A::Try(6), "", ""),
        bind(P::Verdict, &[Char('7')], A::Try(7), "", ""),
        bind(P::Verdict, &[Char('8')], A::Try(8), "", ""),
        bind(P::Verdict, &[Char('9')], A::Try(9), "", ""),
        bind(P::Play, &[Char('+'), Char('=')], A::Faster, "a quarter more requests per second", "+ − rate"),
        bind(P::Play, &[Char('-')], A::Slower, "a fifth fewer requests per second", ""),
        bind(P::Play, &[DOWN, Char('j')], A::NextInstance, "select an instance", "↑↓ instance"),
        bind(P::Play, &[UP, Char('k')], A::PreviousInstance, "", ""),
        bind(P::Play, &[Char('i')], A::Grow, "add one instance", "i d add, remove"),
        bind(P::Play, &[Char('d')], A::Shrink, "remove one instance", ""),
        bind(P::Play, &[Char('o')], A::NextPolicy, "the balancer's next policy, while requests flow", "policy"),
        bind(P::Play, &[Char('s')], A::PauseInstance, "stop the instance where it stands (SIGSTOP); again: resume it", "stop"),
        bind(P::Play, &[Char('x')], A::KillInstance, "kill the instance (SIGKILL)", "kill"),
        bind(P::Play, &[Char('r')], A::RestartInstance, "start the instance again", "restart"),
        bind(P::Play, &[Char('w')], A::SlowInstance, "make its work ten times as long; again: as it was", "slow"),
        bind(P::Play, &[Char('b')], A::Burn, "burn two seconds of processor time on its event loop", "burn"),
        bind(P::Play, &[TAB, RIGHT], A::NextTab, "the next panel, where there is no room for all", ""),
        bind(P::Play, &[BACK_TAB, LEFT], A::PreviousTab, "", ""),
        bind(P::Play, &[Char('p')], A::Freeze, "hold the picture; again: let it go", ""),
        bind(P::Play, &[Char('l')], A::Lesson, "what to try", ""),
        bind(P::Everywhere, &[UP, Char('k')], A::Up, "up and down by a line", ""),
        bind(P::Everywhere, &[DOWN, Char('j')], A::Down, "", ""),
        bind(P::Everywhere, &[PAGE_UP, Ctrl('b'), Ctrl('u')], A::PageUp, "up and down by a page", ""),
        bind(P::Everywhere, &[PAGE_DOWN, Ctrl('f'), Ctrl('d'), Char(' ')], A::PageDown, "", ""),
        bind(P::Everywhere, &[HOME, Char('g')], A::Top, "to the start, to the end", ""),
        bind(P::Everywhere, &[END, Char('G')], A::Bottom, "", ""),
        bind(P::Everywhere, &[Char('m')], A::Mouse, "mouse on or off: off, the terminal selects text as always", ""),
        bind(P::Everywhere, &[Char('?')], A::Help, "these keys", "keys"),
        bind(P::Everywhere, &[Char('q'), ESC], A::Back, "back; from the first page: quit", "quit"),
    ]
};

/// What a key asks for at a place; the place's own lines come before those of everywhere.
pub fn action(place: Place, event: KeyEvent) -> Option<Action> {
    let at = |wanted: Place| {
        BINDINGS
            .iter()
            .find(|binding| binding.place == wanted && binding.keys.iter().any(|key| key.is(event)))
            .map(|binding| binding.action)
    };
    at(place).or_else(|| at(Place::Everywhere))
}

/// The lines of the table that hold at a place, its own first; those whose every key means something else there are out.
pub fn at(place: Place) -> impl Iterator<Item = &'static Binding> {
    let taken = move |binding: &Binding| {
        let own = BINDINGS.iter().filter(move |own| own.place == place);
        own.flat_map(|own| own.keys)
            .any(|key| binding.keys.first() == Some(key))
    };
    let own = BINDINGS.iter().filter(move |binding| binding.place == place);
    let general = BINDINGS
        .iter()
        .filter(move |binding| binding.place == Place::Everywhere && place != Place::Everywhere && !taken(binding));
    own.chain(general)
}

impl Key {
    fn is(self, event: KeyEvent) -> bool {
        let plain = !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match self {
            Self::Char(c) => plain && event.code == KeyCode::Char(c),
            Self::Ctrl(c) => event.modifiers.contains(KeyModifiers::CONTROL) && event.code == KeyCode::Char(c),
            Self::Named(code, _) => event.code == code,
        }
    }

    /// As people read it.
    pub fn name(self) -> String {
        match self {
            Self::Char(' ') => "Space".to_owned(),
            Self::Char(c) => c.to_string(),
            Self::Ctrl(c) => format!("Ctrl-{}", c.to_ascii_uppercase()),
            Self::Named(_, name) => name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_at_one_place() {
        for (index, binding) in BINDINGS.iter().enumerate() {
            for other in &BINDINGS[index + 1..] {
                let twice = binding.keys.iter().find(|key| other.keys.contains(key));
                assert!(
                    binding.place != other.place || twice.is_none(),
                    "{twice:?} at {:?}: {:?} and {:?}",
                    binding.place,
                    binding.action,
                    other.action
                );
            }
        }
    }

    #[test]
    fn a_place_has_its_own_keys_before_those_of_everywhere() {
        let key = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
        assert_eq!(action(Place::Home, key('j')), Some(Action::Down));
        assert_eq!(action(Place::Play, key('j')), Some(Action::NextInstance));
        assert_eq!(action(Place::Home, key('?')), Some(Action::Help));
        assert_eq!(action(Place::Home, key('z')), None);
        let control = KeyEvent::new(KeyCode::Char('d'), KeyModifiers::CONTROL);
        assert_eq!(action(Place::Play, control), Some(Action::PageDown), "not `d`");
    }

    #[test]
    fn every_action_is_explained_by_its_line_or_the_one_above() {
        let mut above = None;
        for binding in BINDINGS {
            let explains = !binding.help.is_empty() || above == Some(binding.place);
            assert!(
                explains,
                "{:?} begins without words: {:?}",
                binding.place, binding.action
            );
            above = Some(binding.place);
        }
    }

    #[test]
    fn every_key_of_the_table_is_found_when_it_is_pressed() {
        for binding in BINDINGS {
            for key in binding.keys {
                let (code, modifiers) = match *key {
                    Key::Char(c) => (KeyCode::Char(c), KeyModifiers::NONE),
                    Key::Ctrl(c) => (KeyCode::Char(c), KeyModifiers::CONTROL),
                    Key::Named(code, _) => (code, KeyModifiers::NONE),
                };
                let event = KeyEvent::new(code, modifiers);
                assert_eq!(
                    action(binding.place, event),
                    Some(binding.action),
                    "{key:?} at {:?}",
                    binding.place
                );
                assert!(!key.name().is_empty());
            }
        }
    }
}
