//! The two building blocks of the plant's dynamics: first-order lags and PI loops, stepped once a second.

/// A first-order lag.
#[derive(Clone, Debug)]
pub(crate) struct Lag {
    pub value: f64,
    share: f64,
}

impl Lag {
    pub fn new(time_constant_s: f64, value: f64) -> Lag {
        Lag { value, share: 1.0 - (-1.0 / time_constant_s).exp() }
    }

    pub fn step(&mut self, input: f64) -> f64 {
        self.value += self.share * (input - self.value);
        self.value
    }
}

/// A PI controller whose integral rests while its output is at a limit (no wind-up).
#[derive(Clone, Debug)]
pub(crate) struct Pi {
    gain: f64,
    integral_s: f64,
    integral: f64,
}

impl Pi {
    /// `output` is what it gives while there is no error.
    pub fn new(gain: f64, integral_s: f64, output: f64) -> Pi {
        Pi { gain, integral_s, integral: output }
    }

    pub fn step(&mut self, error: f64, low: f64, high: f64) -> f64 {
        let wanted = self.gain * error + self.integral;
        let output = wanted.clamp(low, high);
        if output == wanted {
            self.integral += self.gain * error / self.integral_s;
        }
        output
    }
}
