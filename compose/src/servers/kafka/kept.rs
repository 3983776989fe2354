//! A connection to a broker that is kept. Nothing in Kafka's protocol tells one start of a broker from the next, but the
//! end of a broker ends its connections.

use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::{ANSWER_BYTES, QUESTION, is_broker};
use crate::servers::Watched;

/// An answer about no topic is shorter, however many brokers there are.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// A broker that is asked again and again through the same connection.
#[derive(Debug)]
pub(super) struct KeptBroker {
    address: String,
    stream: Option<TcpStream>,
    ends: u64,
}

impl KeptBroker {
    /// The broker at `address` (`host:port`), to which nobody has connected yet.
    pub(super) fn at(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            stream: None,
            ends: 0,
        }
    }

    /// Asks for a sign of life, and gives how many connections ended so far: one more, and the broker is another one.
    ///
    /// # Errors
    /// Why there is none within `wait`, as the end of a sentence about the broker.
    async fn question(&mut self, wait: Duration) -> Result<u64, String> {
        let late = |_| format!("no answer within {} ms", wait.as_millis());
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let connected = timeout(wait, TcpStream::connect(&self.address)).await;
                connected.map_err(late)?.map_err(|error| error.to_string())?
            }
        };
        // Whoever is late is not asked again through the same connection: his answer would be taken for the next one.
        match timeout(wait, exchange(&mut stream)).await.map_err(late)? {
            Ok(answer) => {
                is_broker(answer)?;
                self.stream = Some(stream);
                Ok(self.ends)
            }
            Err(error) => {
                self.ends += 1;
                Err(error.to_string())
            }
        }
    }
}

impl Watched for KeptBroker {
    fn ask(&mut self, wait: Duration) -> BoxFuture<'_, Result<Option<String>, String>> {
        Box::pin(async move { Ok(Some(self.question(wait).await?.to_string())) })
    }
}

/// One question, and the answer to its end.
async fn exchange(stream: &mut TcpStream) -> io::Result<[u8; ANSWER_BYTES]> {
    stream.write_all(&QUESTION).await?;
    let mut answer = [0; ANSWER_BYTES];
    stream.read_exact(&mut answer).await?;
    let length = u64::from(u32::from_be_bytes([answer[0], answer[1], answer[2], answer[3]])) + 4;
    let rest = length.saturating_sub(ANSWER_BYTES as u64).min(ANSWER_BYTES_MAX);
    let read = tokio::io::copy(&mut stream.take(rest), &mut tokio::io::sink()).await?;
    if read < rest {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const WAIT: Duration = Duration::from_secs(20);

    /// Answers `questions` questions on one connection, and ends it.
    async fn serve(listener: &TcpListener, questions: usize) {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..questions {
            let mut question = [0; QUESTION.len()];
            stream.read_exact(&mut question).await.unwrap();
            // Five bytes more than are looked at.
            let answer = [0, 0, 0, 13, 0, 0, 0, 7, 0, 0, 0, 1, 9, 9, 9, 9, 9];
            stream.write_all(&answer).await.unwrap();
        }
    }

    #[tokio::test]
    async fn the_end_of_a_connection_is_the_end_of_a_broker() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut broker = KeptBroker::at(&listener.local_addr().unwrap().to_string());
        let ask = async {
            assert_eq!(broker.question(WAIT).await, Ok(0));
            assert_eq!(broker.question(WAIT).await, Ok(0));
            broker.question(WAIT).await.unwrap_err();
            assert_eq!(broker.question(WAIT).await, Ok(1));
        };
        let serve = async {
            serve(&listener, 2).await;
            serve(&listener, 1).await;
        };
        tokio::join!(ask, serve);
    }

    #[tokio::test]
    async fn one_that_is_late_is_still_the_same() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut broker = KeptBroker::at(&listener.local_addr().unwrap().to_string());
        let late = broker.question(Duration::from_millis(50)).await.unwrap_err();
        assert!(late.contains("50 ms"), "{late}");
        let (silent, _) = listener.accept().await.unwrap();
        let (asked, ()) = tokio::join!(broker.question(WAIT), serve(&listener, 1));
        assert_eq!(asked, Ok(0));
        drop(silent);
    }
}
