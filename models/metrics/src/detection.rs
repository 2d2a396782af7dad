//! Boxes and masks found in pictures, against those that are there.

mod overlap;
mod precision;

pub use overlap::{Rect, mask_iou, mean_iou};
pub use precision::{Found, Present, average_precision, mean_average_precision};
