/// The learning rate along a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    Constant(f64),
    /// Rises linearly from 0 to `peak` within the share `warm_up` of all steps, stays there up to the share `hold`, then
    /// falls along half a cosine to `floor` (Loshchilov and Hutter, "SGDR", 2017, without restarts).
    Cosine {
        peak: f64,
        floor: f64,
        warm_up: f64,
        hold: f64,
    },
}

impl Schedule {
    /// The rate of step `step` of `steps`, counted from 0.
    pub fn rate(&self, step: usize, steps: usize) -> f64 {
        match *self {
            Self::Constant(rate) => rate,
            Self::Cosine { peak, floor, warm_up, hold } => {
                let place = (step + 1) as f64 / steps.max(1) as f64;
                if place < warm_up {
                    return peak * place / warm_up;
                }
                let top = hold.max(warm_up);
                let fall = ((place - top) / (1.0 - top)).clamp(0.0, 1.0);
                floor + (peak - floor) * 0.5 * (1.0 + (std::f64::consts::PI * fall).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_rises_to_its_peak_and_falls_to_its_floor() {
        let schedule = Schedule::Cosine { peak: 1e-3, floor: 1e-5, warm_up: 0.1, hold: 0.0 };
        let rates: Vec<f64> = (0..1000).map(|step| schedule.rate(step, 1000)).collect();
        let peak = rates.iter().copied().fold(0.0, f64::max);
        assert!((peak - 1e-3).abs() < 1e-6);
        assert!(rates[0] < 2e-5 && (rates[999] - 1e-5).abs() < 1e-9);
        let top = rates.iter().position(|&rate| rate == peak).expect("the peak is one of them");
        assert!(rates[..top].is_sorted() && rates[top..].iter().rev().is_sorted());
    }

    #[test]
    fn a_cosine_may_stay_at_its_peak() {
        let schedule = Schedule::Cosine { peak: 1e-3, floor: 0.0, warm_up: 0.1, hold: 0.6 };
        assert!((100..599).all(|step| schedule.rate(step, 1000) == 1e-3));
        assert!((schedule.rate(799, 1000) - 0.5e-3).abs() < 1e-9);
    }
}
