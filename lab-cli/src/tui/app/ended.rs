//! The end of a run, and of the laboratory.

use super::App;
use crate::failure::{Exit, Failure};
use crate::job::RunOutcome;
use crate::leftovers;
use crate::tui::pages::live::Kind;
use crate::tui::pages::{Page, VerdictPage};
use crate::tui::paper::Paper;
use crate::tui::session::Session;
use crate::tui::{terminal, text};

impl App {
    /// A run has ended: its page gives way to what came of it.
    pub(super) fn ended(&mut self, ended: Result<RunOutcome, Failure>) {
        self.session = None;
        let Some(place) = self.pages.iter().rposition(|page| matches!(page, Page::Live(_))) else {
            return;
        };
        let Page::Live(live) = &self.pages[place] else { return };
        let page = match (&live.kind, ended) {
            (Kind::Play(_) | Kind::Watch, Ok(outcome)) => {
                self.outcome.failure = outcome.error;
                None
            }
            (kind, Ok(outcome)) => {
                let replayed = matches!(kind, Kind::Replay);
                self.note(&outcome, replayed);
                let again = outcome.job.clone();
                let scenario = outcome.scenario.clone();
                Some(Page::Verdict(Box::new(VerdictPage::new(outcome, again, scenario))))
            }
            (_, Err(failure)) => {
                let words = failure.words();
                self.outcome.worst = self.outcome.worst.max(Some(failure.exit()));
                self.outcome.failure = Some(failure);
                Some(Page::Paper(Paper::new(
                    "the run could not be done",
                    move |width, theme| text::wrapped(width, theme, &words),
                )))
            }
        };
        match page {
            Some(page) => self.pages[place] = page,
            None => {
                self.pages.remove(place);
            }
        }
        if self.leaving {
            self.pages.clear();
        }
        self.refresh();
    }

    /// Remembers what the command line wants to know of a run.
    fn note(&mut self, outcome: &RunOutcome, replayed: bool) {
        self.outcome.worst = self.outcome.worst.max(Some(outcome.verdict()));
        self.outcome.said.push(outcome.in_short());
        if !replayed && let Some(failure) = &outcome.error {
            self.outcome.said.push(failure.words());
        }
        self.outcome.said.extend(outcome.loss().map(|loss| loss.words()));
    }

    /// Whether leaving now leaves something undone. A run that goes on says at its end whether it was cut short.
    fn is_cut_short(&self) -> bool {
        let is_run = |page: &Page| matches!(page, Page::Live(live) if matches!(live.kind, Kind::Run { .. }));
        let undecided = match &self.session {
            Some(_) => !self.pages.iter().any(is_run),
            None => self.outcome.worst.is_none(),
        };
        undecided || self.jobs.len() > 0
    }

    /// Out: the run is asked to end, its report is written, and then the screen goes; a second time everything ends at
    /// once.
    pub(super) fn interrupt(&mut self) {
        self.outcome.interrupted |= self.is_cut_short();
        let stopping = self.session.as_ref().is_some_and(Session::is_stopping) && self.leaving;
        if stopping {
            // The children die with this process; what it wrote about them goes before it does.
            terminal::give_back();
            leftovers::end_own_systems(&self.state_folder);
            std::process::exit(i32::from(Exit::Interrupted.number()));
        }
        self.leaving = true;
        match &self.session {
            Some(session) => {
                session.stop();
                let what = "stopping: what was measured is kept; Ctrl-C again ends at once";
                self.notice = Some(what.to_owned());
            }
            None => self.pages.clear(),
        }
    }
}
