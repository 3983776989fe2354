//! Whether the instance of this very container is well, as its engine asks it now and then.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use contract::{Program, environment};

use crate::servers::{self, Question};

/// How long the instance may take to take a connection, and again to answer.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How much of an answer is looked at.
const ANSWER_BYTES: usize = 64;

/// Asks the instance that listens at `PORT` on 127.0.0.1, with no more machinery than that takes: this is a process of
/// its own each time.
///
/// # Errors
/// What is wrong, as the end of a sentence about the instance.
pub fn ask(program: Program) -> Result<(), String> {
    let port = std::env::var(environment::PORT).map_err(|_| format!("{} is not set", environment::PORT))?;
    let port: u16 = port
        .parse()
        .map_err(|_| format!("{} is not a port", environment::PORT))?;
    ask_at(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), program)
}

fn ask_at(address: SocketAddr, program: Program) -> Result<(), String> {
    let question = match servers::of(program) {
        Some(server) => server.question(),
        None if program.is_balancer() => Question::http("GET /_balancer/health HTTP/1.0\r\n\r\n"),
        None => Question::http("GET /health HTTP/1.0\r\n\r\n"),
    };
    let answer = exchange(address, question.words).map_err(|error| format!("it does not answer: {error}"))?;
    (question.judge)(&answer)
}

/// The start of the answer to a question.
fn exchange(address: SocketAddr, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(question)?;
    let mut answer = vec![0; ANSWER_BYTES];
    let length = stream.read(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Asks somebody who gives this answer, and says what it was asked.
    fn asked(program: Program, answer: &'static str) -> (Result<(), String>, String) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = [0; ANSWER_BYTES];
            let length = stream.read(&mut question).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&question[..length]).into_owned()
        });
        let verdict = ask_at(address, program);
        (verdict, server.join().unwrap())
    }

    #[test]
    fn a_service_that_answers_200_is_well() {
        let (verdict, question) = asked(Program::Users, "HTTP/1.0 200 OK\r\n\r\n");
        verdict.unwrap();
        assert!(question.starts_with("GET /health "), "{question}");
    }

    #[test]
    fn anything_else_is_not() {
        let (verdict, question) = asked(Program::Balancer, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
        assert!(verdict.unwrap_err().contains("503"));
        assert!(question.starts_with("GET /_balancer/health "), "{question}");
    }

    #[test]
    fn a_redis_is_asked_in_its_own_protocol() {
        asked(Program::Redis, "+PONG\r\n").0.unwrap();
        asked(Program::Redis, "-LOADING\r\n").0.unwrap_err();
    }

    #[test]
    fn a_postgresql_is_asked_in_its_own_protocol() {
        let (verdict, question) = asked(Program::Postgres, "R\0\0\0\x08\0\0\0\0");
        verdict.unwrap();
        assert!(question.contains("user\0lab\0"), "{question}");
        let (verdict, _) = asked(Program::Postgres, "E\0\0\0\x10SFATAL\0");
        assert!(verdict.unwrap_err().contains("FATAL"));
    }

    #[test]
    fn nobody_is_not_well() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(ask_at(address, Program::Users).unwrap_err().contains("does not answer"));
    }
}
