//! Pictures as PNG files.

use crate::{CameraError, SIDE};

/// A PNG file of a picture's pixels: red, green, blue of each, row by row.
///
/// # Errors
/// When there are not `width` × `height` pixels.
pub fn png(pixels: &[u8], width: usize, height: usize) -> Result<Vec<u8>, CameraError> {
    if pixels.len() != 3 * width * height || pixels.is_empty() {
        return Err(CameraError::Pixels { bytes: pixels.len(), width, height });
    }
    let side =
        |value: usize| u32::try_from(value).map_err(|_| CameraError::Pixels { bytes: pixels.len(), width, height });
    let mut file = Vec::with_capacity(pixels.len() / 2);
    let mut encoder = png::Encoder::new(&mut file, side(width)?, side(height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(CameraError::Png)?;
    writer.write_image_data(pixels).map_err(CameraError::Png)?;
    writer.finish().map_err(CameraError::Png)?;
    Ok(file)
}

/// Pictures beside and below each other, `columns` to a row, a line of white between them; pixels, width, height.
pub fn sheet(pictures: &[Vec<u8>], columns: usize) -> (Vec<u8>, usize, usize) {
    const GAP: usize = 2;
    let columns = columns.clamp(1, pictures.len().max(1));
    let rows = pictures.len().div_ceil(columns).max(1);
    let (width, height) = (columns * (SIDE + GAP) - GAP, rows * (SIDE + GAP) - GAP);
    let mut pixels = vec![255; 3 * width * height];
    for (index, picture) in pictures.iter().enumerate() {
        let (left, top) = (index % columns * (SIDE + GAP), index / columns * (SIDE + GAP));
        for (y, row) in picture.chunks_exact(3 * SIDE).enumerate() {
            let at = 3 * ((top + y) * width + left);
            pixels[at..at + 3 * SIDE].copy_from_slice(row);
        }
    }
    (pixels, width, height)
}
