//! Nodes and edges of a window.

use crate::SENSORS;

/// Of each sensor: mean, standard deviation, rise over the window (by least squares), first autocorrelation, all of its minute means in
/// engineering units, and the share of minutes without a good reading.
pub const FEATURES: usize = 5;

/// Nodes ([`SENSORS`] × [`FEATURES`]) and edges ([`SENSORS`] × [`SENSORS`]) of a window of minutes by sensors, gaps NaN. Gaps are left
/// out of all sums; a sensor with fewer than three minutes has a mean (0 without any) and no spread. The same for training and
/// for live scoring.
pub fn describe(window: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let minutes = window.len() / SENSORS;
    let column = |sensor: usize| -> Vec<f64> {
        (0..minutes).map(|minute| f64::from(window[minute * SENSORS + sensor])).collect()
    };
    let columns: Vec<Vec<f64>> = (0..SENSORS).map(column).collect();
    let nodes = columns.iter().flat_map(|values| node(values)).collect();
    let mut edges = vec![0.0; SENSORS * SENSORS];
    for one in 0..SENSORS {
        edges[one * SENSORS + one] = 1.0;
        for other in 0..one {
            let r = correlation(&columns[one], &columns[other]) as f32;
            edges[one * SENSORS + other] = r;
            edges[other * SENSORS + one] = r;
        }
    }
    (nodes, edges)
}

fn node(values: &[f64]) -> [f32; FEATURES] {
    let known: Vec<(f64, f64)> =
        values.iter().enumerate().filter(|(_, x)| !x.is_nan()).map(|(t, x)| (t as f64, *x)).collect();
    let n = known.len() as f64;
    let missing = 1.0 - n / values.len().max(1) as f64;
    let mean = known.iter().map(|(_, x)| x).sum::<f64>() / n.max(1.0);
    let middle = known.iter().map(|(t, _)| t).sum::<f64>() / n.max(1.0);
    let squares: f64 = known.iter().map(|(_, x)| (x - mean).powi(2)).sum();
    let times: f64 = known.iter().map(|(t, _)| (t - middle).powi(2)).sum();
    if known.len() < 3 || squares <= 0.0 {
        return [mean as f32, 0.0, 0.0, 0.0, missing as f32];
    }
    let slope = known.iter().map(|(t, x)| (t - middle) * (x - mean)).sum::<f64>() / times;
    let lagged: f64 = known.windows(2).map(|pair| (pair[0].1 - mean) * (pair[1].1 - mean)).sum();
    let std = (squares / (n - 1.0)).sqrt();
    [mean, std, slope * values.len() as f64, lagged / squares, missing].map(|feature| feature as f32)
}

/// Pearson's, over the minutes that both have.
fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let both = || one.iter().zip(other).filter(|(a, b)| !a.is_nan() && !b.is_nan());
    let n = both().count() as f64;
    if n < 3.0 {
        return 0.0;
    }
    let (a, b) = (both().map(|(a, _)| a).sum::<f64>() / n, both().map(|(_, b)| b).sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in both() {
        ab += (x - a) * (y - b);
        aa += (x - a).powi(2);
        bb += (y - b).powi(2);
    }
    if aa > 0.0 && bb > 0.0 { (ab / (aa * bb).sqrt()).clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_features_and_correlations() {
        let mut window = vec![5.0f32; 4 * SENSORS];
        for (minute, value) in [1500.0, 1502.0, 1504.0, 1506.0].into_iter().enumerate() {
            window[minute * SENSORS] = value;
            window[minute * SENSORS + 1] = -2.0 * value;
            window[minute * SENSORS + 2] = if minute == 1 { f32::NAN } else { value };
            window[minute * SENSORS + 3] = f32::NAN;
        }
        let (nodes, edges) = describe(&window);
        let node = |sensor: usize| &nodes[sensor * FEATURES..(sensor + 1) * FEATURES];
        // The statistics of the same run in `lehr_domain::moments`.
        assert_eq!(node(0)[0], 1503.0);
        assert!((node(0)[1] - 2.581_989).abs() < 1e-4 && (node(0)[2] - 8.0).abs() < 1e-4);
        assert!((node(0)[3] - 0.25).abs() < 1e-6 && node(0)[4] == 0.0);
        assert_eq!(node(3), [0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(node(4), [5.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(node(2)[4], 0.25);
        assert!((edges[1] + 1.0).abs() < 1e-6, "a falls as the other rises");
        assert!((edges[2] - 1.0).abs() < 1e-6, "over the minutes that both have");
        assert_eq!((edges[3], edges[4], edges[3 * SENSORS + 3]), (0.0, 0.0, 1.0));
        assert!((0..SENSORS * SENSORS).all(|i| edges[i] == edges[i % SENSORS * SENSORS + i / SENSORS]));
    }
}
