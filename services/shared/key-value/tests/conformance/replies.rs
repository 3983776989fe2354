//! Answers byte for byte. `replies.txt` holds commands, each with what a Redis 7.0 answers; `↵` stands for the end of a
//! line there.

use crate::servers::Server;

const REPLIES: &str = include_str!("replies.txt");

/// Each part of the file begins with an empty server and a new connection.
pub fn are_those_of_redis(server: &Server) {
    let mut client = server.client();
    let mut lines = REPLIES.lines();
    let (mut wrong, mut commands) = (Vec::new(), 0);
    while let Some(line) = lines.next() {
        if let Some(part) = line.strip_prefix("# ") {
            client = server.client();
            assert_eq!(client.tell("FLUSHALL"), "+OK\r\n", "{part}");
            assert_eq!(client.tell("SCRIPT FLUSH"), "+OK\r\n", "{part}");
        } else if let Some(command) = line.strip_prefix("> ") {
            commands += 1;
            let expected = lines.next().expect("each command has an answer");
            let told = String::from_utf8(client.ask(&words(command))).unwrap();
            let told = told.replace("\r\n", "↵").replace('\n', "⏎");
            if told != expected {
                wrong.push(format!("> {command}\n  expected {expected}\n  answered {told}"));
            }
        }
    }
    assert!(commands > 600, "only {commands} commands were read");
    assert!(
        wrong.is_empty(),
        "{} answers are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Words with spaces between them; those in double quotes may hold escapes.
fn words(line: &str) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut letters = line.chars().peekable();
    while let Some(first) = letters.next() {
        let mut word = String::new();
        match first {
            ' ' => continue,
            '\'' => word.extend(letters.by_ref().take_while(|letter| *letter != '\'')),
            '"' => {
                while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
                    word.push(match letter {
                        '\\' => letters
                            .next()
                            .map_or('\\', |escaped| if escaped == 'n' { '\n' } else { escaped }),
                        other => other,
                    });
                }
            }
            other => {
                word.push(other);
                word.extend(std::iter::from_fn(|| letters.next_if(|letter| *letter != ' ')));
            }
        }
        words.push(word.into_bytes());
    }
    words
}
