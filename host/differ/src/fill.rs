//! Filling: between two matches, tables in which every word has moved are better told as words that moved than as literals.

use crate::elf::number;
use crate::matches::Match;

/// How many words back a word may have moved by as much, less one.
const BACK: [usize; 5] = [0, 1, 2, 3, 5];
/// Shorter gaps stay.
const SHORTEST: usize = 16;
/// What a word that follows is worth, what one that doesn't costs, and what is needed.
const FOLLOWS: i64 = 2;
const DIFFERS: i64 = -1;
const NEEDED: i64 = 4;

/// Returns the matches, those beside gaps made longer where that pays.
pub(crate) fn fill(old: &[u8], new: &[u8], matches: &[Match]) -> Vec<Match> {
    let mut all = Vec::with_capacity(matches.len());
    let mut at = 0;
    for next in matches.iter().map(Some).chain([None]) {
        let end = next.map_or(new.len(), |next| next.new);
        if end - at >= SHORTEST {
            fill_gap(old, new, &mut all, at..end, next);
        }
        if let Some(next) = next {
            push(&mut all, *next);
            at = next.end();
        }
    }
    all
}

/// Adds a match, or makes the last one longer.
fn push(all: &mut Vec<Match>, next: Match) {
    match all.last_mut() {
        Some(last) if last.end() == next.new && last.old + last.len == next.old => last.len += next.len,
        _ if next.len == 0 => (),
        _ => all.push(next),
    }
}

fn fill_gap(old: &[u8], new: &[u8], all: &mut Vec<Match>, gap: std::ops::Range<usize>, next: Option<&Match>) {
    let odd = gap.start.next_multiple_of(4) - gap.start;
    let words = (gap.len() - odd) / 4;
    let first = gap.start + odd;
    let before = all.last().map(|last| last.old + last.len);
    let left = before.map(|before| following(old, new, first, words, (before + odd) as isize));
    let right = next.map(|next| {
        let start = next.old as isize - (gap.len() - odd) as isize;
        following(old, new, first, words, start)
    });
    let Some((from_left, from_right)) = best_split(words, left.as_deref(), right.as_deref()) else { return };
    if let Some(before) = before.filter(|_| from_left > 0) {
        push(all, Match { new: gap.start, len: odd + from_left * 4, old: before });
    }
    if let Some(next) = next.filter(|_| from_right < words) {
        let start = first + from_right * 4;
        let len = gap.end - start;
        if let Some(old) = next.old.checked_sub(len) {
            push(all, Match { new: start, len, old });
        }
    }
}

/// Returns how many words, from the left, follow the match before, and from which one on they follow the one behind: as it
/// is worth most, if it is worth it.
fn best_split(words: usize, left: Option<&[bool]>, right: Option<&[bool]>) -> Option<(usize, usize)> {
    let worth = |follows: &bool| if *follows { FOLLOWS } else { DIFFERS };
    // From each word on, the best place to begin from the right at.
    let mut from_right = vec![(0, words); words + 1];
    if let Some(right) = right {
        let mut sum = 0;
        for nth in (0..words).rev() {
            sum += right.get(nth).map_or(0, worth);
            let behind = from_right[nth + 1];
            from_right[nth] = if behind.0 >= sum { behind } else { (sum, nth) };
        }
    }
    let (mut best, mut split, mut sum) = (-1, (0, words), 0);
    for (nth, &(worth_right, start)) in from_right.iter().enumerate() {
        if sum + worth_right.max(0) > best {
            best = sum + worth_right.max(0);
            split = (nth, if worth_right > 0 { start } else { words });
        }
        match left.and_then(|left| left.get(nth)) {
            Some(follows) => sum += worth(follows),
            None => break,
        }
    }
    (best >= NEEDED).then_some(split)
}

/// Returns which words follow from the old ones from `old_start` on: equal, or moved by what a word shortly before was.
fn following(old: &[u8], new: &[u8], start: usize, words: usize, old_start: isize) -> Vec<bool> {
    let mut history: [Option<u32>; 6] = [None; 6];
    let each = |nth: usize| {
        let word = |bytes: &[u8], at: usize| number(bytes, at, 4).map(|word| word as u32);
        let was = old_start.checked_add_unsigned(nth * 4).and_then(|at| usize::try_from(at).ok());
        let was = was.and_then(|at| word(old, at));
        let moved = word(new, start + nth * 4).zip(was).map(|(is, was)| is.wrapping_sub(was));
        let follows = moved == Some(0) || moved.is_some() && BACK.iter().any(|&back| history[back] == moved);
        history.rotate_right(1);
        history[0] = moved;
        follows
    };
    (0..words).map(each).collect()
}
