//! Circles among arrows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use crate::arrows::Arrows;

/// Where each file's arrows lead.
type Next<'a> = BTreeMap<&'a PathBuf, Vec<&'a PathBuf>>;

/// The shortest circle that each file is in, each circle once: its files in order.
pub fn circles(arrows: &Arrows) -> BTreeSet<Vec<PathBuf>> {
    let next = next(arrows);
    let around = |start| way(&next, start, start).map(from_first);
    next.keys().copied().filter_map(around).collect()
}

fn next(arrows: &Arrows) -> Next<'_> {
    let mut next = Next::new();
    for (from, to) in arrows.keys() {
        next.entry(from).or_default().push(to);
    }
    next
}

/// The files of the shortest way from one file to another (or around to itself), without its end.
fn way(next: &Next<'_>, start: &PathBuf, end: &PathBuf) -> Option<Vec<PathBuf>> {
    let mut came_from: BTreeMap<&PathBuf, &PathBuf> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for to in next.get(at).into_iter().flatten().copied() {
            if to == end {
                let back = std::iter::successors(Some(at), |before| came_from.get(before).copied());
                let mut way: Vec<PathBuf> = back.cloned().collect();
                way.reverse();
                return Some(way);
            }
            if to != start && !came_from.contains_key(to) {
                came_from.insert(to, at);
                queue.push_back(to);
            }
        }
    }
    None
}

/// The same circle, from its first file by name.
fn from_first(mut circle: Vec<PathBuf>) -> Vec<PathBuf> {
    let first = (0..circle.len()).min_by_key(|at| &circle[*at]).unwrap_or_default();
    circle.rotate_left(first);
    circle
}
