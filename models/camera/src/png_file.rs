//! Pictures as PNG files.

use crate::{CameraError, SIDE};
use std::io::Cursor;

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

/// Bytes that reading a picture may take beside its pixels: rows on their way, and what a file has of palettes and the like.
const READING_MOST: usize = 2 << 20;

/// The pixels of a PNG file of a picture: red, green, blue of each, row by row. Whatever the file says of itself, no more
/// memory is taken than for a picture of the right size.
///
/// # Errors
/// When it is no whole PNG file, has another size than 224 × 224, or anything but RGB of 8 bits.
pub fn pixels(file: &[u8]) -> Result<Vec<u8>, CameraError> {
    let no = |error: png::DecodingError| CameraError::NoPng(error.to_string());
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), png::Limits { bytes: READING_MOST });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(no)?;
    let info = reader.info();
    let (width, height) = (info.width as usize, info.height as usize);
    if (width, height) != (SIDE, SIDE) {
        return Err(CameraError::Size { width, height });
    }
    if (info.color_type, info.bit_depth) != (png::ColorType::Rgb, png::BitDepth::Eight) {
        let colours = format!("{:?} of {} bits", info.color_type, info.bit_depth as u8);
        return Err(CameraError::Colours(colours));
    }
    let mut pixels = vec![0; 3 * SIDE * SIDE];
    reader.next_frame(&mut pixels).map_err(no)?;
    // Else a file that lost its end would pass.
    reader.finish().map_err(no)?;
    Ok(pixels)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn taken() -> Vec<u8> {
        (0..3 * SIDE * SIDE).map(|at| (at * at / 7) as u8).collect()
    }

    fn file(width: u32, height: u32, colour: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        let bits = colour.samples() * depth as usize * width as usize;
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&vec![1; bits.div_ceil(8) * height as usize]).unwrap();
        writer.finish().unwrap();
        file
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(pixels(&png(&taken(), SIDE, SIDE).unwrap()).unwrap(), taken());
    }

    #[test]
    fn what_is_no_picture_of_the_camera_is_refused_with_what_it_is() {
        use png::{BitDepth, ColorType};
        let side = SIDE as u32;
        let said = |file: &[u8]| pixels(file).unwrap_err().to_string();
        for (file, wanted) in [
            (file(side, side - 1, ColorType::Rgb, BitDepth::Eight), "224 × 223"),
            (file(8_000, 8_000, ColorType::Grayscale, BitDepth::One), "8000 × 8000"),
            (file(side, side, ColorType::Rgba, BitDepth::Eight), "Rgba of 8 bits"),
            (file(side, side, ColorType::Rgb, BitDepth::Sixteen), "Rgb of 16 bits"),
            (file(side, side, ColorType::Grayscale, BitDepth::Eight), "Grayscale of 8 bits"),
            (b"GIF89a".to_vec(), "no PNG file"),
            (Vec::new(), "no PNG file"),
        ] {
            assert!(said(&file).contains(wanted), "{wanted}: {}", said(&file));
        }
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_is_refused() {
        let whole = png(&taken(), SIDE, SIDE).unwrap();
        for end in (0..whole.len()).step_by(whole.len() / 50).chain([whole.len() - 12, whole.len() - 1]) {
            assert!(pixels(&whole[..end]).is_err(), "{end} of {} bytes", whole.len());
        }
    }
}
