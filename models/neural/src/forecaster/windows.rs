use lehr_datasets::sequences::{MINUTES, SENSORS, Sequences};

/// How many horizons are foretold: 1, 4 and 24 hours.
pub const HORIZONS: usize = 3;

/// A value for each horizon, shortest first.
pub type Horizons<T> = [T; HORIZONS];

/// Labelled windows of sensors, of one split.
pub trait Windows: Sync {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Minutes of a window.
    fn steps(&self) -> usize;

    fn sensors(&self) -> usize;

    /// Writes window `index`, `[steps, sensors]`, oldest minute first, in engineering units; NaN where nothing is known
    /// yet.
    fn read(&self, index: usize, to: &mut [f32]);

    /// Whether an event followed within each horizon.
    fn events(&self, index: usize) -> Horizons<bool>;
}

impl Windows for Sequences {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn steps(&self) -> usize {
        MINUTES
    }

    fn sensors(&self) -> usize {
        SENSORS
    }

    fn read(&self, index: usize, to: &mut [f32]) {
        to.copy_from_slice(self.window(index));
    }

    fn events(&self, index: usize) -> Horizons<bool> {
        self.labels[index]
    }
}
