//! What keys ask of the laboratory: one function for each thing.

use std::ffi::OsStr;

use super::App;
use crate::failure::Failure;
use crate::job::{Job, RunOutcome, planned, playground};
use crate::recording::Recording;
use crate::tui::help;
use crate::tui::keys::Action;
use crate::tui::next::Suggestion;
use crate::tui::pages::live::Kind;
use crate::tui::pages::{Live, Page, Predict, VerdictPage, lesson};
use crate::tui::paper::Paper;
use crate::tui::session::Session;
use crate::tui::text;
use crate::{browser, catalogue};

impl App {
    pub(super) fn act(&mut self, action: Action) {
        let own = match self.pages.last_mut() {
            Some(Page::Home(home)) => home.act(action),
            Some(Page::Live(live)) => live.act(action),
            Some(Page::Verdict(verdict)) => verdict.paper.scroll(action),
            Some(Page::Paper(paper)) => paper.scroll(action),
            _ => false,
        };
        if own {
            return;
        }
        match action {
            Action::Help => {
                let place = self.place();
                self.pages.push(Page::Paper(help::help(place)));
            }
            Action::Mouse => self.toggle_mouse = true,
            Action::Back => self.back(),
            Action::Run => self.run_selected(false),
            Action::RunQuick => self.run_selected(true),
            Action::Lesson => self.lesson(),
            Action::Idea => self.idea(),
            Action::Play => self.play_selected(),
            Action::Enter => self.guessed(),
            Action::Skip => self.without_guess(),
            Action::OpenReport => self.open_report(),
            Action::Again => self.again(),
            Action::Try(number) => self.try_next(usize::from(number)),
            other => self.command(other),
        }
    }

    /// One step back.
    pub(super) fn back(&mut self) {
        match self.pages.last_mut() {
            Some(Page::Live(live)) => match &mut live.kind {
                Kind::Run { asking, .. } => *asking = true,
                // Nothing is lost, so nobody is asked; the page goes when the playground is down.
                Kind::Play(_) => {
                    if let Some(session) = &self.session {
                        session.stop();
                    }
                    self.notice = Some("the playground is taken down".to_owned());
                }
                Kind::Replay | Kind::Watch => {
                    self.session = None;
                    self.pages.pop();
                    self.next_job();
                }
            },
            Some(Page::Verdict(_) | Page::Predict(_)) => {
                self.pages.pop();
                self.next_job();
            }
            _ => {
                self.pages.pop();
            }
        }
        self.refresh();
    }

    /// The next of the runs that were asked for, where no page is left.
    pub(super) fn next_job(&mut self) {
        if self.pages.is_empty()
            && !self.leaving
            && let Some(job) = self.jobs.next()
        {
            self.ask_or_begin(job);
        }
    }

    pub(super) fn refresh(&mut self) {
        if let Some(Page::Home(home)) = self.pages.last_mut() {
            match home.refresh(&self.state_folder) {
                Ok(warning) => self.notice = warning.or(self.notice.take()),
                Err(failure) => self.notice = Some(failure.words()),
            }
        }
    }

    fn run_selected(&mut self, quick: bool) {
        let Some(Page::Home(home)) = self.pages.last() else {
            return;
        };
        if let Some(folder) = home.recorded() {
            let folder = folder.to_owned();
            return self.open_recorded(&folder);
        }
        let Some(name) = home.scenario().map(|scenario| scenario.name().to_owned()) else {
            return;
        };
        let arguments = planned::arguments(&name, quick);
        self.begin(planned::jobs(&arguments));
    }

    fn begin(&mut self, jobs: Result<Vec<Job>, Failure>) {
        match jobs {
            Ok(jobs) => {
                if let Some(job) = jobs.into_iter().next() {
                    self.ask_or_begin(job);
                }
            }
            Err(failure) => self.complain(&failure),
        }
    }

    pub(super) fn ask_or_begin(&mut self, job: Job) {
        match Predict::of(&job).filter(|_| self.asks) {
            Some(predict) => self.pages.push(Page::Predict(Box::new(predict))),
            None => self.begin_now(job),
        }
    }

    pub(super) fn begin_now(&mut self, job: Job) {
        let kind = Kind::Run {
            asking: false,
            stopping: false,
        };
        self.pages.push(Page::Live(Box::new(Live::new(kind))));
        self.session = Some(Session::begin(job, &self.runtime, self.screen.clone()));
    }

    fn guessed(&mut self) {
        let Some(Page::Predict(predict)) = self.pages.last_mut() else {
            return;
        };
        if let Some(job) = predict.answered() {
            self.pages.pop();
            self.begin_now(job);
        }
    }

    fn without_guess(&mut self) {
        if let Some(Page::Predict(predict)) = self.pages.last() {
            let job = predict.job.clone();
            self.pages.pop();
            self.begin_now(job);
        }
    }

    fn lesson(&mut self) {
        let scenario = match self.pages.last() {
            Some(Page::Home(home)) => home.scenario().cloned(),
            Some(Page::Verdict(verdict)) => verdict.scenario.clone(),
            Some(Page::Live(live)) => live
                .state
                .info
                .as_ref()
                .and_then(|info| catalogue::of_plan(&info.plan.scenario).ok()),
            _ => None,
        };
        match scenario {
            Some(scenario) => self.pages.push(Page::Paper(lesson::lesson(&scenario))),
            None => self.notice = Some("there is no lesson here".to_owned()),
        }
    }

    fn idea(&mut self) {
        let scenario = match self.pages.last() {
            Some(Page::Home(home)) => home.scenario(),
            Some(Page::Predict(predict)) => Some(&predict.job.scenario),
            _ => None,
        };
        if let Some(idea) = scenario.map(lesson::idea) {
            self.pages.push(Page::Paper(idea));
        }
    }

    fn play_selected(&mut self) {
        let Some(Page::Home(home)) = self.pages.last() else {
            return;
        };
        let name = home.scenario().map(|scenario| scenario.name().to_owned());
        // A scenario without a steady load has nothing to play with; the general playground always has.
        let job =
            playground::job(name.as_deref().map(OsStr::new), None, &[]).or_else(|_| playground::job(None, None, &[]));
        match job {
            Ok(job) => self.with_playground(job),
            Err(failure) => self.complain(&failure),
        }
    }

    fn open_recorded(&mut self, folder: &std::path::Path) {
        match Recording::read(folder) {
            Ok(recording) => {
                let scenario = recording.scenario();
                let verdict = VerdictPage::new(RunOutcome::recorded(&recording), None, scenario);
                self.pages.push(Page::Verdict(Box::new(verdict)));
            }
            Err(failure) => self.complain(&failure),
        }
    }

    fn open_report(&mut self) {
        let Some(Page::Verdict(verdict)) = self.pages.last() else {
            return;
        };
        let path = &verdict.report;
        let opened = browser::open(path);
        self.notice = Some(if opened {
            format!("opened {}", path.display())
        } else {
            format!(
                "no program to open it with was found; open {} in a browser",
                path.display()
            )
        });
    }

    fn again(&mut self) {
        let Some(Page::Verdict(verdict)) = self.pages.last() else {
            return;
        };
        match &verdict.again {
            Some(job) => {
                // A second guess at the same question would be a guess no more.
                let job = Job {
                    guess: None,
                    out: None,
                    ..job.clone()
                };
                self.pages.pop();
                self.begin_now(job);
            }
            None => {
                self.notice = Some("a recorded run cannot be run again from here; its report has the command".into());
            }
        }
    }

    fn try_next(&mut self, number: usize) {
        let Some(Page::Verdict(verdict)) = self.pages.last() else {
            return;
        };
        match verdict.suggestions.get(number - 1) {
            Some(Suggestion::Run(arguments)) => {
                let jobs = planned::jobs(arguments);
                self.begin(jobs);
            }
            Some(Suggestion::Play(arguments)) => match playground::of(arguments) {
                Ok(job) => self.with_playground(job),
                Err(failure) => self.complain(&failure),
            },
            None => self.notice = Some(format!("the lesson suggests no number {number}")),
        }
    }

    /// What a key does to a playground.
    fn command(&mut self, action: Action) {
        let Some(Page::Live(live)) = self.pages.last_mut() else {
            return;
        };
        let command = live.command(action);
        if let (Some(command), Some(session)) = (command, &self.session) {
            session.command(command);
        }
    }

    pub(super) fn complain(&mut self, failure: &Failure) {
        let words = failure.words();
        let paper = Paper::new("this cannot be run here", move |width, theme| {
            text::wrapped(width, theme, &words)
        });
        self.pages.push(Page::Paper(paper));
    }
}
