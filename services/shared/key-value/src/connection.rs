//! Connections of clients, each from its first command to its end.

use std::cell::RefCell;
use std::io;

use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::dispatch::answer;
use crate::protocol::{ProtocolError, Requests};
use crate::server::Server;
use crate::session::Session;

/// The most clients at a time, if the system lets this process have as many; as with Redis.
const CLIENTS_MAX: u64 = 10_000;
/// Descriptors that are left for everything else.
const OTHER_DESCRIPTORS: u64 = 64;
/// Answers to commands that came together are sent together, up to this length.
const TOGETHER_BYTES_MAX: usize = 64 * 1024;

/// How many clients there may be.
pub(crate) fn most_clients() -> usize {
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let most = CLIENTS_MAX.min(allowed.saturating_sub(OTHER_DESCRIPTORS)).max(1);
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// Tells a client that there are too many already.
pub(crate) async fn refuse(mut client: TcpStream) -> io::Result<()> {
    client.write_all(b"-ERR max number of clients reached\r\n").await
}

/// Serves a client until it goes, or until it sends what is no command.
pub(crate) async fn serve(server: &RefCell<Server>, client: TcpStream) -> io::Result<()> {
    let address = client.peer_addr()?.to_string();
    client.set_nodelay(true)?;
    let mut guest = Guest {
        server,
        session: server.borrow_mut().welcome(address),
    };
    guest.talk(client).await
}

/// A client for as long as it is connected.
struct Guest<'a> {
    server: &'a RefCell<Server>,
    session: Session,
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.server.borrow_mut().part(&mut self.session);
    }
}

impl Guest<'_> {
    async fn talk(&mut self, mut client: TcpStream) -> io::Result<()> {
        let mut requests = Requests::default();
        let mut answers = Vec::new();
        while client.read_buf(requests.room()).await? > 0 {
            while let Some(goes_on) = self.next(&mut requests, &mut answers) {
                if !goes_on {
                    return client.write_all(&answers).await;
                }
                if answers.len() > TOGETHER_BYTES_MAX {
                    client.write_all(&answers).await?;
                    answers = Vec::new();
                }
            }
            client.write_all(&answers).await?;
            answers.clear();
        }
        Ok(())
    }

    /// Answers the next command; says whether the connection goes on, or nothing when there is none yet.
    fn next(&mut self, requests: &mut Requests, answers: &mut Vec<u8>) -> Option<bool> {
        match requests.next() {
            Ok(None) => None,
            Ok(Some(command)) if command.is_empty() => Some(true),
            Ok(Some(command)) => {
                let reply = answer(&mut self.server.borrow_mut(), &mut self.session, command);
                // Made at once as long as it will be: to grow would take twice as much.
                answers.reserve(reply.bytes());
                reply.write(self.session.protocol, answers);
                Some(!self.session.is_ending)
            }
            Err(ProtocolError(why)) => {
                answers.extend_from_slice(format!("-ERR Protocol error: {why}\r\n").as_bytes());
                Some(false)
            }
        }
    }
}
