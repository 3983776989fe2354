//! Which file takes which names from which file.
//!
//! A name counts for the file that defines it, however many modules hand it on. A part that takes a name
//! from the module that it is inside of needs that module, as anybody would: what both need stands in a file below both.
//! Calls of methods are not followed: whoever calls one has the type from somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::modules::Crate;

/// From a file to a file, with the names that tie them.
pub type Arrows = BTreeMap<(PathBuf, PathBuf), BTreeSet<String>>;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Module(usize),
    /// An item of a module.
    Item(usize, String),
}

/// All arrows of a crate.
pub fn arrows(krate: &Crate) -> Arrows {
    let mut arrows = Arrows::new();
    for (index, module) in krate.modules.iter().enumerate() {
        let mut names = Names {
            krate,
            visiting: Vec::new(),
        };
        let mut targets: Vec<Target> = module
            .imports
            .iter()
            // What is only handed on ties whoever takes it.
            .filter(|import| !import.is_public || module.words.contains(&import.name))
            .flat_map(|import| names.resolve(index, &import.path))
            .collect();
        targets.extend(module.paths.iter().flat_map(|path| names.resolve(index, path)));
        for word in module.words.iter().filter(|word| !krate.is_own(index, word)) {
            targets.extend(names.in_globs(index, word));
        }
        let macros = module.macros.iter();
        targets.extend(macros.filter_map(|name| Some(Target::Item(*krate.macros.get(name)?, format!("{name}!")))));
        for target in targets {
            if let Target::Item(from, name) = target {
                let file = &krate.modules[from].file;
                if *file != module.file {
                    let tie = (module.file.clone(), file.clone());
                    arrows.entry(tie).or_default().insert(name);
                }
            }
        }
    }
    arrows
}

/// Looks names up.
struct Names<'a> {
    krate: &'a Crate,
    /// What is being looked up: imports may lead back to themselves.
    visiting: Vec<(usize, String)>,
}

impl Names<'_> {
    /// What a path stands for, seen from a module; nothing for those of other crates.
    fn resolve(&mut self, module: usize, path: &[String]) -> Vec<Target> {
        let modules = &self.krate.modules;
        let (mut targets, rest) = match path[0].as_str() {
            "crate" => (vec![Target::Module(0)], &path[1..]),
            "self" => (vec![Target::Module(module)], &path[1..]),
            "super" => {
                let ups = path.iter().take_while(|word| *word == "super").count();
                let up = (0..ups).fold(module, |at, _| modules[at].parent.expect("a module has one above it"));
                (vec![Target::Module(up)], &path[ups..])
            }
            name => (self.lookup(module, name), &path[1..]),
        };
        for name in rest {
            targets = self.step(targets, name);
        }
        targets
    }

    /// What a name within these stands for. A name that nobody is seen to define, as a macro may, is the module's own.
    fn step(&mut self, targets: Vec<Target>, name: &str) -> Vec<Target> {
        let mut found = Vec::new();
        for target in &targets {
            if let Target::Module(module) = target {
                let within = self.lookup(*module, name);
                if within.is_empty() && !self.krate.imports(*module, name) {
                    found.push(Target::Item(*module, name.to_owned()));
                }
                found.extend(within);
            }
        }
        if found.is_empty() {
            // A variant, or what an implementation gives.
            found.extend(targets.into_iter().filter(|target| matches!(target, Target::Item(..))));
        }
        found
    }

    fn lookup(&mut self, module: usize, name: &str) -> Vec<Target> {
        let own = &self.krate.modules[module];
        let mut found: Vec<Target> = own
            .children
            .get(name)
            .copied()
            .map(Target::Module)
            .into_iter()
            .collect();
        if own.items.contains(name) {
            found.push(Target::Item(module, name.to_owned()));
        }
        let visit = (module, name.to_owned());
        if self.visiting.contains(&visit) {
            return found;
        }
        self.visiting.push(visit);
        for import in own.imports.iter().filter(|import| import.name == name) {
            found.extend(self.resolve(module, &import.path));
        }
        if found.is_empty() {
            found = self.in_globs(module, name);
        }
        self.visiting.pop();
        found
    }

    /// What a name stands for among all that a module imports by `*`.
    fn in_globs(&mut self, module: usize, name: &str) -> Vec<Target> {
        let globs = self.krate.modules[module].imports.iter();
        let mut found = Vec::new();
        for glob in globs.filter(|import| import.name == "*") {
            for target in self.resolve(module, &glob.path) {
                if let Target::Module(within) = target {
                    found.extend(self.lookup(within, name));
                }
            }
        }
        found
    }
}
