//! Average precision of detections.

use super::overlap::Rect;

/// A box that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub picture: usize,
    pub class: usize,
    pub score: f32,
    pub rect: Rect,
}

/// A box that is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Present {
    pub picture: usize,
    pub class: usize,
    pub rect: Rect,
}

/// Average precision of one class at a least overlap (0.5 for AP@.5), by the rules of PASCAL VOC from 2010 on: found boxes
/// go by falling score; each takes the box present in its picture that it overlaps most, and is right if they overlap
/// enough and nobody took that box before; the area under precision over recall, precision made to fall only. `None` when no
/// box of the class is present.
pub fn average_precision(found: &[Found], present: &[Present], class: usize, least_overlap: f64) -> Option<f64> {
    let present: Vec<&Present> = present.iter().filter(|rect| rect.class == class).collect();
    if present.is_empty() {
        return None;
    }
    let mut found: Vec<&Found> = found.iter().filter(|rect| rect.class == class).collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut of_picture: std::collections::BTreeMap<usize, Vec<usize>> = std::collections::BTreeMap::new();
    for (index, rect) in present.iter().enumerate() {
        of_picture.entry(rect.picture).or_default().push(index);
    }
    let mut taken = vec![false; present.len()];
    let mut right = 0.0;
    let mut points: Vec<(f64, f64)> = Vec::with_capacity(found.len());
    for (decided, one) in found.iter().enumerate() {
        let here = of_picture.get(&one.picture).map_or(&[][..], Vec::as_slice);
        let overlaps = here.iter().map(|index| (one.rect.iou(&present[*index].rect), *index));
        let best = overlaps.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        if let Some((_, index)) = best.filter(|(overlap, index)| *overlap >= least_overlap && !taken[*index]) {
            taken[index] = true;
            right += 1.0;
        }
        points.push((right / present.len() as f64, right / (decided + 1) as f64));
    }
    let mut best = 0.0f64;
    for (_, precision) in points.iter_mut().rev() {
        best = best.max(*precision);
        *precision = best;
    }
    let mut before = 0.0;
    let mut area = 0.0;
    for (recall, precision) in points {
        area += (recall - before) * precision;
        before = recall;
    }
    Some(area)
}

/// The mean of [`average_precision`] over the classes 0..classes that are present; mAP@.5 at a least overlap of 0.5.
pub fn mean_average_precision(found: &[Found], present: &[Present], classes: usize, least_overlap: f64) -> Option<f64> {
    super::mean_iou((0..classes).map(|class| average_precision(found, present, class, least_overlap)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn rect(x: f32, side: f32) -> Rect {
        Rect { x0: x, y0: 0.0, x1: x + side, y1: side }
    }

    fn found(picture: usize, score: f32, x: f32) -> Found {
        Found { picture, class: 0, score, rect: rect(x, 10.0) }
    }

    fn present(picture: usize, x: f32) -> Present {
        Present { picture, class: 0, rect: rect(x, 10.0) }
    }

    #[test]
    fn known_values() {
        let there = [present(0, 0.0), present(0, 50.0), present(1, 0.0)];
        // Right, wrong place, right: recall 1/3 at precision 1, 2/3 at precision 2/3; the third is never found.
        let boxes = [found(0, 0.9, 1.0), found(0, 0.8, 25.0), found(1, 0.7, 0.0)];
        let ap = average_precision(&boxes, &there, 0, 0.5).unwrap();
        assert!((ap - (1.0 / 3.0 + 1.0 / 3.0 * 2.0 / 3.0)).abs() < 1e-9, "{ap}");
        assert_eq!(average_precision(&boxes, &there, 1, 0.5), None);
        assert_eq!(average_precision(&[], &there, 0, 0.5), Some(0.0));
        assert_eq!(mean_average_precision(&boxes, &there, 6, 0.5), Some(ap));
    }

    #[test]
    fn a_box_found_twice_is_right_once() {
        let there = [present(0, 0.0)];
        assert_eq!(average_precision(&[found(0, 0.9, 0.0), found(0, 0.8, 0.0)], &there, 0, 0.5), Some(1.0));
        // The poorer fit comes first and takes the box.
        let twice = [found(0, 0.9, 3.0), found(0, 0.8, 0.0)];
        assert_eq!(average_precision(&twice, &there, 0, 0.5), Some(1.0));
        assert_eq!(average_precision(&[found(1, 0.9, 0.0)], &there, 0, 0.5), Some(0.0), "another picture");
    }

    /// With boxes that match one to one or not at all, detection is ranking: precision at each recall level is the best of
    /// any threshold at or beyond it.
    #[test]
    fn far_apart_boxes_are_ranked_as_scores_are() {
        for seed in 0..40 {
            let mut random = Random::new(seed);
            let mut boxes = Vec::new();
            let mut there = Vec::new();
            for picture in 0..60 {
                let real = random.uniform() < 0.5;
                if real {
                    there.push(present(picture, 0.0));
                }
                if random.uniform() < 0.8 {
                    let x = if real && random.uniform() < 0.7 { 1.0 } else { 100.0 };
                    boxes.push(found(picture, random.uniform() as f32, x));
                }
            }
            let is_right = |one: &Found| one.rect.x0 == 1.0;
            let mut order = boxes.clone();
            order.sort_by(|a, b| b.score.total_cmp(&a.score));
            let mut naive = 0.0;
            for place in (0..order.len()).filter(|place| is_right(&order[*place])) {
                let precision =
                    |end: usize| order[..=end].iter().filter(|one| is_right(one)).count() as f64 / (end + 1) as f64;
                naive += (place..order.len()).map(precision).fold(0.0, f64::max) / there.len() as f64;
            }
            let ap = average_precision(&boxes, &there, 0, 0.5).unwrap();
            assert!((ap - naive).abs() < 1e-9, "seed {seed}: {ap} {naive}");
        }
    }
}
