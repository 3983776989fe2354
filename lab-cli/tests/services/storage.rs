//! What services leave on the disk.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use tempfile::tempdir;

use crate::common::PATIENCE;
use crate::common::service::Service;

/// As many as fill the log of a database many times over.
const PAYMENTS: usize = 3_000;
/// SQLite moves the log into the database every thousand pages of 4 KiB; a few transactions more may be in it.
const LOG_BYTES_MAX: u64 = 8 << 20;
/// The database holds rows, and not its tables alone.
const DATABASE_BYTES_MIN: u64 = 64 << 10;

/// Sends a request on a connection that stays open, and gives the status of its answer.
fn ask(connection: &mut BufReader<TcpStream>, request: &str) -> std::io::Result<String> {
    connection.get_mut().write_all(request.as_bytes())?;
    let mut status = String::new();
    connection.read_line(&mut status)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        connection.read_line(&mut line)?;
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    connection.read_exact(&mut vec![0; length])?;
    Ok(status)
}

#[test]
fn the_log_of_a_database_stays_bounded_over_thousands_of_payments() {
    let folder = tempdir().unwrap();
    let payments = Service::start("payments", folder.path(), &[]);
    let connection = TcpStream::connect(("127.0.0.1", payments.port)).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut connection = BufReader::new(connection);
    let body = r#"{"order_id":1,"amount_cents":100}"#;
    let request = format!(
        "POST /payments HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..PAYMENTS {
        let status = ask(&mut connection, &request).unwrap();
        assert!(status.starts_with("HTTP/1.1 201 "), "{status}");
    }
    let bytes = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len();
    let (database, log) = (bytes("payments.db"), bytes("payments.db-wal"));
    assert!(
        log < LOG_BYTES_MAX && database > DATABASE_BYTES_MIN,
        "{database} bytes in the database, {log} in its log"
    );
}
