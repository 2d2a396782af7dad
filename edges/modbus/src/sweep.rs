//! All reads of a unit, once.

use crate::link::Link;
use crate::outcome::{Outcome, judge, request};
use crate::plan::Piece;
use crate::value::Place;
use std::mem;
use tokio::time::Instant;

/// Reads all pieces that do not wait, cuts those that the device refuses as a whole, and hands on each piece with its
/// values or why it has none. Afterwards `pieces` are those to read next time. The error says why the unit is silent; the
/// pieces after it were not read. At most two requests a tag, and one a piece.
pub async fn sweep(
    link: &mut Link,
    unit: u8,
    places: &[Place],
    pieces: &mut Vec<Piece>,
    mut settled: impl FnMut(&mut Piece, Result<Vec<f64>, String>),
) -> Result<(), String> {
    let mut todo = mem::take(pieces);
    todo.reverse();
    while let Some(mut piece) = todo.pop() {
        if piece.waits(Instant::now()) {
            pieces.push(piece);
            continue;
        }
        let outcome = match link.ask(unit, request(piece.read)).await {
            Ok(answer) => judge(&piece, places, answer),
            Err(silence) => Outcome::Silent(silence.to_string()),
        };
        match outcome {
            Outcome::Values(values) => settled(&mut piece, Ok(values)),
            Outcome::Refused(why) => settled(&mut piece, Err(why)),
            Outcome::Cut([before, after]) => {
                todo.extend([after, before]);
                continue;
            }
            Outcome::Silent(why) => {
                pieces.push(piece);
                pieces.extend(todo.into_iter().rev());
                return Err(why);
            }
        }
        pieces.push(piece);
    }
    Ok(())
}
