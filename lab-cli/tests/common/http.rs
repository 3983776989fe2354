//! A client for single HTTP/1.1 requests, so small that a test sees every byte.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use url::Url;

use super::PATIENCE;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    /// Takes an answer apart that ended with its connection.
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no whole answer: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        Self {
            status: status.unwrap().parse().unwrap(),
            headers: lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends a request and leaves its answer to be read.
pub fn send(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(body);
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// Reads an answer to the end of its connection.
#[track_caller]
pub fn receive(mut stream: TcpStream) -> Answer {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    Answer::parse(&text)
}

#[track_caller]
pub fn get(port: u16, path: &str) -> Answer {
    get_with(port, path, &[])
}

#[track_caller]
pub fn get_with(port: u16, path: &str, headers: &[(&str, &str)]) -> Answer {
    receive(send(port, "GET", path, headers, "").unwrap())
}

#[track_caller]
pub fn post_with(port: u16, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    receive(send(port, "POST", path, &all, body).unwrap())
}

/// The port of an address that a command printed.
#[track_caller]
pub fn port(url: &str) -> u16 {
    let url: Url = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
    url.port().unwrap()
}
