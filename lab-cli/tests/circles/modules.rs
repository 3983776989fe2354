//! The modules of a crate, as its files declare them: what each defines, imports and speaks of.
//!
//! Code for tests only is left out: a test may look up. An import within a function counts for its whole module.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::tokens::{Token, tokens};

/// Keywords behind which stands the name of an item.
const ITEMS: [&str; 8] = ["struct", "enum", "union", "trait", "type", "const", "static", "fn"];

/// A module, in a file of its own or within one.
#[derive(Debug, Default)]
pub struct Module {
    /// The file that it is written in.
    pub file: PathBuf,
    /// The module that declares it; none for the root.
    pub parent: Option<usize>,
    /// The modules that it declares, by name.
    pub children: BTreeMap<String, usize>,
    /// Names of the items that it defines.
    pub items: BTreeSet<String>,
    /// What it imports.
    pub imports: Vec<Import>,
    /// Names in its code that stand alone.
    pub words: BTreeSet<String>,
    /// Names in its code that are more than one word.
    pub paths: BTreeSet<Vec<String>>,
    /// Macros that it calls.
    pub macros: BTreeSet<String>,
}

/// One name of a `use`.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// What it is called here; `*` for everything in there.
    pub name: String,
    /// Where it comes from.
    pub path: Vec<String>,
    /// Whether others may take it from here.
    pub is_public: bool,
}

/// The modules of a crate; the root is the first.
#[derive(Debug, Default)]
pub struct Crate {
    /// All modules.
    pub modules: Vec<Module>,
    /// The modules that define macros, by the macro's name.
    pub macros: BTreeMap<String, usize>,
}

impl Crate {
    /// Reads a crate from its root file.
    pub fn read(root: &Path) -> Self {
        let mut own = Self::default();
        let folder = root.parent().expect("a file is in a folder");
        own.read_file(root, folder, None);
        own
    }

    /// Whether a module imports something by this name.
    pub fn imports(&self, module: usize, name: &str) -> bool {
        self.modules[module].imports.iter().any(|import| import.name == name)
    }

    /// Whether a module has this name from elsewhere than by `*`.
    pub fn is_own(&self, module: usize, name: &str) -> bool {
        let own = &self.modules[module];
        own.items.contains(name) || own.children.contains_key(name) || self.imports(module, name)
    }

    /// Reads a module's file; the files of the modules that it declares are in `folder`.
    fn read_file(&mut self, file: &Path, folder: &Path, parent: Option<usize>) -> usize {
        let source = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let module = self.add(file, parent);
        self.read_body(module, &tokens(&source), folder);
        module
    }

    fn add(&mut self, file: &Path, parent: Option<usize>) -> usize {
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            ..Module::default()
        });
        self.modules.len() - 1
    }

    fn read_body(&mut self, module: usize, body: &[Token], folder: &Path) {
        let mut depth = 0;
        let mut at = 0;
        while at < body.len() {
            let rest = &body[at..];
            at += match &rest[0] {
                Token::Sign('#') => match attribute(rest) {
                    Some(length) if !is_for_tests(&rest[..length]) => 1,
                    Some(_) if rest[1].is_sign('!') => return,
                    Some(length) => length + item_length(&rest[length..]),
                    None => 1,
                },
                Token::Sign('{' | '(' | '[') => {
                    depth += 1;
                    1
                }
                Token::Sign('}' | ')' | ']') => {
                    depth -= 1;
                    1
                }
                Token::Word(word) => match word.as_str() {
                    "use" if !rest[1].is_sign('<') => self.read_use(module, &body[..at], rest),
                    "mod" if depth == 0 && rest[1].word().is_some() => self.read_mod(module, rest, folder),
                    "macro_rules" => {
                        self.macros
                            .insert(rest[2].word().expect("a macro has a name").to_owned(), module);
                        3
                    }
                    keyword => {
                        if depth == 0
                            && ITEMS.contains(&keyword)
                            && let Some(name) = rest[1].word()
                        {
                            self.modules[module].items.insert(name.to_owned());
                        }
                        self.read_name(module, body[..at].last(), rest)
                    }
                },
                _ => 1,
            };
        }
    }

    /// A declaration of a module: `mod name;` or `mod name { … }`. Gives how many tokens it takes.
    fn read_mod(&mut self, module: usize, rest: &[Token], folder: &Path) -> usize {
        let name = rest[1].word().expect("a module has a name").to_owned();
        let below = folder.join(&name);
        let (child, length) = if rest[2].is_sign(';') {
            let own = folder.join(format!("{name}.rs"));
            let file = if own.is_file() { own } else { below.join("mod.rs") };
            (self.read_file(&file, &below, Some(module)), 3)
        } else {
            let length = group_length(&rest[2..]);
            let file = self.modules[module].file.clone();
            let child = self.add(&file, Some(module));
            self.read_body(child, &rest[3..length + 1], &below);
            (child, length + 2)
        };
        self.modules[module].children.insert(name, child);
        length
    }

    fn read_use(&mut self, module: usize, before: &[Token], rest: &[Token]) -> usize {
        let length = rest
            .iter()
            .position(|token| token.is_sign(';'))
            .expect("a use ends with a semicolon");
        // `pub use` and `pub(super) use`.
        let is_public = before
            .last()
            .is_some_and(|token| token.is_word("pub") || token.is_sign(')'));
        let mut imports = Vec::new();
        read_tree(&rest[1..length], &[], &mut imports);
        let own = imports.into_iter().map(|(name, path)| Import { name, path, is_public });
        self.modules[module].imports.extend(own);
        length + 1
    }

    /// A name in the code, of one word or several. Gives how many tokens it takes.
    fn read_name(&mut self, module: usize, before: Option<&Token>, rest: &[Token]) -> usize {
        let own = &mut self.modules[module];
        let (path, length) = path(rest);
        let follows = |sign| rest.get(length).is_some_and(|token: &Token| token.is_sign(sign));
        let goes_on = before.is_some_and(|token| *token == Token::Separator || token.is_sign('.'));
        if follows('!') && !rest.get(length + 1).is_some_and(|token| token.is_sign('=')) {
            own.macros.extend(path.last().cloned());
        }
        if goes_on {
            // What comes behind a type's or a value's own dot or separator is looked up there.
        } else if path.len() > 1 {
            own.paths.insert(path);
        } else {
            own.words.extend(path);
        }
        length
    }
}

/// A path at the start of these tokens, and how many of them it takes.
fn path(tokens: &[Token]) -> (Vec<String>, usize) {
    let mut path: Vec<String> = tokens[0].word().map(str::to_owned).into_iter().collect();
    let mut length = 1;
    while let [Token::Separator, Token::Word(next), ..] = &tokens[length..] {
        path.push(next.clone());
        length += 2;
    }
    (path, length)
}

/// The names of a `use` tree: what each is called here, and its path.
fn read_tree(tree: &[Token], before: &[String], into: &mut Vec<(String, Vec<String>)>) {
    let mut path = before.to_vec();
    let mut at = 0;
    while let Some(token) = tree.get(at) {
        match token {
            Token::Separator => {}
            Token::Word(word) if word == "as" => {
                let name = tree[at + 1].word().expect("an alias is a name");
                into.push((name.to_owned(), path));
                return;
            }
            // `{self}` is the path before it.
            Token::Word(word) if word == "self" && !path.is_empty() => {}
            Token::Word(word) => path.push(word.clone()),
            Token::Sign('*') => {
                into.push(("*".to_owned(), path));
                return;
            }
            Token::Sign('{') => {
                let inner = &tree[at + 1..at + group_length(&tree[at..]) - 1];
                for branch in branches(inner) {
                    read_tree(branch, &path, into);
                }
                return;
            }
            Token::Sign(sign) => panic!("`{sign}` in a use of {}", path.join("::")),
        }
        at += 1;
    }
    if let Some(name) = path.last().cloned() {
        into.push((name, path));
    }
}

/// What stands between the commas of a group.
fn branches(inner: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0;
    let ends_branch = |token: &Token| {
        depth += i32::from(token.is_sign('{')) - i32::from(token.is_sign('}'));
        depth == 0 && token.is_sign(',')
    };
    inner.split(ends_branch).filter(|branch| !branch.is_empty()).collect()
}

/// Tokens of a group in brackets, with both brackets.
fn group_length(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('{' | '(' | '[') => depth += 1,
            Token::Sign('}' | ')' | ']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    panic!("a bracket is not closed");
}

/// Tokens of an attribute, `#[…]` or `#![…]`.
fn attribute(tokens: &[Token]) -> Option<usize> {
    let open = if tokens.get(1)?.is_sign('!') { 2 } else { 1 };
    tokens
        .get(open)?
        .is_sign('[')
        .then(|| open + group_length(&tokens[open..]))
}

/// Whether an attribute leaves its item to tests: `#[cfg(test)]`, `#[cfg(all(test, …))]`, `#[test]`.
fn is_for_tests(attribute: &[Token]) -> bool {
    let words: Vec<&str> = attribute.iter().filter_map(Token::word).collect();
    words == ["test"] || (words.first() == Some(&"cfg") && words.contains(&"test") && !words.contains(&"not"))
}

/// Tokens of the item, field or statement at the start.
fn item_length(tokens: &[Token]) -> usize {
    let mut at = 0;
    while let Some(length) = tokens[at..]
        .first()
        .filter(|token| token.is_sign('#'))
        .and_then(|_| attribute(&tokens[at..]))
    {
        at += length;
    }
    let is_use = tokens[at..].iter().take(5).any(|token| token.is_word("use"));
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Sign(';' | ',') => return at + 1,
            Token::Sign('{') if !is_use => return at + group_length(&tokens[at..]),
            Token::Sign('{' | '(' | '[') => at += group_length(&tokens[at..]),
            Token::Sign('}' | ')' | ']') => return at,
            _ => at += 1,
        }
    }
    at
}
