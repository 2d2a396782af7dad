use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

use super::network::{VisionArchitecture, VisionTransformer};
use crate::writing::values;

/// The same network for pictures of another side: its learned positions are interpolated, so that training can begin on
/// small pictures and end on large ones (Dosovitskiy et al., 2021, section 3.2). Until it is trained further it sees
/// flaws in a size that it has not learned.
pub fn resized(
    network: VisionTransformer,
    from: VisionArchitecture,
    side: usize,
) -> (VisionTransformer, VisionArchitecture) {
    let to = VisionArchitecture { side, ..from };
    let device = network.positions.val().device();
    let interpolated = interpolate(&values(network.positions.val()), from.grid(), to.grid(), from.width);
    let positions = Tensor::from_data(TensorData::new(interpolated, [to.patches(), to.width]), &device);
    (VisionTransformer { positions: Param::from_tensor(positions), ..network }, to)
}

/// Bilinear between the middles of patches, the outermost held beyond them. `[grid × grid, width]` both.
fn interpolate(positions: &[f32], from: usize, to: usize, width: usize) -> Vec<f32> {
    let along = |index: usize| {
        let place = ((index as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, from as f32 - 1.0);
        let lower = place as usize;
        (lower, (lower + 1).min(from - 1), place - lower as f32)
    };
    let mut out = Vec::with_capacity(to * to * width);
    for row in 0..to {
        let (above, below, down) = along(row);
        for column in 0..to {
            let (left, right, across) = along(column);
            for unit in 0..width {
                let at = |row: usize, column: usize| positions[(row * from + column) * width + unit];
                let mix = |row: usize| at(row, left) + across * (at(row, right) - at(row, left));
                out.push(mix(above) + down * (mix(below) - mix(above)));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_grid_stays_as_it_is() {
        let positions: Vec<f32> = (0..3 * 3 * 2).map(|at| (at * at) as f32).collect();
        assert_eq!(interpolate(&positions, 3, 3, 2), positions);
    }

    /// What is linear over the plane stays so where all neighbours are given.
    #[test]
    fn a_plane_stays_a_plane() {
        let (from, to) = (7, 14);
        let plane = |row: f32, column: f32| 3.0 * row - 2.0 * column + 1.0;
        let positions: Vec<f32> = (0..from * from).map(|at| plane((at / from) as f32, (at % from) as f32)).collect();
        let finer = interpolate(&positions, from, to, 1);
        for row in 1..to - 1 {
            for column in 1..to - 1 {
                let place = |index: usize| (index as f32 + 0.5) / 2.0 - 0.5;
                let expected = plane(place(row), place(column));
                assert!((finer[row * to + column] - expected).abs() < 1e-4, "{row}, {column}");
            }
        }
    }
}
