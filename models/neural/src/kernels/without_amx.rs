//! In place of [`super::amx`] where there is no such unit.

use super::matrix::{Matrix, MatrixMut};

pub fn available() -> bool {
    false
}

pub fn takes(_: Matrix<'_>, _: Matrix<'_>) -> bool {
    false
}

pub fn product(_: MatrixMut<'_>, _: f32, _: Matrix<'_>, _: Matrix<'_>, _: bool) {
    unreachable!("it takes nothing")
}
