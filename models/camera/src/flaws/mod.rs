//! What can be wrong with ware, as the camera sees it: the geometry, from which mask and picture are both made.

pub(crate) mod blot;
pub(crate) mod bubble;
pub(crate) mod chip;
pub(crate) mod crack;
pub(crate) mod deformation;

use crate::CameraError;
use crate::chance::{Chance, Purpose};
use crate::style::{Range, Style};
use crate::ware::Contour;
use lehr_domain::unit::DefectType;

/// The defects that a camera sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    Crack = 0,
    Bubble = 1,
    Chip = 2,
    Cloudiness = 3,
    Deformation = 4,
    Stain = 5,
}

impl Kind {
    pub const COUNT: usize = 6;
    pub const ALL: [Kind; Self::COUNT] =
        [Kind::Crack, Kind::Bubble, Kind::Chip, Kind::Cloudiness, Kind::Deformation, Kind::Stain];

    pub fn index(self) -> usize {
        self as usize
    }

    pub fn text(self) -> &'static str {
        DefectType::from(self).text()
    }

    /// Least and greatest extent, pixels.
    pub fn extent(self) -> Range {
        match self {
            Kind::Bubble | Kind::Chip => Range::new(6.0, 28.0),
            Kind::Stain => Range::new(12.0, 60.0),
            Kind::Crack => Range::new(14.0, 120.0),
            Kind::Cloudiness | Kind::Deformation => Range::new(50.0, 130.0),
        }
    }
}

impl From<Kind> for DefectType {
    fn from(kind: Kind) -> DefectType {
        match kind {
            Kind::Crack => DefectType::Crack,
            Kind::Bubble => DefectType::Bubble,
            Kind::Chip => DefectType::Chip,
            Kind::Cloudiness => DefectType::Cloudiness,
            Kind::Deformation => DefectType::Deformation,
            Kind::Stain => DefectType::Stain,
        }
    }
}

impl TryFrom<DefectType> for Kind {
    type Error = CameraError;

    fn try_from(defect: DefectType) -> Result<Kind, CameraError> {
        let found = Kind::ALL.into_iter().find(|kind| DefectType::from(*kind) == defect);
        found.ok_or(CameraError::NotSeen(defect))
    }
}

/// One defect of a piece of ware.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flaw {
    pub kind: Kind,
    /// Greatest extent, pixels of a picture in which the ware has its nominal size. Held within the ware.
    pub size: f32,
    /// Where it lies: across, −1 at the left contour to 1 at the right one.
    pub across: f32,
    /// Where it lies: down, 0 below the rim to 1 above the base. Chips are at the rim, whatever this says.
    pub down: f32,
    /// How strongly it shows, in multiples of the least that can be seen.
    pub contrast: f32,
    /// The seed of its form.
    pub form: u64,
}

impl Flaw {
    /// A flaw such as the style has. A seed gives the same flaw of a kind whatever other kinds there are.
    pub fn draw(seed: u64, kind: Kind, style: &Style) -> Flaw {
        let mut chance = Chance::of(seed ^ style.texture, Purpose::Form, kind as u64);
        let extent = kind.extent();
        // Small flaws are more frequent than large ones.
        let share = chance.unit().powf(1.4);
        Flaw {
            kind,
            size: extent.least + share * (extent.most - extent.least),
            across: chance.between(-0.85, 0.85),
            down: chance.unit(),
            contrast: style.contrast(&mut chance),
            form: chance.number(),
        }
    }

    /// Whether an attentive eye could see it in the picture.
    pub fn visible(&self) -> bool {
        self.contrast >= 1.0
    }

    /// The middle of a flaw of half the given extents, so that it stays within the wall.
    pub(crate) fn middle(&self, contour: &Contour, half: (f32, f32)) -> (f32, f32) {
        let (top, bottom) = contour.shape.wall();
        let y = if bottom - top > 2.0 * half.1 {
            top + half.1 + self.down * (bottom - top - 2.0 * half.1)
        } else {
            0.5 * (top + bottom)
        };
        let row = contour.row(y);
        let room = (0.9 * row.left.min(row.right) - half.0).max(0.0);
        (row.centre + self.across * room, y)
    }
}
