//! What the reading finds in small invented crates.

use std::fs;
use std::path::{Path, PathBuf};

use crate::arrows::{Arrows, arrows};
use crate::graph::circles;
use crate::modules::Crate;

/// The arrows of a crate of these files, which are named from its `src` on.
fn arrows_of(files: &[(&str, &str)]) -> Arrows {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, source).unwrap();
    }
    let own = |file: &Path| file.strip_prefix(folder.path()).unwrap().to_owned();
    arrows(&Crate::read(&folder.path().join("lib.rs")))
        .into_iter()
        .map(|((from, to), names)| ((own(&from), own(&to)), names))
        .collect()
}

/// Arrows as `from -> to: names`.
fn told(arrows: &Arrows) -> Vec<String> {
    let words = |((from, to), names): (&(PathBuf, PathBuf), &std::collections::BTreeSet<String>)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("{} -> {}: {}", from.display(), to.display(), names.join(", "))
    };
    arrows.iter().map(words).collect()
}

#[test]
fn a_circle_is_found_with_the_names_that_tie_it() {
    let arrows = arrows_of(&[
        ("lib.rs", "mod above;\nmod below;\npub use above::Above;"),
        (
            "above.rs",
            "use crate::below::{self, Below};\npub struct Above(Below);\nfn f() { below::deep(); }",
        ),
        (
            "below.rs",
            "pub struct Below;\npub fn deep() -> super::above::Above { todo!() }",
        ),
    ]);
    assert_eq!(
        told(&arrows),
        ["above.rs -> below.rs: Below, deep", "below.rs -> above.rs: Above"]
    );
    let circle = ["above.rs", "below.rs"].map(PathBuf::from).to_vec();
    assert_eq!(circles(&arrows).into_iter().collect::<Vec<_>>(), [circle]);
}

#[test]
fn what_is_handed_on_counts_for_the_file_that_defines_it() {
    let arrows = arrows_of(&[
        ("lib.rs", "mod parts;\nmod user;"),
        (
            "parts/mod.rs",
            "mod one;\nmod two;\npub use one::One as First;\npub(crate) use two::*;",
        ),
        ("parts/one.rs", "pub struct One;"),
        ("parts/two.rs", "use super::First;\npub struct Two(First);"),
        (
            "user.rs",
            "use crate::parts::{First, Two};\nfn f(_: First, _: Two) { crate::parts::Two::new() }",
        ),
    ]);
    assert_eq!(
        told(&arrows),
        [
            "parts/two.rs -> parts/one.rs: One",
            "user.rs -> parts/one.rs: One",
            "user.rs -> parts/two.rs: Two"
        ]
    );
    assert!(circles(&arrows).is_empty());
}

#[test]
fn a_module_that_uses_what_it_hands_on_is_tied_to_it_and_so_is_a_part_that_looks_up() {
    let arrows = arrows_of(&[
        ("lib.rs", "mod whole;\nmod other;"),
        (
            "whole/mod.rs",
            "mod part;\npub use part::Part;\npub struct Whole(Part);",
        ),
        (
            "whole/part.rs",
            "pub struct Part(crate::other::Other);\nfn f() -> super::Whole { todo!() }",
        ),
        (
            "other.rs",
            "use crate::whole::Whole;\npub struct Other;\nfn f() -> Whole { todo!() }",
        ),
    ]);
    assert_eq!(
        told(&arrows),
        [
            "other.rs -> whole/mod.rs: Whole",
            "whole/mod.rs -> whole/part.rs: Part",
            "whole/part.rs -> other.rs: Other",
            "whole/part.rs -> whole/mod.rs: Whole"
        ]
    );
    assert_eq!(circles(&arrows).len(), 2, "part and whole, and all three");
}

#[test]
fn a_part_may_not_call_the_whole_that_calls_it() {
    let arrows = arrows_of(&[
        ("lib.rs", "mod whole;"),
        (
            "whole/mod.rs",
            "mod part;\npub struct Whole;\npub fn all() { part::some(); }\nfn below() {}\nconst MOST: u8 = 1;",
        ),
        (
            "whole/part.rs",
            "pub fn some() -> super::Whole { super::below(); super::MOST; todo!() }",
        ),
    ]);
    assert_eq!(
        told(&arrows),
        [
            "whole/mod.rs -> whole/part.rs: some",
            "whole/part.rs -> whole/mod.rs: MOST, Whole, below"
        ]
    );
    assert_eq!(circles(&arrows).len(), 1);
}

#[test]
fn braces_nest_and_names_have_aliases() {
    let arrows = arrows_of(&[
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "pub mod x;\npub struct A;\npub enum Kind { One }"),
        (
            "a/x.rs",
            "pub mod y { pub struct Y; }\npub fn f() {}\npub const C: u8 = 1;",
        ),
        (
            "b.rs",
            "use super::a::{x::{self as other, y::{Y as Why}, C}, Kind::{self, One}, A as _};\nfn g() { other::f(); }",
        ),
    ]);
    assert_eq!(told(&arrows), ["b.rs -> a/x.rs: C, Y, f", "b.rs -> a.rs: A, Kind"]);
}

#[test]
fn code_for_tests_comments_and_texts_are_left_out() {
    let arrows = arrows_of(&[
        ("lib.rs", "mod a;\nmod b;\n#[cfg(test)]\nmod missing;"),
        ("a.rs", "pub struct A;\npub struct B;\npub fn f() {}"),
        (
            "b.rs",
            r####"
            /// See [`crate::a::A`]. /* not closed
            #[cfg(test)]
            use crate::a::{A, B};
            /* crate::a::A /* nested */ crate::a::B */
            const T: &str = r#"crate::a::A " "#; const C: char = '"'; const D: char = '\'';
            fn g<'a>(x: &'a str) -> &'a str { "\" crate::a::A" }
            #[cfg(all(test, unix))]
            #[derive(Debug)]
            struct S { a: crate::a::A }
            #[cfg(not(test))]
            fn h() { crate::a::f() }
            #[cfg(test)]
            mod tests { use super::*; use crate::a::B; #[test] fn t() { let _ = B; } }
            "####,
        ),
    ]);
    assert_eq!(told(&arrows), ["b.rs -> a.rs: f"]);
}

#[test]
fn a_macro_ties_to_where_it_is_written_and_to_what_it_expands_to() {
    let arrows = arrows_of(&[
        ("lib.rs", "#[macro_use]\nmod output;\nmod user;"),
        (
            "output.rs",
            "macro_rules! say { ($t:tt) => { $crate::output::print($t) }; }\npub fn print(_: &str) {}",
        ),
        ("user.rs", "fn f() { say!(\"x\"); if a != b {} }"),
    ]);
    assert_eq!(told(&arrows), ["user.rs -> output.rs: say!"]);
}

#[test]
fn a_glob_gives_only_what_is_spoken_of() {
    let arrows = arrows_of(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;"),
        ("a.rs", "pub struct A;\npub struct Unused;"),
        ("b.rs", "use crate::a::*;\nfn f(_: A) {}"),
        ("c.rs", "use crate::a::*;\nfn f(own: u8) {}"),
    ]);
    assert_eq!(told(&arrows), ["b.rs -> a.rs: A"]);
}
