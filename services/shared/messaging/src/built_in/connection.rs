//! Connections of clients: how many, and each from its first frame to its end.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncWrite, AsyncWriteExt, Interest, Ready};
use tokio::net::tcp::WriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::broker::Broker;
use super::dispatch::Refused;
use super::frames::{Broken, Frames, Patience};

/// The most connections at a time, if the system lets this process have as many.
const CONNECTIONS_MAX: u64 = 2000;
/// Descriptors that are left for everything else.
const OTHER_DESCRIPTORS: u64 = 64;
/// Pause after the system refused a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// At most one line a time tells that connections are refused.
const REFUSALS_QUIET: Duration = Duration::from_secs(10);
/// How long a client may take to take its answers.
const WRITE: Duration = Duration::from_secs(30);
/// Pause between two looks whether a client that is kept waiting is still there.
const GONE_PAUSE: Duration = Duration::from_millis(500);
/// Answers to requests that came together are sent together, up to this length.
const TOGETHER_BYTES_MAX: usize = 64 * 1024;

/// Why a connection ended before its client ended it.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("refused a request: {0}")]
    Refused(#[from] Refused),
    #[error("its answers were not taken for {} seconds", WRITE.as_secs())]
    NotTaken,
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Broken(Broken::Io(error))
    }
}

/// Accepts connections and serves them, for ever.
pub(super) async fn accept(broker: &Rc<Broker>, listener: TcpListener) {
    let open = Rc::new(Cell::new(0_u64));
    let most = most_connections();
    let mut refusals = Refusals::default();
    loop {
        match listener.accept().await {
            Ok(_) if open.get() >= most => refusals.tell(&format_args!("{most} are open already")),
            Ok((client, peer)) => {
                let counted = Counted::one_more(&open);
                let broker = Rc::clone(broker);
                tokio::task::spawn_local(async move {
                    // Clients come and go; the end of a connection is no news.
                    if let Err(error) = serve(&broker, client, peer).await {
                        tracing::debug!(%error, %peer, "a connection was closed");
                    }
                    drop(counted);
                });
            }
            Err(error) => {
                refusals.tell(&error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn most_connections() -> u64 {
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    CONNECTIONS_MAX.min(allowed.saturating_sub(OTHER_DESCRIPTORS)).max(1)
}

/// A connection that counts as open until this is dropped.
struct Counted(Rc<Cell<u64>>);

impl Counted {
    fn one_more(open: &Rc<Cell<u64>>) -> Self {
        open.set(open.get() + 1);
        Self(Rc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Tells that connections were refused, without a line for each of them.
#[derive(Default)]
struct Refusals {
    untold: u64,
    told: Option<Instant>,
}

impl Refusals {
    fn tell(&mut self, why: &dyn std::fmt::Display) {
        self.untold += 1;
        if self.told.is_none_or(|told| told.elapsed() >= REFUSALS_QUIET) {
            tracing::warn!(connections = self.untold, "connections were refused: {why}");
            (self.untold, self.told) = (0, Some(Instant::now()));
        }
    }
}

async fn serve(broker: &Broker, mut client: TcpStream, peer: SocketAddr) -> Result<(), Ended> {
    client.set_nodelay(true)?;
    let (from_client, mut to_client) = client.split();
    let mut frames = Frames::new(from_client, &broker.memory, Patience::default());
    let host = host_of(peer.ip());
    let mut answers = Vec::new();
    while let Some(frame) = frames.next().await? {
        if Broker::may_wait(frame) {
            send(broker, &mut to_client, &mut answers).await?;
        }
        let answered = tokio::select! {
            biased;
            answered = broker.answer(frame, &host) => answered?,
            () = gone(&to_client) => return Ok(()),
        };
        if let Some(mut answer) = answered {
            let length = i32::try_from(answer.len() - 4).map_err(io::Error::other)?;
            answer[..4].copy_from_slice(&length.to_be_bytes());
            if answers.is_empty() {
                answers = answer;
            } else {
                answers.extend(answer);
            }
        }
        if answers.len() > TOGETHER_BYTES_MAX || !frames.has_next() {
            send(broker, &mut to_client, &mut answers).await?;
        }
    }
    Ok(())
}

/// Waits until the client has ended the connection, whether or not it has sent more before. What waits for others may
/// wait long, and the end of a connection is not read while it does.
async fn gone(client: &WriteHalf<'_>) {
    while !client.ready(Interest::READABLE).await.is_ok_and(Ready::is_read_closed) {
        // What was sent stays readable meanwhile.
        tokio::time::sleep(GONE_PAUSE).await;
    }
}

/// Where a client comes from, as Kafka writes it.
fn host_of(ip: IpAddr) -> String {
    format!("/{}", ip.to_canonical())
}

async fn send(broker: &Broker, to: &mut (impl AsyncWrite + Unpin), answers: &mut Vec<u8>) -> Result<(), Ended> {
    if answers.is_empty() {
        return Ok(());
    }
    let answers = std::mem::take(answers);
    let _charge = broker.memory.charge(answers.len()).ok_or(Broken::Memory)?;
    match timeout(WRITE, to.write_all(&answers)).await {
        Ok(written) => Ok(written?),
        Err(_) => Err(Ended::NotTaken),
    }
}
