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

    /// Writes window `index`, `[steps, sensors]`, oldest minute first, in engineering units. Where nothing is known
    /// yet, it writes NaN.
    fn read(&self, index: usize, to: &mut [f32]);

    /// Whether an event followed within each horizon.
    fn events(&self, index: usize) -> Horizons<bool>;

    /// What the squared error compares the probability with: the event itself (0 or 1), or the probability of one
    /// where it is known.
    fn targets(&self, index: usize) -> Horizons<f32> {
        self.events(index).map(|event| if event { 1.0 } else { 0.0 })
    }
}

impl<W: Windows> Windows for &W {
    fn len(&self) -> usize {
        (*self).len()
    }

    fn steps(&self) -> usize {
        (*self).steps()
    }

    fn sensors(&self) -> usize {
        (*self).sensors()
    }

    fn read(&self, index: usize, to: &mut [f32]) {
        (*self).read(index, to);
    }

    fn events(&self, index: usize) -> Horizons<bool> {
        (*self).events(index)
    }

    fn targets(&self, index: usize) -> Horizons<f32> {
        (*self).targets(index)
    }
}
