//! The inspector: a picture of a piece of ware in, its defects with boxes and masks out.

mod detect;

use std::path::Path;

use crate::{Batch, Contract, Error, Model, Options, Pool, Port, Runtime, Schema};
pub use detect::{Bounds, Detection, Said, Thresholds, detections, masks_of};

/// Pixels of a picture's side.
pub const SIDE_PX: usize = 224;
/// Pixels of a patch's side.
pub const PATCH_PX: usize = 16;
/// Patches along a picture's side.
const GRID: usize = SIDE_PX / PATCH_PX;
/// Patches of a picture, row by row.
pub const PATCHES: usize = GRID * GRID;
/// Defects that are told apart. One more class stands for none.
pub const DEFECTS: usize = 6;
/// Cells of a mask's side.
pub const MASK_SIDE: usize = 56;

const PICTURE: usize = 3 * SIDE_PX * SIDE_PX;
const MASKS: usize = DEFECTS * MASK_SIDE * MASK_SIDE;

/// What is seen on a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The surest first.
    pub detections: Vec<Detection>,
    /// The probability of each defect at each place, 0 where none was found: `[DEFECTS, MASK_SIDE, MASK_SIDE]`.
    pub masks: Vec<f32>,
}

impl Inspection {
    /// The mask of one defect, row by row.
    pub fn mask(&self, defect: usize) -> &[f32] {
        &self.masks[defect * MASK_SIDE * MASK_SIDE..(defect + 1) * MASK_SIDE * MASK_SIDE]
    }
}

/// An inspector that is ready.
#[derive(Debug)]
pub struct Inspector {
    pool: Pool,
    thresholds: Thresholds,
}

impl Inspector {
    /// What an inspector's file must be.
    pub fn contract(schema: Schema) -> Contract {
        Contract {
            model: "inspector",
            schema,
            inputs: vec![Port::new("input", [3, SIDE_PX, SIDE_PX])],
            outputs: vec![
                Port::new("class", [PATCHES, DEFECTS + 1]),
                Port::new("box", [PATCHES, 4]),
                Port::new("mask", [DEFECTS, MASK_SIDE, MASK_SIDE]),
            ],
            scaled: None,
        }
    }

    /// # Errors
    /// When the file cannot be read or is refused.
    pub fn open(
        runtime: &Runtime,
        file: &Path,
        schema: Schema,
        options: Options,
        thresholds: Thresholds,
    ) -> Result<Self, Error> {
        Self::from_model(runtime, Model::read(runtime, file, Self::contract(schema))?, options, thresholds)
    }

    /// From a model that was checked against [`Inspector::contract`].
    ///
    /// # Errors
    /// When it fails on a grey picture.
    pub fn from_model(
        runtime: &Runtime,
        model: Model,
        options: Options,
        thresholds: Thresholds,
    ) -> Result<Self, Error> {
        let trial = Batch { rows: 1, values: vec![vec![0.5; PICTURE]] };
        Ok(Inspector { pool: Pool::open(runtime, model, options, &trial)?, thresholds })
    }

    pub fn model(&self) -> &Model {
        self.pool.model()
    }

    /// Inspects any number of pictures, one behind the other, each `[3, SIDE_PX, SIDE_PX]`: red, green and blue between
    /// 0 and 1.
    ///
    /// # Errors
    /// When the numbers are no whole pictures or not finite, or scoring fails.
    pub fn inspect(&self, pictures: Vec<f32>) -> Result<Vec<Inspection>, Error> {
        if !pictures.len().is_multiple_of(PICTURE) {
            let problem = format!("{} numbers are no whole pictures of {PICTURE}", pictures.len());
            return Err(Error::Input { field: "input".to_owned(), problem });
        }
        let rows = pictures.len() / PICTURE;
        let scored = self.pool.score(Batch { rows, values: vec![pictures] })?;
        let [classes, boxes, masks] = &scored.values[..] else { unreachable!("its contract has three outputs") };
        let pictures = classes.chunks(PATCHES * (DEFECTS + 1)).zip(boxes.chunks(PATCHES * 4)).zip(masks.chunks(MASKS));
        Ok(pictures
            .map(|((classes, boxes), masks)| {
                let said = Said { grid: GRID, classes, boxes, masks };
                let detections = detections(said, self.thresholds);
                Inspection { masks: masks_of(&detections, said), detections }
            })
            .collect())
    }
}
