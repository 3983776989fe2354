//! Listening, and accepting without end.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::ServeError;

/// Connections that may wait to be accepted, as with nginx here; the system may allow fewer (`net.core.somaxconn`).
const BACKLOG: u32 = 4_096;
/// Pause after the system refused a connection, for want of descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// While connections are refused, how often that is logged.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Listens.
///
/// # Errors
/// When the address cannot be had.
pub async fn bind(host: IpAddr, port: u16) -> Result<TcpListener, ServeError> {
    let address = SocketAddr::new(host, port);
    listen(address).map_err(|source| ServeError::Bind { address, source })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A port whose last connections still fade away can be had at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts connections, whatever the system says meanwhile.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    refusals: Refusals,
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self {
            listener,
            refusals: Refusals::default(),
        }
    }
}

impl Listener {
    /// The next connection. When the system refuses one, it is tried again a moment later; the log hears of that when it
    /// begins, and once a minute while it lasts.
    pub async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        self.accept_or(|| {}).await
    }

    /// The same; whenever the system refuses one, `make_room` closes what can be spared.
    pub async fn accept_or(&mut self, mut make_room: impl FnMut()) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) => {
                    make_room();
                    if let Some(times) = self.refusals.count(Instant::now()) {
                        tracing::warn!(%error, times, "connections are not accepted");
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Counts refusals, and says when it is time for a line about them.
#[derive(Debug, Default)]
struct Refusals {
    told: Option<Instant>,
    times: u64,
}

impl Refusals {
    /// How many there were since the last line, if another one is due.
    fn count(&mut self, now: Instant) -> Option<u64> {
        self.times += 1;
        if self
            .told
            .is_some_and(|told| now.saturating_duration_since(told) < TELL_EVERY)
        {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_at_once_and_then_once_a_minute() {
        let mut refusals = Refusals::default();
        let start = Instant::now();
        // Fifty a second, for three minutes.
        let lines: Vec<u64> = (0..9_000)
            .filter_map(|count| refusals.count(start + ACCEPT_PAUSE * count))
            .collect();
        assert_eq!(lines, [1, 3_000, 3_000]);
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error_that_says_what_to_do() {
        let host = IpAddr::from([127, 0, 0, 1]);
        let taken = bind(host, 0).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = bind(host, port).await.unwrap_err().to_string();
        assert!(
            error.contains(&port.to_string()) && error.contains("choose another PORT"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn it_listens_on_version_6_too() {
        // A machine may have version 6 switched off.
        if let Ok(listener) = bind("::1".parse().unwrap(), 0).await {
            let address = listener.local_addr().unwrap();
            let mut listener = Listener::from(listener);
            let (connected, (_, peer)) = tokio::join!(TcpStream::connect(address), listener.accept());
            assert_eq!(connected.unwrap().local_addr().unwrap(), peer);
        }
    }
}
