//! Shortens a simulation that fails: leaves steps out as long as it goes on failing in the same place.

use super::failure::Failure;
use super::history::{Kept, Plan, play};

/// How often a simulation is played again at most to shorten it.
pub(crate) const MOST_TRIES: usize = 150;

/// Gives the fewest steps found with which a plan still fails in the same place, and how it fails then.
pub(crate) fn shrink(plan: Plan, failure: &Failure, mut tries: usize) -> (Vec<usize>, Failure) {
    let mut kept: Vec<usize> = (0..plan.generations * plan.steps).collect();
    let mut found = failure.clone();
    let mut piece = kept.len().div_ceil(2);
    while piece > 0 && tries > 0 {
        let mut at = 0;
        let mut has_left_out = false;
        while at < kept.len() && tries > 0 {
            let end = (at + piece).min(kept.len());
            let mut fewer = kept.clone();
            fewer.drain(at..end);
            tries -= 1;
            match play(plan, &Some(fewer.clone()), false) {
                Err(again) if again.place == failure.place => {
                    kept = fewer;
                    found = again;
                    has_left_out = true;
                }
                _ => at = end,
            }
        }
        if !has_left_out || piece > 1 {
            piece /= 2;
        }
    }
    (kept, found)
}

/// Writes step numbers as a person types them: `1-3,7`.
pub(crate) fn name(kept: &[usize]) -> String {
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    for number in kept {
        match pieces.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => pieces.push((*number, *number)),
        }
    }
    let pieces = pieces.into_iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    pieces.collect::<Vec<_>>().join(",")
}

/// Reads step numbers.
///
/// # Errors
/// A piece is no number and no span of numbers.
pub fn read(text: &str) -> Result<Kept, String> {
    let mut kept = Vec::new();
    for piece in text.split(',').filter(|piece| !piece.is_empty()) {
        let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
        let number = |text: &str| -> Result<usize, String> {
            text.trim()
                .parse()
                .map_err(|_| format!("'{piece}' names no steps; they are written as 1-3,7"))
        };
        kept.extend(number(first)?..=number(last)?);
    }
    Ok(Some(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_written_as_they_are_read() {
        for kept in [vec![], vec![3], vec![0, 1, 2, 7, 9, 10]] {
            assert_eq!(read(&name(&kept)), Ok(Some(kept)));
        }
        assert_eq!(name(&[0, 1, 2, 7]), "0-2,7");
        assert!(read("1-x").is_err());
    }
}
