//! Whether servers that the user named went on all the time. The lab did not start them, so it cannot look at their
//! processes; it asks each for the mark of its start, and how long the answer takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use compose::System;
use compose::servers::{self, Server as Description, Watched};
use futures_util::future::join_all;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::disturbance::Trouble;

/// How often each is asked.
const EVERY: Duration = Duration::from_millis(250);
/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// An answer that takes longer comes from somebody who stands still.
const STANDSTILL: Duration = Duration::from_millis(500);

/// What became of a server.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    pub(super) who: String,
    pub(super) what: Trouble,
    pub(super) since: Instant,
    /// How long it lasted; none while it goes on, and where it has no length.
    pub(super) lasted: Option<Duration>,
    /// How that shows.
    pub(super) how: &'static str,
}

/// One server of the user's.
struct Server {
    name: String,
    asked: Box<dyn Watched>,
    /// The mark of its start, where it told one.
    birth: Option<String>,
    /// Since when it has not answered.
    silent: Option<Instant>,
}

/// Asks the user's servers of a system until `over`, then once more, and tells of what went wrong; at once over where
/// there are none.
pub(super) async fn watch(system: Arc<dyn System>, over: CancellationToken, tell: impl Fn(Told)) {
    let mut servers = named_by_the_user(system.as_ref()).await;
    join_all(servers.iter_mut().map(|server| server.watch(&over, &tell))).await;
}

/// Those of the system's servers that are none of its instances. Of one that is several, a part that is away from the start
/// is no change, and the others do its work.
async fn named_by_the_user(system: &dyn System) -> Vec<Server> {
    let mut named = Vec::new();
    for service in &system.spec().services {
        let Some(backing) = servers::of(service.service).and_then(Description::backing) else {
            continue;
        };
        let name = format!("your {}", service.name);
        let urls = system.named_by_the_user(&service.name);
        if let [url] = urls.as_slice() {
            named.push(Server::new(name, backing.watched(url.clone())));
            continue;
        }
        let all = urls.into_iter().map(|url| {
            let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or_default());
            let mut server = Server::new(format!("{name} at {host}:{port}"), backing.watched(url.clone()));
            async {
                server.birth = timeout(STANDSTILL, server.asked.ask(TIMEOUT)).await.ok()?.ok()?;
                Some(server)
            }
        });
        named.extend(join_all(all).await.into_iter().flatten());
    }
    named
}

impl Server {
    fn new(name: String, asked: Box<dyn Watched>) -> Self {
        Self {
            name,
            asked,
            birth: None,
            silent: None,
        }
    }

    async fn watch(&mut self, over: &CancellationToken, tell: &impl Fn(Told)) {
        while !over.is_cancelled() {
            self.look(over, tell).await;
            let _ = timeout(EVERY, over.cancelled()).await;
        }
        // It may have gone since it was asked last.
        self.look(over, tell).await;
        if let Some(since) = self.silent.take() {
            self.stood_still(since, Some(since.elapsed()), tell);
        }
    }

    /// Asks once. An answer that takes long is told of before it is there, and not waited for any more when all is over.
    async fn look(&mut self, over: &CancellationToken, tell: &impl Fn(Told)) {
        let asked = Instant::now();
        let told = {
            let question = self.asked.ask(TIMEOUT);
            tokio::pin!(question);
            match timeout(STANDSTILL, &mut question).await {
                Ok(answer) => Some(answer),
                Err(_) => {
                    if self.silent.is_none() {
                        self.silent = Some(asked);
                        tell(stood_still(&self.name, asked, None));
                    }
                    tokio::select! {
                        answer = question => Some(answer),
                        () = over.cancelled() => None,
                    }
                }
            }
        };
        match told {
            Some(Ok(birth)) => self.answered(birth, asked, tell),
            Some(Err(_)) if self.silent.is_none() => {
                self.silent = Some(asked);
                self.stood_still(asked, None, tell);
            }
            _ => {}
        }
    }

    fn answered(&mut self, birth: Option<String>, asked: Instant, tell: &impl Fn(Told)) {
        let since = self.silent.take();
        if let Some(since) = since {
            self.stood_still(since, Some(since.elapsed()), tell);
        }
        let before = std::mem::replace(&mut self.birth, birth);
        if let (Some(before), Some(now)) = (&before, &self.birth)
            && before != now
        {
            tell(Told {
                who: self.name.clone(),
                what: Trouble::Restarted,
                since: since.unwrap_or(asked),
                lasted: None,
                how: "it answers as another than before",
            });
        }
        self.birth = self.birth.take().or(before);
    }

    fn stood_still(&self, since: Instant, lasted: Option<Duration>, tell: &impl Fn(Told)) {
        tell(stood_still(&self.name, since, lasted));
    }
}

fn stood_still(name: &str, since: Instant, lasted: Option<Duration>) -> Told {
    Told {
        who: name.to_owned(),
        what: Trouble::StoodStill,
        since,
        lasted,
        how: "it was asked, and answered late or not at all",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use futures_util::future::BoxFuture;

    use super::*;

    /// Gives these answers one after another, each after so many milliseconds; then ends the watch.
    struct Script {
        answers: VecDeque<(u64, Result<Option<String>, String>)>,
        over: CancellationToken,
    }

    impl Watched for Script {
        fn ask(&mut self, _wait: Duration) -> BoxFuture<'_, Result<Option<String>, String>> {
            Box::pin(async {
                let (ms, answer) = self.answers.pop_front().unwrap_or((0, born("1")));
                if self.answers.is_empty() {
                    self.over.cancel();
                }
                tokio::time::sleep(Duration::from_millis(ms)).await;
                answer
            })
        }
    }

    fn born(mark: &str) -> Result<Option<String>, String> {
        Ok(Some(mark.to_owned()))
    }

    fn gone() -> Result<Option<String>, String> {
        Err("connection refused".to_owned())
    }

    /// What is told of a server with these answers: what, and whether it has an end.
    async fn told(answers: impl IntoIterator<Item = (u64, Result<Option<String>, String>)>) -> Vec<(Trouble, bool)> {
        let over = CancellationToken::new();
        let mut server = Server::new(
            "your redis".to_owned(),
            Box::new(Script {
                answers: answers.into_iter().collect(),
                over: over.clone(),
            }),
        );
        let all = Mutex::new(Vec::new());
        server
            .watch(&over, &|told: Told| {
                all.lock().unwrap().push((told.what, told.lasted.is_some()));
            })
            .await;
        all.into_inner().unwrap()
    }

    #[tokio::test]
    async fn one_that_answers_in_time_is_not_told_of() {
        assert_eq!(told([(0, born("1")), (0, born("1"))]).await, []);
        assert_eq!(
            told([(0, born("1")), (0, Ok(None))]).await,
            [],
            "it may refuse to tell its start"
        );
    }

    #[tokio::test]
    async fn one_that_is_late_is_told_of_at_once_and_at_its_end() {
        let late = told([(0, born("1")), (700, born("1")), (0, born("1"))]).await;
        assert_eq!(late, [(Trouble::StoodStill, false), (Trouble::StoodStill, true)]);
    }

    #[tokio::test]
    async fn one_that_goes_away_and_comes_back_was_started_again() {
        let away = told([(0, born("1")), (0, gone()), (0, gone()), (0, born("2")), (0, born("2"))]).await;
        let (still, again) = (Trouble::StoodStill, Trouble::Restarted);
        assert_eq!(&away[..3], [(still, false), (still, true), (again, false)]);
        let quick = told([(0, born("0")), (0, born("1")), (0, born("1"))]).await;
        assert_eq!(quick, [(again, false)]);
    }

    #[tokio::test]
    async fn one_that_never_answers_is_told_of_from_the_start_to_the_end() {
        let never = told([(700, gone()), (700, gone())]).await;
        assert_eq!(never, [(Trouble::StoodStill, false), (Trouble::StoodStill, true)]);
    }
}
