//! What the best filter of one instrument could forecast: a Kalman filter that is told the true sizes and time constants
//! of disturbances and noise, but sees readings only. For quantities that nothing but their own disturbance moves.

use super::perfect::{DRAW_S, OWN, QUICK_S, SHARES, SIGMA, SLOW_S};
use lehr_twin::Parameter;

/// The quantities. They are read every few seconds and follow their set-points, if these move at all, within seconds.
pub const ALONE: [Parameter; 5] = [
    Parameter::BeltSpeed,
    Parameter::FormingPressure,
    Parameter::LehrZone1,
    Parameter::LehrZone2,
    Parameter::LehrZone3,
];
/// Of a minute's mean, in sigmas: flutter of the place, and white noise of some thirty readings.
const NOISE: f64 = 0.662;

/// Quick part, slow part, and the mean of the minute so far, in sigmas.
type Row = [f64; 3];

pub struct Observer {
    parameter: Parameter,
    at: Row,
    gain: Row,
}

/// By how much the two parts of a disturbance stay from one draw to the next.
fn keeps() -> [f64; 2] {
    [QUICK_S, SLOW_S].map(|constant_s| (-(DRAW_S as f64) / constant_s).exp())
}

fn sizes(parameter: Parameter) -> [f64; 2] {
    SHARES.map(|share| share * OWN[parameter.index()])
}

/// Draws in a minute.
const DRAWS: usize = (60 / DRAW_S) as usize;

/// A draw moves both parts, and they count in the mean.
fn draw(row: &Row) -> Row {
    let [quick, slow] = keeps();
    let (quick, slow) = (quick * row[0], slow * row[1]);
    [quick, slow, row[2] + (quick + slow) / DRAWS as f64]
}

fn minute(row: &Row) -> Row {
    (0..DRAWS).fold([row[0], row[1], 0.0], |row, _| draw(&row))
}

/// The covariance after a minute.
fn spread(mut covariance: [Row; 3], sizes: [f64; 2]) -> [Row; 3] {
    covariance[2] = [0.0; 3];
    covariance.iter_mut().for_each(|row| row[2] = 0.0);
    for _ in 0..DRAWS {
        // F P Fᵀ, by columns and then by rows.
        let columns = transposed(covariance).map(|column| draw(&column));
        covariance = transposed(columns).map(|row| draw(&row));
        for (part, keep) in keeps().into_iter().enumerate() {
            let new = (1.0 - keep * keep) * sizes[part].powi(2);
            let through = 1.0 / DRAWS as f64;
            covariance[part][part] += new;
            covariance[part][2] += through * new;
            covariance[2][part] += through * new;
            covariance[2][2] += through * through * new;
        }
    }
    covariance
}

fn transposed(rows: [Row; 3]) -> [Row; 3] {
    std::array::from_fn(|column| std::array::from_fn(|row| rows[row][column]))
}

impl Observer {
    pub fn new(parameter: Parameter) -> Observer {
        let sizes = sizes(parameter);
        let mut covariance = [[0.0; 3]; 3];
        covariance[0][0] = sizes[0].powi(2);
        covariance[1][1] = sizes[1].powi(2);
        let mut gain = [0.0; 3];
        // Settled long before.
        for _ in 0..2000 {
            covariance = spread(covariance, sizes);
            let seen = covariance.map(|row| row[2]);
            gain = seen.map(|seen| seen / (covariance[2][2] + NOISE * NOISE));
            for (row, gain) in covariance.iter_mut().zip(&gain) {
                for (covariance, seen) in row.iter_mut().zip(&seen) {
                    *covariance -= gain * seen;
                }
            }
        }
        Observer { parameter, at: [0.0; 3], gain }
    }

    /// A minute passes, with the mean that was read.
    pub fn minute(&mut self, measured: f64, setpoint: f64) {
        self.at = minute(&self.at);
        let innovation = (measured - setpoint) / SIGMA[self.parameter.index()] - self.at[2];
        for (at, gain) in self.at.iter_mut().zip(&self.gain) {
            *at += gain * innovation;
        }
    }

    pub fn forecast(&self, minutes: u64, setpoint: f64) -> f64 {
        let [quick, slow, _] = (0..minutes).fold(self.at, |at, _| minute(&at));
        setpoint + SIGMA[self.parameter.index()] * (quick + slow)
    }

    pub fn parameter(&self) -> Parameter {
        self.parameter
    }
}
