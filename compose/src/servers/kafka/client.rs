//! What the lab itself asks of a broker: whether it is one. Written by hand, as it is one question and one answer of
//! Kafka's protocol (<https://kafka.apache.org/protocol>): Metadata, version 1, about no topic.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The question: its length; key 3, version 1, number 7, no name; an empty list of topics.
pub(super) const QUESTION: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0];
/// As much of an answer as is looked at: its length, its number, and how many brokers there are.
pub(super) const ANSWER_BYTES: usize = 12;

/// Whether the start of an answer is that of a broker which is at work: it knows at least one broker, itself.
///
/// # Errors
/// What is wrong, as the end of a sentence about the broker.
pub(super) fn is_broker(answer: [u8; ANSWER_BYTES]) -> Result<(), String> {
    let word = |at: usize| i32::from_be_bytes([answer[at], answer[at + 1], answer[at + 2], answer[at + 3]]);
    if word(4) != 7 {
        return Err("it does not speak Kafka's protocol".to_owned());
    }
    if word(8) < 1 {
        return Err("it does not count itself among the brokers yet".to_owned());
    }
    Ok(())
}

/// Asks the broker at `address` (`host:port`) for a sign of life.
///
/// # Errors
/// Why there is none within `wait`, as the end of a sentence about the broker.
pub(super) async fn ping(address: &str, wait: Duration) -> Result<(), String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&QUESTION).await?;
        let mut answer = [0; ANSWER_BYTES];
        stream.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    match timeout(wait, exchange).await {
        Ok(Ok(answer)) => is_broker(answer),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} ms", wait.as_millis())),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const WAIT: Duration = Duration::from_secs(20);

    async fn asked(answer: [u8; ANSWER_BYTES]) -> Result<(), String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = [0; QUESTION.len()];
            stream.read_exact(&mut question).await.unwrap();
            assert_eq!(question, QUESTION);
            stream.write_all(&answer).await.unwrap();
            stream
        });
        let verdict = ping(&address, WAIT).await;
        drop(server.await.unwrap());
        verdict
    }

    #[tokio::test]
    async fn a_broker_that_knows_itself_is_at_work() {
        asked([0, 0, 0, 40, 0, 0, 0, 7, 0, 0, 0, 1]).await.unwrap();
        assert!(
            asked([0, 0, 0, 40, 0, 0, 0, 7, 0, 0, 0, 0])
                .await
                .unwrap_err()
                .contains("yet")
        );
        assert!(asked(*b"HTTP/1.1 400").await.unwrap_err().contains("protocol"));
    }

    #[tokio::test]
    async fn nobody_and_somebody_silent_are_none() {
        assert!(!ping("127.0.0.1:1", WAIT).await.unwrap_err().is_empty());
        let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = silent.local_addr().unwrap().to_string();
        assert!(
            ping(&address, Duration::from_millis(50))
                .await
                .unwrap_err()
                .contains("50 ms")
        );
    }
}
