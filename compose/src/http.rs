//! HTTP as the lab itself speaks it to what it started or watches: the one place that makes clients and reads answers.
//!
//! Nothing of the user's environment may reach this traffic. A proxy variable that is meant for the internet would send a
//! question to 127.0.0.1 somewhere else, and a check would fail that holds. So there is one constructor, and a test over
//! the sources that forbids any other.

use std::error::Error as _;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Response};
use serde::de::DeserializeOwned;
use thiserror::Error;

/// The longest wait for a connection, where the whole question may take longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer that is read, bytes: a program that sends without end must not fill the memory.
pub const ANSWER_BYTES_MAX: usize = 32 << 20;

/// A client for the lab's own questions. A question with its whole answer takes at most `timeout`.
///
/// It uses no proxy, whatever the environment says, and follows no redirect: an answer that points elsewhere is an answer.
///
/// # Errors
/// When the system gives no resources for one.
pub fn client(timeout: Duration) -> Result<Client, reqwest::Error> {
    // What the lab starts speaks plain HTTP. To read what this machine trusts takes longer than many a question.
    builder(timeout).tls_certs_only([]).build()
}

/// The same for addresses that somebody else gave, which may be of https: whoever this machine trusts is trusted, and so are
/// `authorities`.
///
/// # Errors
/// When one of them is no certificate of an authority, or the system gives no resources.
pub fn client_with_tls(timeout: Duration, authorities: Vec<Certificate>) -> Result<Client, reqwest::Error> {
    builder(timeout).tls_certs_merge(authorities).build()
}

fn builder(timeout: Duration) -> ClientBuilder {
    // Refused only where there is one already, which then is this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(timeout.min(CONNECT_TIMEOUT))
        .timeout(timeout)
}

/// Why an answer could not be read.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// The connection broke or time ran out.
    #[error("{}", reason(.0))]
    Broken(reqwest::Error),
    /// It goes on beyond [`ANSWER_BYTES_MAX`].
    #[error("the answer is longer than {} MiB", ANSWER_BYTES_MAX >> 20)]
    TooLong,
    /// It is compressed, which nobody asked for.
    #[error("the answer is compressed ({0}), although nothing but plain text was asked for")]
    Compressed(String),
    /// It is not UTF-8.
    #[error("the answer is not UTF-8 text")]
    NotText,
    /// It is not the JSON that was expected.
    #[error("the answer is not the expected JSON: {0}")]
    NotJson(#[from] serde_json::Error),
}

/// The text of an answer.
///
/// # Errors
/// When it does not come to its end within the client's time and [`ANSWER_BYTES_MAX`], or is not UTF-8.
pub async fn text(answer: Response) -> Result<String, AnswerError> {
    String::from_utf8(bytes(answer).await?).map_err(|_| AnswerError::NotText)
}

/// The JSON of an answer.
///
/// # Errors
/// As [`text`], and when it is not such JSON.
pub async fn json<T: DeserializeOwned>(answer: Response) -> Result<T, AnswerError> {
    Ok(serde_json::from_slice(&bytes(answer).await?)?)
}

async fn bytes(mut answer: Response) -> Result<Vec<u8>, AnswerError> {
    let coding = answer.headers().get(reqwest::header::CONTENT_ENCODING);
    if let Some(coding) = coding.filter(|coding| *coding != "identity") {
        let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
        return Err(AnswerError::Compressed(coding));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(AnswerError::Broken)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(AnswerError::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Why a question was not answered, without its address: that may hold a password.
pub fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match error.is_connect() {
        true => format!("no connection: {innermost}"),
        false if error.source().is_some() => format!("the connection broke: {innermost}"),
        false => "the connection broke".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    /// The address of somebody who gives this answer to each question, whatever it is, for as long as it is read.
    fn server(answer: impl Fn(&mut dyn Write) -> std::io::Result<()> + Send + 'static) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut socket in listener.incoming().map_while(Result::ok) {
                let _ = socket.read(&mut [0; 1024]);
                let _ = answer(&mut socket);
            }
        });
        format!("http://{address}/")
    }

    async fn asked(url: &str) -> Result<String, AnswerError> {
        let client = client(Duration::from_secs(60)).unwrap();
        text(client.get(url).send().await.map_err(AnswerError::Broken)?).await
    }

    #[tokio::test]
    async fn an_answer_without_end_is_given_up() {
        let url = server(|socket| {
            socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                socket.write_all(&[b'x'; 65_536])?;
            }
        });
        assert!(matches!(asked(&url).await, Err(AnswerError::TooLong)));
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_is_given_up() {
        let url = server(|socket| {
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx")?;
            std::thread::park();
            Ok(())
        });
        let client = client(Duration::from_millis(50)).unwrap();
        let broken = text(client.get(&url).send().await.unwrap()).await.unwrap_err();
        assert_eq!(broken.to_string(), "no answer in time");
    }

    #[tokio::test]
    async fn an_answer_that_is_not_text_or_points_elsewhere_is_taken_as_it_is() {
        let url = server(|socket| socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xfe"));
        assert!(matches!(asked(&url).await, Err(AnswerError::NotText)));
        let gzip = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx";
        let url = server(|socket| socket.write_all(gzip.as_bytes()));
        assert!(matches!(asked(&url).await, Err(AnswerError::Compressed(coding)) if coding == "gzip"));
        let elsewhere = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 4\r\n\r\nhere";
        let url = server(|socket| socket.write_all(elsewhere.as_bytes()));
        assert_eq!(asked(&url).await.unwrap(), "here");
    }

    #[tokio::test]
    async fn what_went_wrong_is_told_without_the_address() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let error = asked(&format!("http://u:secret@127.0.0.1:{port}/?password=secret"))
            .await
            .unwrap_err();
        let told = error.to_string();
        assert!(
            told.starts_with("no connection: ") && !told.contains("secret"),
            "{told}"
        );
    }
}
