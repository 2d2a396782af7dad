//! One picture of one piece of ware, with what is wrong with it.

use crate::alikes::{AlikeCounts, Alikes};
use crate::backdrop::backdrop;
use crate::canvas::Canvas;
use crate::chance::{Chance, Purpose};
use crate::flaws::blot::Blot;
use crate::flaws::bubble::Bubble;
use crate::flaws::chip::Chip;
use crate::flaws::crack::Crack;
use crate::flaws::deformation::Bend;
use crate::flaws::{Flaw, Kind};
use crate::glass;
use crate::mask::{Bounds, Mask};
use crate::style::{Exposure, Style};
use crate::ware::{Contour, Pose, Shape};

/// A flaw as it lies in the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub flaw: Flaw,
    /// The box around the mask.
    pub bounds: Bounds,
    pub mask: Mask,
}

/// A picture of 224 × 224 pixels and what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Red, green, blue of each pixel, row by row.
    pub pixels: Vec<u8>,
    /// In the order of the flaws.
    pub marks: Vec<Mark>,
    pub exposure: Exposure,
    pub alikes: AlikeCounts,
}

/// Another picture of the same ware in the same light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    pub turned_degrees: f32,
    pub gain: f32,
    /// Added to the variance of the blur, pixels squared.
    pub blur: f32,
}

impl View {
    pub const PLAIN: View = View { turned_degrees: 0.0, gain: 1.0, blur: 0.0 };
}

/// MIK-1's picture of a piece of ware. The same arguments give the same picture.
pub fn picture(seed: u64, shape: Shape, flaws: &[Flaw], style: &Style) -> Picture {
    picture_in(seed, shape, flaws, style, &View::PLAIN)
}

pub fn picture_in(seed: u64, shape: Shape, flaws: &[Flaw], style: &Style, view: &View) -> Picture {
    let mut exposure = Exposure::draw(seed, style);
    exposure.blur = (exposure.blur * exposure.blur + view.blur).sqrt();
    let Scene { canvas, marks, alikes } = scene(seed, shape, flaws, style, view, &exposure);
    let grain = Chance::new(seed ^ style.texture, Purpose::Noise).number();
    Picture { pixels: canvas.develop(&exposure, view.gain, grain), marks, exposure, alikes }
}

/// What is before the camera.
struct Scene {
    canvas: Canvas,
    marks: Vec<Mark>,
    alikes: AlikeCounts,
}

fn scene(seed: u64, shape: Shape, flaws: &[Flaw], style: &Style, view: &View, exposure: &Exposure) -> Scene {
    let pose = Pose::draw(seed, shape, style, view.turned_degrees);
    let bends: Vec<Bend> =
        flaws.iter().filter(|flaw| flaw.kind == Kind::Deformation).map(|flaw| Bend::new(flaw, shape.wall())).collect();
    let sound = Contour::new(seed, shape, style, &[]);
    let contour = Contour::new(seed, shape, style, &bends);
    let base = pose.in_picture(0.0, shape.height()).1;
    let (behind, light) = backdrop(seed, style, exposure, base);
    let mut canvas = Canvas::new(behind, light);
    glass::paint(seed, style, &pose, &contour, &mut canvas);

    let mut bends = bends.iter();
    let mut marks = Vec::with_capacity(flaws.len());
    for flaw in flaws {
        let mask = match flaw.kind {
            Kind::Crack => Crack::new(flaw, &sound, light).trace(&pose, &mut canvas),
            Kind::Bubble => Bubble::new(flaw, &sound).trace(&pose, &mut canvas),
            Kind::Chip => Chip::new(flaw, &sound).trace(&pose, &sound, &mut canvas),
            Kind::Cloudiness | Kind::Stain => Blot::new(flaw, &sound).trace(&pose, &contour, &mut canvas),
            Kind::Deformation => bends.next().expect("one bend was made per deformation").mask(&pose, &sound, &contour),
        };
        let bounds = mask.bounds().expect("every flaw is larger than a pixel and lies on the ware");
        marks.push(Mark { flaw: *flaw, bounds, mask });
    }
    let alikes = Alikes::draw(seed, style, shape.height());
    alikes.paint(&pose, &sound, &contour, &mut canvas);
    Scene { canvas, marks, alikes: alikes.counts() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::Split;

    const SEEDS: std::ops::Range<u64> = 0..40;

    /// How far apart ware with and without a flaw are for one who knows every pixel of both and has only the sensor's
    /// noise against him: the distance of the two in standard deviations (d' of the ideal observer, Green and Swets
    /// 1966), of the mean of the colours.
    fn distance(seed: u64, flaw: &Flaw, style: &Style) -> f32 {
        let exposure = Exposure::draw(seed, style);
        let of = |flaws: &[Flaw]| {
            let scene = scene(seed, Shape::Jar, flaws, style, &View::PLAIN, &exposure);
            scene.canvas.signal(&exposure)
        };
        let (with, without) = (of(&[*flaw]), of(&[]));
        with.iter().zip(&without).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
    }

    /// To find a flaw anywhere among thousands of places and forms takes some 6 deviations, even for the ideal observer.
    #[test]
    fn flaws_that_show_are_far_above_the_noise_and_hidden_ones_are_lost_in_it() {
        for split in [Split::Training, Split::Test] {
            let style = Style::of(split);
            let least = style.contrast.iter().map(|range| range.least).fold(f32::MAX, f32::min);
            // Against a deformation stands not the noise but that nobody knows the contour to a tenth of a pixel.
            for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Deformation) {
                let at = |contrast: f32| -> Vec<f32> {
                    let of = |seed| distance(seed, &Flaw { contrast, ..Flaw::draw(seed, kind, &style) }, &style);
                    let mut distances: Vec<f32> = SEEDS.map(of).collect();
                    distances.sort_by(f32::total_cmp);
                    distances
                };
                let (shown, hidden) = (at(least), at(style.hidden.most));
                let (faintest, faint) = (shown[0], shown[shown.len() / 10]);
                let (usual, strongest) = (hidden[hidden.len() / 2], hidden[hidden.len() * 9 / 10]);
                assert!(faintest > 6.0 && faint > 9.0, "{split:?} {kind:?}: {faintest}, {faint}");
                assert!(usual < 4.0 && strongest < 7.0, "{split:?} {kind:?}: {usual}, {strongest}");
            }
        }
    }
}
