//! A small server of keys and values for machines without Redis.
//!
//! It speaks the protocol of Redis and answers in its words. It keeps strings, lists, hashes, sets and sorted sets in
//! memory, runs real Lua, and does one command, script or transaction after the other, on one thread. What it lacks it
//! answers as Redis answers an unknown command: replication, persistence, Pub/Sub, streams, and whatever makes a client
//! wait. What clients keep in it has no bound, as with Redis unless it is told one.
//!
//! What one client asks for must not take the server from the others, so these have bounds that Redis does not have: an
//! answer of many parts is at most 256 MB long; a script runs for at most 5 seconds, has at most 64 KB of code, and all
//! scripts together may keep 256 MB; a pattern of Lua may leave at most 100,000 choices open. Beyond that, the client gets
//! an error.
//!
//! ```text
//!     connection ── protocol ──► dispatch ──► commands/… ──► keyspace (values, deadlines, watchers)
//!                                   ▲             │
//!                                   └── scripts ◄─┘
//! ```

mod arguments;
#[cfg(test)]
mod attacked;
mod clock;
mod command;
mod commands;
mod connection;
mod dispatch;
mod glob;
mod keyspace;
mod protocol;
mod scripts;
mod server;
mod session;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use chassis::{Listener, ServeError, Settings, Shutdown, bind};
use tokio::net::TcpListener;
use tokio::task::LocalSet;
use tokio::time::MissedTickBehavior;

use clock::Clock;
use scripts::Scripts;
use server::{Databases, Server};

/// How often what has expired is taken out while nobody asks.
const TICK: Duration = Duration::from_millis(100);

/// Runs the server until the end is asked for.
///
/// # Errors
/// When its address cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let listener = bind(settings.host, settings.port).await?;
    let port = listener.local_addr().map_err(ServeError::Runtime)?.port();
    tracing::info!(port, host = %settings.host, pid = std::process::id(), "listening");
    run(listener, &settings.shutdown).await
}

/// Runs it on a socket that is listened on.
///
/// # Errors
/// When Lua cannot be had.
pub async fn run(listener: TcpListener, shutdown: &Shutdown) -> Result<(), ServeError> {
    let port = listener.local_addr().map_err(ServeError::Runtime)?.port();
    let server =
        server(Clock::of_machine(), port).map_err(|error| ServeError::Runtime(io::Error::other(error.to_string())))?;
    let server = Rc::new(RefCell::new(server));
    tracing::info!("Ready to accept connections");
    let serving = async {
        tokio::select! {
            () = shutdown.requested() => {}
            () = accept(&server, listener) => {}
            () = pass_time(&server) => {}
        }
    };
    LocalSet::new().run_until(serving).await;
    Ok(())
}

fn server(clock: Clock, port: u16) -> mlua::Result<Server> {
    let databases = Databases::default();
    let of_scripts = Rc::clone(&databases);
    let call = move |database: usize, words: &[Vec<u8>]| dispatch::call(&of_scripts, database, words);
    let scripts = Scripts::new(commands::VERSION, call)?;
    Ok(Server::new(databases, scripts, clock, port))
}

async fn accept(server: &Rc<RefCell<Server>>, listener: TcpListener) {
    let most = connection::most_clients();
    let mut listener = Listener::from(listener);
    loop {
        let (client, peer) = listener.accept().await;
        let is_full = server.borrow().clients.len() >= most;
        let server = Rc::clone(server);
        tokio::task::spawn_local(async move {
            let served = if is_full {
                connection::refuse(client).await
            } else {
                connection::serve(&server, client).await
            };
            // Clients come and go; the end of a connection is no news.
            if let Err(error) = served {
                tracing::debug!(%error, %peer, "a connection was closed");
            }
        });
    }
}

async fn pass_time(server: &Rc<RefCell<Server>>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        server.borrow().pass_time();
    }
}
