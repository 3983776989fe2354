//! Attacks on parsers of foreign bytes, for tests: good inputs are mutated, and thrown at a function.
//!
//! An attack is bounded (a number of inputs, [`PATIENCE`] for each) and can be repeated: the same seed gives the same
//! inputs. An input on which the target panics or hangs is kept in `tests/crashes/NAME/` of the crate under attack, and
//! every later run of the attack begins with what was kept. Two variables widen an attack that is run by hand:
//! `LAB_ATTACK_TIMES=100` throws a hundred times as many inputs, `LAB_ATTACK_SEED=7` throws others.

mod kept;
mod mutate;
mod watchdog;

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::time::Duration;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use kept::Kept;
use mutate::Mutator;
use watchdog::Watchdog;

/// How long a target may take for one input before it counts as hung.
pub const PATIENCE: Duration = Duration::from_secs(10);
const SEED: u64 = 1;

/// What is thrown: good inputs to begin with, words of the format, and a number of mutations of them.
pub struct Attack {
    name: String,
    kept: Kept,
    mutator: Mutator,
}

impl Attack {
    /// An attack of this name. `manifest` is `env!("CARGO_MANIFEST_DIR")` of the crate whose code is attacked: there
    /// the inputs of crashes are kept.
    pub fn new(name: &str, manifest: &str) -> Self {
        Self {
            name: name.to_owned(),
            kept: Kept::in_folder(Path::new(manifest).join("tests/crashes").join(name)),
            mutator: Mutator::default(),
        }
    }

    /// Adds a good input, from which others are made.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.mutator.good.push(bytes.into());
        self
    }

    /// Adds a word of the format that mutations insert: a keyword, a delimiter, a number at an edge.
    #[must_use]
    pub fn word(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.mutator.words.push(bytes.into());
        self
    }

    /// The inputs of this attack: those of earlier crashes, the good ones, then `count` mutations (times
    /// `LAB_ATTACK_TIMES`). For targets that are not a function, such as a server; see [`Attack::keep`].
    pub fn inputs(&self, count: u64) -> impl Iterator<Item = Vec<u8>> + '_ {
        let seed = seed();
        let count = count.saturating_mul(times());
        eprintln!("attack {}: {count} inputs, LAB_ATTACK_SEED={seed}", self.name);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mutations = (0..count).map(move |_| self.mutator.mutation(&mut rng));
        let known = self.kept.all().into_iter().chain(self.mutator.good.clone());
        known.chain(mutations)
    }

    /// Keeps an input that broke its target, and returns where.
    pub fn keep(&self, input: &[u8]) -> std::path::PathBuf {
        self.kept.keep(input)
    }

    /// Throws [`Attack::inputs`] at a function.
    ///
    /// # Panics
    ///
    /// When the target panicked on an input. A target that takes longer than [`PATIENCE`] ends the whole process,
    /// since nothing else stops it. Either way the input is kept, and its path told.
    pub fn run(&self, count: u64, mut target: impl FnMut(&[u8])) {
        let watchdog = Watchdog::start(self.kept.clone(), PATIENCE);
        for input in self.inputs(count) {
            watchdog.begins(&input);
            let ended = panic::catch_unwind(AssertUnwindSafe(|| target(&input)));
            watchdog.ended();
            if let Err(panic) = ended {
                eprintln!(
                    "attack {}: the input is kept as {}",
                    self.name,
                    self.keep(&input).display()
                );
                panic::resume_unwind(panic);
            }
        }
    }
}

/// How many times as much as usual an attack is to do: `LAB_ATTACK_TIMES`, else 1. For attacks that throw no bytes.
pub fn times() -> u64 {
    number("LAB_ATTACK_TIMES").unwrap_or(1)
}

/// The seed of every random choice of an attack: `LAB_ATTACK_SEED`, else always the same.
pub fn seed() -> u64 {
    number("LAB_ATTACK_SEED").unwrap_or(SEED)
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={value} is not a whole number")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_inputs_and_they_differ_from_the_good_one() {
        let attack = Attack::new("same", env!("CARGO_MANIFEST_DIR"))
            .input("GET / HTTP/1.1")
            .word("\r\n");
        let first: Vec<_> = attack.inputs(200).collect();
        let second: Vec<_> = attack.inputs(200).collect();
        assert_eq!(first, second);
        let others = first
            .iter()
            .filter(|input| input.as_slice() != b"GET / HTTP/1.1")
            .count();
        assert!(others > 150, "only {others} of 200 differ");
    }

    #[test]
    fn an_input_that_breaks_its_target_is_kept_and_comes_first_the_next_time() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let manifest = folder.path().to_str().expect("the path is text");
        let attack = || Attack::new("breaks", manifest).input("abc");
        let broken = panic::catch_unwind(|| {
            attack().run(1000, |input| assert!(input.len() < 6, "too long"));
        });
        assert!(broken.is_err(), "no mutation was longer than six bytes");
        let first = attack().inputs(0).next().expect("what was kept comes first");
        assert!(first.len() >= 6, "{first:?}");
    }
}
