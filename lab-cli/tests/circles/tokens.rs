//! Rust source as the few kinds of tokens that names are made of. Comments and literals are left out.

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A name or a keyword.
    Word(String),
    /// `::`
    Separator,
    /// Any other sign.
    Sign(char),
}

impl Token {
    /// Whether it is this word.
    pub fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }

    /// Whether it is this sign.
    pub fn is_sign(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }

    /// The word that it is.
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// The tokens of a source.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut rest = Rest(source);
    let mut tokens = Vec::new();
    while let Some(char) = rest.peek() {
        if rest.0.starts_with("//") {
            rest.skip_while(|char| char != '\n');
        } else if rest.0.starts_with("/*") {
            rest.skip_comment();
        } else if rest.skip_literal() {
        } else if is_first(char) {
            tokens.push(Token::Word(rest.word()));
        } else if rest.0.starts_with("::") {
            rest.skip(2);
            tokens.push(Token::Separator);
        } else {
            rest.skip(char.len_utf8());
            if !char.is_whitespace() {
                tokens.push(Token::Sign(char));
            }
        }
    }
    tokens
}

fn is_first(char: char) -> bool {
    char == '_' || char.is_alphabetic()
}

fn is_inner(char: char) -> bool {
    char == '_' || char.is_alphanumeric()
}

/// What has not been read yet.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.0 = &self.0[bytes..];
    }

    fn skip_while(&mut self, fits: impl Fn(char) -> bool) {
        self.0 = self.0.trim_start_matches(fits);
    }

    /// Block comments hold block comments.
    fn skip_comment(&mut self) {
        let mut depth = 0;
        while let Some(char) = self.peek() {
            if self.0.starts_with("/*") {
                depth += 1;
                self.skip(2);
            } else if self.0.starts_with("*/") {
                depth -= 1;
                self.skip(2);
                if depth == 0 {
                    return;
                }
            } else {
                self.skip(char.len_utf8());
            }
        }
    }

    fn word(&mut self) -> String {
        if self.0.starts_with("r#") {
            self.skip(2);
        }
        let length = self.0.find(|char| !is_inner(char)).unwrap_or(self.0.len());
        let word = self.0[..length].to_owned();
        self.skip(length);
        word
    }

    /// Skips a number, a text, a character or a lifetime. Gives whether there was one.
    fn skip_literal(&mut self) -> bool {
        let bare = self.0.trim_start_matches(['b', 'c', 'r']);
        let prefix = self.0.len() - bare.len();
        let hashes = bare.len() - bare.trim_start_matches('#').len();
        let is_raw = self.0[..prefix].contains('r');
        if self.peek().is_some_and(|char| char.is_ascii_digit()) {
            self.skip_while(is_inner);
        } else if prefix <= 2 && is_raw && bare[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            self.skip(prefix + hashes + 1);
            let length = self.0.find(&end).map_or(self.0.len(), |at| at + end.len());
            self.skip(length);
        } else if prefix <= 1 && bare.starts_with('"') {
            self.skip(prefix + 1);
            self.skip_to('"');
        } else if prefix == 0 && bare.starts_with('\'') || self.0.starts_with("b'") {
            self.skip(prefix + 1);
            self.skip_character();
        } else {
            return false;
        }
        true
    }

    /// Skips to the end of a text or a character, over what is escaped.
    fn skip_to(&mut self, end: char) {
        while let Some(char) = self.peek() {
            self.skip(char.len_utf8());
            if char == end {
                return;
            }
            if char == '\\'
                && let Some(escaped) = self.peek()
            {
                self.skip(escaped.len_utf8());
            }
        }
    }

    /// Behind a quotation mark: a character has another one behind it, a lifetime has not.
    fn skip_character(&mut self) {
        let mut chars = self.0.chars();
        let (first, second) = (chars.next(), chars.next());
        if first == Some('\\') || second == Some('\'') {
            self.skip_to('\'');
        } else {
            self.skip_while(is_inner);
        }
    }
}
