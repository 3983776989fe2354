//! Whether servers that the user named went on all the time. The lab did not start them, so it cannot look at their
//! processes; it asks each for the mark of its start, and how long the answer takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use compose::System;
use compose::servers::{self, Backing, Server as Description};
use url::Url;

use crate::disturbance::Trouble;

/// How often each is asked.
const EVERY: Duration = Duration::from_millis(500);
/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// An answer that takes longer came from somebody who stood still.
const STANDSTILL: Duration = Duration::from_millis(1_000);

/// One server of the user's.
struct Server {
    name: String,
    backing: &'static dyn Backing,
    url: Url,
    /// The mark of its start; none where it never told one.
    birth: Option<String>,
}

/// What became of a server: who, what, since when, and for how long.
pub(super) type Told = (String, Trouble, Instant, Option<Duration>);

/// Asks the user's servers of a system until this is dropped, and tells of what went wrong; at once over where there are
/// none.
pub(super) async fn watch(system: Arc<dyn System>, tell: impl Fn(Told)) {
    let mut servers = named_by_the_user(system.as_ref()).await;
    for server in &mut servers {
        server.birth = birth(server).await.ok();
    }
    servers.retain(|server| server.birth.is_some());
    while !servers.is_empty() {
        tokio::time::sleep(EVERY).await;
        for server in &mut servers {
            ask(server, &tell).await;
        }
    }
}

/// Those of the system's servers that are none of its instances.
async fn named_by_the_user(system: &dyn System) -> Vec<Server> {
    let started = system.instances().await;
    let spec = system.spec();
    let foreign = spec
        .services
        .iter()
        .filter(|service| !started.iter().any(|instance| instance.service == service.name));
    foreign
        .filter_map(|service| {
            Some(Server {
                name: format!("your {}", service.name),
                backing: servers::of(service.service).and_then(Description::backing)?,
                url: system.front_door(&service.name).ok()?,
                birth: None,
            })
        })
        .collect()
}

async fn birth(server: &Server) -> Result<String, String> {
    match server.backing.birth(&server.url, TIMEOUT) {
        Some(birth) => birth.await,
        None => Err("it has no mark of its start".to_owned()),
    }
}

async fn ask(server: &mut Server, tell: &impl Fn(Told)) {
    let asked = Instant::now();
    let answer = birth(server).await;
    let took = asked.elapsed();
    if took >= STANDSTILL || answer.is_err() {
        tell((server.name.clone(), Trouble::StoodStill, asked, Some(took)));
    }
    if let Ok(birth) = answer
        && server.birth.as_ref() != Some(&birth)
    {
        tell((server.name.clone(), Trouble::Restarted, asked, None));
        server.birth = Some(birth);
    }
}
