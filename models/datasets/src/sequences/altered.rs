//! Sets altered so that less can be known from them, or nothing: what a model still knows there, it has from elsewhere.

use super::{SENSORS, Sequences, WINDOW};

impl Sequences {
    /// The examples at some places, in that order.
    pub fn at(&self, places: &[usize]) -> Sequences {
        Sequences {
            inputs: places.iter().flat_map(|place| self.window(*place)).copied().collect(),
            labels: places.iter().map(|place| self.labels[*place]).collect(),
            truths: places.iter().map(|place| self.truths[*place]).collect(),
            origins: places.iter().map(|place| self.origins[*place]).collect(),
            levels: places.iter().map(|place| self.levels[*place]).collect(),
        }
    }

    /// At most so many examples, and a few for the lines' ends, evenly spread over each line.
    pub fn thinned(&self, most: usize) -> Sequences {
        let stride = self.len().div_ceil(most.max(1)).max(1);
        let places: Vec<usize> = self.lines().into_iter().flat_map(|line| line.step_by(stride)).collect();
        self.at(&places)
    }

    /// As many examples with an event within a horizon as without, evenly spread: all that are of the rarer kind.
    pub fn balanced(&self, horizon: usize) -> Sequences {
        let (with, without): (Vec<usize>, Vec<usize>) = (0..self.len()).partition(|place| self.labels[*place][horizon]);
        let (few, many) = if with.len() < without.len() { (with, without) } else { (without, with) };
        let spread = (0..few.len()).map(|nth| many[nth * many.len() / few.len()]);
        let mut places: Vec<usize> = few.iter().copied().chain(spread).collect();
        places.sort_unstable();
        self.at(&places)
    }

    /// What each line's sensors read, from its end to its beginning, beside labels that run as ever: the window of every
    /// example is that of its mirror image in the line's time ([`Sequences::mirrored`]), and is turned round itself.
    pub fn reversed_in_time(&self) -> Sequences {
        let inputs = self.mirrored().into_iter().flat_map(|image| turned(self.window(image))).collect();
        Sequences { inputs, ..self.without_inputs() }
    }

    /// For each example the one of its line that comes as long before the line's end as it comes after the beginning.
    pub fn mirrored(&self) -> Vec<usize> {
        self.lines().into_iter().flat_map(Iterator::rev).collect()
    }

    /// Each window by itself from its end to its beginning, in its own place.
    pub fn turned_round(&self) -> Sequences {
        let inputs = self.inputs.chunks_exact(WINDOW).flat_map(turned).collect();
        Sequences { inputs, ..self.without_inputs() }
    }

    fn without_inputs(&self) -> Sequences {
        Sequences {
            inputs: Vec::new(),
            labels: self.labels.clone(),
            truths: self.truths.clone(),
            origins: self.origins.clone(),
            levels: self.levels.clone(),
        }
    }
}

/// The minutes of a window, last to first.
fn turned(window: &[f32]) -> impl Iterator<Item = f32> {
    window.chunks_exact(SENSORS).rev().flatten().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequences::{MINUTES, Origin};
    use lehr_domain::LineId;

    /// Two lines, of three examples and of two, of a window every two hours; each minute reads its own number.
    fn set() -> Sequences {
        let origin = |(line, ordinal): (u16, i64)| Origin {
            seed: 1,
            line: LineId(line),
            minute: (ordinal + 1) * MINUTES as i64,
            cause: None,
        };
        let places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)];
        let window = |(line, ordinal): (u16, i64)| {
            let minute = move |minute: i64| (1000 * i64::from(line) + ordinal * MINUTES as i64 + minute) as f32;
            (0..MINUTES as i64).flat_map(move |m| [minute(m); SENSORS])
        };
        Sequences {
            inputs: places.into_iter().flat_map(window).collect(),
            labels: (0..5).map(|n| [n % 2 == 0, false, true]).collect(),
            truths: (0..5).map(|n| [n % 2 == 1, false, true]).collect(),
            origins: places.map(origin).to_vec(),
            levels: vec![Default::default(); 5],
        }
    }

    fn ends(set: &Sequences) -> Vec<(f32, f32)> {
        (0..set.len()).map(|place| (set.window(place)[0], set.window(place)[WINDOW - 1])).collect()
    }

    #[test]
    fn a_line_runs_backwards_as_one_signal_and_labels_stay() {
        let set = set();
        let back = set.reversed_in_time();
        assert_eq!(ends(&set)[..3], [(0.0, 119.0), (120.0, 239.0), (240.0, 359.0)]);
        assert_eq!(ends(&back), [(359.0, 240.0), (239.0, 120.0), (119.0, 0.0), (1239.0, 1120.0), (1119.0, 1000.0)]);
        assert_eq!((&back.labels, &back.truths, &back.origins), (&set.labels, &set.truths, &set.origins));
        assert_eq!(set.mirrored(), [2, 1, 0, 4, 3]);
        assert_eq!(back.reversed_in_time(), set);
    }

    #[test]
    fn windows_turn_round_in_their_places() {
        let turned = set().turned_round();
        assert_eq!(ends(&turned)[..2], [(119.0, 0.0), (239.0, 120.0)]);
        assert_eq!(turned.turned_round(), set());
    }

    #[test]
    fn a_thinned_set_has_some_of_each_line() {
        let thin = set().thinned(3);
        let lines: Vec<(u16, i64)> = thin.origins.iter().map(|o| (o.line.0, o.minute)).collect();
        assert_eq!(lines, [(0, 120), (0, 360), (1, 120)]);
        assert_eq!(thin.labels, [[true, false, true]; 2].into_iter().chain([[false, false, true]]).collect::<Vec<_>>());
        assert_eq!(set().thinned(100), set());
    }

    #[test]
    fn a_balanced_set_has_as_many_of_either() {
        let labels: Vec<bool> = set().balanced(0).labels.iter().map(|label| label[0]).collect();
        assert_eq!(labels, [true, false, true, false], "three have an event, and two have none");
        assert!(set().balanced(1).is_empty(), "none has an event");
    }
}
