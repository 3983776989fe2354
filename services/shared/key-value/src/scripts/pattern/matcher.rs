//! The search itself: the algorithm of `lstrlib.c`, with a list of choices in the place of recursion.

use std::ops::Range;

use super::class::{end_of, is_in, takes};
use super::{CAPTURES_MAX, CHOICES_MAX, Fault, Pace, at};

/// What a pair of parentheses has caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::scripts) enum Capture {
    /// The text between two places.
    Text(Range<usize>),
    /// A place, from zero; what `()` catches.
    Place(usize),
    /// The parenthesis is still open.
    Open(usize),
}

/// A match: where it is, and what it has caught.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::scripts) struct Found {
    pub(in crate::scripts) whole: Range<usize>,
    pub(in crate::scripts) captures: Vec<Capture>,
}

/// What is done when the rest of the pattern does not match.
enum Choice {
    /// Take fewer letters: a repetition that started at a place and took so many.
    Fewer { start: usize, count: usize, then: usize },
    /// Take one letter more, which a part of the pattern has to allow.
    More { place: usize, part: Range<usize> },
    /// Leave out what is not needed.
    Without { place: usize, then: usize },
    /// Forget the newest capture.
    Forget,
    /// Open a capture again that was closed.
    Reopen(usize),
}

/// Looks for a pattern, from a place on. `anchors` says that a `^` in front holds the pattern to that place.
///
/// # Errors
/// When the pattern is none, or when it may not go on.
pub(in crate::scripts) fn search(
    text: &[u8],
    pattern: &[u8],
    from: usize,
    anchors: bool,
    pace: &mut Pace<'_>,
) -> Result<Option<Found>, Fault> {
    // To Lua 5.1 a pattern is a string of C, which ends at its first zero.
    let pattern = pattern.split(|letter| *letter == 0).next().unwrap_or_default();
    let is_anchored = anchors && pattern.first() == Some(&b'^');
    let pattern = &pattern[usize::from(is_anchored)..];
    let last = if is_anchored { from } else { text.len() };
    let mut matcher = Matcher {
        text,
        pattern,
        captures: Vec::new(),
        choices: Vec::new(),
    };
    // Where nothing is found, every choice was taken back, and every capture with it.
    for start in from..=last {
        if let Some(end) = matcher.run(start, pace)? {
            if matcher
                .captures
                .iter()
                .any(|capture| matches!(capture, Capture::Open(_)))
            {
                return Err(Fault::Malformed("unfinished capture"));
            }
            return Ok(Some(Found {
                whole: start..end,
                captures: matcher.captures,
            }));
        }
        pace.step(1)?;
    }
    Ok(None)
}

struct Matcher<'a> {
    text: &'a [u8],
    pattern: &'a [u8],
    captures: Vec<Capture>,
    choices: Vec<Choice>,
}

/// Where the matcher is: in the text, and in the pattern.
type Position = (usize, usize);

impl Matcher<'_> {
    /// Matches from a place on; gives where the match ends.
    fn run(&mut self, start: usize, pace: &mut Pace<'_>) -> Result<Option<usize>, Fault> {
        let mut position = (start, 0);
        loop {
            pace.step(1)?;
            if position.1 >= self.pattern.len() {
                return Ok(Some(position.0));
            }
            let next = match self.advance(position, pace)? {
                Some(next) => Some(next),
                None => self.take_back(pace)?,
            };
            match next {
                Some(next) => position = next,
                None => return Ok(None),
            }
        }
    }

    /// Matches one part of the pattern; nothing where that cannot be.
    fn advance(&mut self, (place, part): Position, pace: &mut Pace<'_>) -> Result<Option<Position>, Fault> {
        let follows = at(self.pattern, part + 1);
        match self.pattern[part] {
            b'(' if follows == b')' => self.open(Capture::Place(place), (place, part + 2)),
            b'(' => self.open(Capture::Open(place), (place, part + 1)),
            b')' => self.close((place, part + 1)),
            b'%' if follows == b'b' => self.balance(place, part + 2, pace),
            b'%' if follows == b'f' => self.frontier(place, part + 2, pace),
            b'%' if follows.is_ascii_digit() => self.again(place, part, pace),
            b'$' if part + 1 == self.pattern.len() => Ok((place == self.text.len()).then_some((place, part + 1))),
            _ => self.letters(place, part, pace),
        }
    }

    /// Matches what stands for one letter, with the sign behind it that says how often.
    fn letters(&mut self, place: usize, part: usize, pace: &mut Pace<'_>) -> Result<Option<Position>, Fault> {
        let end = end_of(self.pattern, part)?;
        let single = part..end;
        let fits = self.fits(place, &single, pace)?;
        match at(self.pattern, end) {
            b'?' if fits => {
                self.choose(Choice::Without { place, then: end + 1 })?;
                Ok(Some((place + 1, end + 1)))
            }
            b'?' => Ok(Some((place, end + 1))),
            b'*' => self.most(place, single, pace).map(Some),
            b'+' if fits => self.most(place + 1, single, pace).map(Some),
            b'+' => Ok(None),
            b'-' => {
                self.choose(Choice::More { place, part: single })?;
                Ok(Some((place, end + 1)))
            }
            _ => Ok(fits.then_some((place + 1, end))),
        }
    }

    fn fits(&self, place: usize, single: &Range<usize>, pace: &mut Pace<'_>) -> Result<bool, Fault> {
        pace.step(single.len())?;
        let part = &self.pattern[single.clone()];
        Ok(self.text.get(place).is_some_and(|letter| takes(part, *letter)))
    }

    /// Takes as many letters as there are, and perhaps fewer later on.
    fn most(&mut self, start: usize, single: Range<usize>, pace: &mut Pace<'_>) -> Result<Position, Fault> {
        let mut count = 0;
        while self.fits(start + count, &single, pace)? {
            count += 1;
        }
        let then = single.end + 1;
        if count > 0 {
            self.choose(Choice::Fewer { start, count, then })?;
        }
        Ok((start + count, then))
    }

    fn open(&mut self, capture: Capture, next: Position) -> Result<Option<Position>, Fault> {
        if self.captures.len() >= CAPTURES_MAX {
            return Err(Fault::Malformed("too many captures"));
        }
        self.captures.push(capture);
        self.choose(Choice::Forget)?;
        Ok(Some(next))
    }

    fn close(&mut self, next: Position) -> Result<Option<Position>, Fault> {
        let newest = self
            .captures
            .iter()
            .rposition(|capture| matches!(capture, Capture::Open(_)));
        let newest = newest.ok_or(Fault::Malformed("invalid pattern capture"))?;
        if let Capture::Open(start) = self.captures[newest] {
            self.captures[newest] = Capture::Text(start..next.0);
        }
        self.choose(Choice::Reopen(newest))?;
        Ok(Some(next))
    }

    /// `%bxy`: from an x to the y that ends it.
    fn balance(&mut self, place: usize, letters: usize, pace: &mut Pace<'_>) -> Result<Option<Position>, Fault> {
        let (first, last) = (at(self.pattern, letters), at(self.pattern, letters + 1));
        if first == 0 || last == 0 {
            return Err(Fault::Malformed("unbalanced pattern"));
        }
        if self.text.get(place) != Some(&first) {
            return Ok(None);
        }
        let mut open = 1_usize;
        for (passed, letter) in self.text[place + 1..].iter().enumerate() {
            pace.step(1)?;
            if *letter == last {
                open -= 1;
                if open == 0 {
                    return Ok(Some((place + passed + 2, letters + 2)));
                }
            } else if *letter == first {
                open += 1;
            }
        }
        Ok(None)
    }

    /// `%f[set]`: where the letter before is not in the set, and the next one is. The ends of the text count as zeros.
    fn frontier(&mut self, place: usize, set: usize, pace: &mut Pace<'_>) -> Result<Option<Position>, Fault> {
        if at(self.pattern, set) != b'[' {
            return Err(Fault::Malformed("missing '[' after '%f' in pattern"));
        }
        let end = end_of(self.pattern, set)?;
        pace.step(end - set)?;
        let members = &self.pattern[set + 1..end - 1];
        let before = place.checked_sub(1).map_or(0, |before| at(self.text, before));
        let is_edge = !is_in(members, before) && is_in(members, at(self.text, place));
        Ok(is_edge.then_some((place, end)))
    }

    /// `%1`: what a capture holds, once more.
    fn again(&mut self, place: usize, part: usize, pace: &mut Pace<'_>) -> Result<Option<Position>, Fault> {
        let index = usize::from(self.pattern[part + 1]).checked_sub(usize::from(b'1'));
        let capture = index.and_then(|index| self.captures.get(index));
        let held = match capture {
            Some(Capture::Text(range)) => &self.text[range.clone()],
            // A place is no text that could come again.
            Some(Capture::Place(_)) => return Ok(None),
            Some(Capture::Open(_)) | None => return Err(Fault::Malformed("invalid capture index")),
        };
        pace.step(held.len())?;
        let is_there = self.text[place..].starts_with(held);
        Ok(is_there.then_some((place + held.len(), part + 2)))
    }

    fn choose(&mut self, choice: Choice) -> Result<(), Fault> {
        if self.choices.len() >= CHOICES_MAX {
            return Err(Fault::Malformed("pattern too complex"));
        }
        self.choices.push(choice);
        Ok(())
    }

    /// Goes back to the newest choice that can be made in another way.
    fn take_back(&mut self, pace: &mut Pace<'_>) -> Result<Option<Position>, Fault> {
        while let Some(choice) = self.choices.pop() {
            pace.step(1)?;
            match choice {
                Choice::Fewer { start, count, then } => {
                    let count = count - 1;
                    if count > 0 {
                        self.choices.push(Choice::Fewer { start, count, then });
                    }
                    return Ok(Some((start + count, then)));
                }
                Choice::More { place, part } => {
                    if self.fits(place, &part, pace)? {
                        let then = part.end + 1;
                        self.choices.push(Choice::More { place: place + 1, part });
                        return Ok(Some((place + 1, then)));
                    }
                }
                Choice::Without { place, then } => return Ok(Some((place, then))),
                Choice::Forget => drop(self.captures.pop()),
                Choice::Reopen(index) => {
                    if let Capture::Text(range) = &self.captures[index] {
                        self.captures[index] = Capture::Open(range.start);
                    }
                }
            }
        }
        Ok(None)
    }
}
