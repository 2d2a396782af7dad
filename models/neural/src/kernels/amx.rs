//! Products by a processor's matrix unit, Intel's AMX: factors are rounded to bfloat16, sums are of single precision. Tiles of
//! 16 lines of 64 bytes (Intel 64 manual, volume 1, chapter 18).

use std::arch::asm;
use std::arch::x86_64::*;
use std::cell::RefCell;
use std::sync::OnceLock;

use super::matrix::{Matrix, MatrixMut};

/// A tile has so many lines, of so many pairs of bfloat16 or single numbers.
const LINES: usize = 16;
const TILE: usize = LINES * LINES;
/// Numbers of a line of a factor.
const INNER: usize = 2 * LINES;
/// Rows and columns of what is summed at once: two by two tiles.
const BLOCK: usize = 2 * LINES;
/// Rows of the left factor that are multiplied with all of the right one before the next: they stay in the second cache.
const ROWS: usize = 256;

pub fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        let vectors = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512bf16");
        // Bits 22 and 24 of EDX: AMX-BF16, AMX-TILE (Intel 64 manual, volume 2A, CPUID leaf 7).
        let tiles = (1 << 22) | (1 << 24);
        vectors && __cpuid_count(7, 0).edx & tiles == tiles && permitted()
    })
}

/// Linux gives tiles to a process that asks for them: arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA).
fn permitted() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const REQUEST: u64 = 0x1023;
    const TILE_DATA: u64 = 18;
    let answer: i64;
    // SAFETY: the call reads its two numbers, and changes what this process may use.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => answer,
            in("rdi") REQUEST,
            in("rsi") TILE_DATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer == 0
}

/// Whether there is a unit, and the product is large enough that packing costs less than it gains.
pub fn takes(left: Matrix<'_>, right: Matrix<'_>) -> bool {
    left.rows >= LINES && left.columns >= LINES && right.columns >= LINES && available()
}

#[derive(Default)]
struct Room {
    left: Vec<Tile>,
    right: Vec<Tile>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Tile([u32; TILE]);

#[repr(C, align(64))]
struct Sums([[f32; BLOCK]; BLOCK]);

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

pub fn product(mut to: MatrixMut<'_>, factor: f32, left: Matrix<'_>, right: Matrix<'_>, add: bool) {
    assert!(available(), "a processor with AMX");
    let blocks = left.columns.div_ceil(INNER);
    ROOM.with_borrow_mut(|Room { left: lefts, right: rights }| {
        // SAFETY: `available` says that the instructions are there.
        unsafe { pack(rights, right.transposed(), 0..right.columns, false) };
        for first in (0..left.rows).step_by(ROWS) {
            let rows = first..left.rows.min(first + ROWS);
            // SAFETY: as above.
            unsafe { pack(lefts, left, rows.clone(), true) };
            let (mut sums, stride) = (Sums([[0.0; BLOCK]; BLOCK]), to.row_stride);
            let _tiles = Tiles::new();
            for column in (0..right.columns).step_by(BLOCK) {
                let rights = &rights[column / LINES * blocks..][..2 * blocks];
                for row in (0..rows.len()).step_by(BLOCK) {
                    let lefts = &lefts[row / LINES * blocks..][..2 * blocks];
                    let (row, whole) = (first + row, first + row + BLOCK <= to.rows && column + BLOCK <= to.columns);
                    if whole && factor == 1.0 {
                        let to = &mut to.values[row * to.row_stride + column..];
                        // SAFETY: as below; 32 lines of 32 numbers lie within the matrix.
                        unsafe { four(lefts, rights, blocks, to.as_mut_ptr(), stride, add) };
                        continue;
                    }
                    // SAFETY: tiles are configured, and both slices have two lines of `blocks` tiles.
                    unsafe { four(lefts, rights, blocks, sums.0.as_mut_ptr().cast(), BLOCK, false) };
                    place(&mut to, row, column, factor, &sums, add);
                }
            }
        }
    });
}

/// Adds or writes a block of sums; what lies beyond the matrix is left.
fn place(to: &mut MatrixMut<'_>, row: usize, column: usize, factor: f32, sums: &Sums, add: bool) {
    let (rows, columns) = (BLOCK.min(to.rows - row), BLOCK.min(to.columns - column));
    for (line, sums) in sums.0.iter().enumerate().take(rows) {
        let to = &mut to.values[(row + line) * to.row_stride + column..][..columns];
        if add {
            to.iter_mut().zip(sums).for_each(|(to, sum)| *to += factor * sum);
        } else {
            to.iter_mut().zip(sums).for_each(|(to, sum)| *to = factor * sum);
        }
    }
}

/// Configured tiles of the processor, which are given back at the end.
struct Tiles;

#[repr(C, align(64))]
struct Configuration([u8; 64]);

impl Tiles {
    fn new() -> Self {
        let mut configuration = Configuration([0; 64]);
        configuration.0[0] = 1;
        for tile in 0..8 {
            configuration.0[16 + 2 * tile] = 64;
            configuration.0[48 + tile] = LINES as u8;
        }
        // SAFETY: palette 1 has eight tiles of 16 lines of 64 bytes.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &configuration, options(nostack, readonly)) };
        Self
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: they were configured.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// Writes, or adds, the sums of two by two tiles to 32 lines of 32 numbers, `stride` numbers apart.
unsafe fn four(left: &[Tile], right: &[Tile], blocks: usize, to: *mut f32, stride: usize, add: bool) {
    let (left, right) = (left.as_ptr(), right.as_ptr());
    // SAFETY: the caller's; each of the four pointers goes over `blocks` tiles.
    unsafe {
        asm!(
            "test {add:e}, {add:e}",
            "jz 2f",
            "tileloadd tmm0, [{to} + {wide}]",
            "tileloadd tmm1, [{to} + {wide} + 64]",
            "tileloadd tmm2, [{below} + {wide}]",
            "tileloadd tmm3, [{below} + {wide} + 64]",
            "jmp 3f",
            "2:",
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "3:",
            "tileloadd tmm4, [{l0} + {stride}]",
            "tileloadd tmm6, [{r0} + {stride}]",
            "tileloadd tmm7, [{r1} + {stride}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{l1} + {stride}]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {l0}, 1024",
            "add {l1}, 1024",
            "add {r0}, 1024",
            "add {r1}, 1024",
            "dec {blocks}",
            "jnz 3b",
            "tilestored [{to} + {wide}], tmm0",
            "tilestored [{to} + {wide} + 64], tmm1",
            "tilestored [{below} + {wide}], tmm2",
            "tilestored [{below} + {wide} + 64], tmm3",
            l0 = inout(reg) left => _,
            l1 = inout(reg) left.add(blocks) => _,
            r0 = inout(reg) right => _,
            r1 = inout(reg) right.add(blocks) => _,
            stride = in(reg) 64usize,
            wide = in(reg) 4 * stride,
            blocks = inout(reg) blocks => _,
            to = in(reg) to,
            below = in(reg) to.add(LINES * stride),
            add = in(reg) u32::from(add),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

/// Lines of a matrix as tiles, `[16 lines][32 numbers]` one after the other, filled up with zeros to whole blocks. A
/// left factor's tile is a line of pairs for each of its lines; a right one's is turned.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn pack(to: &mut Vec<Tile>, from: Matrix<'_>, lines: std::ops::Range<usize>, left: bool) {
    let (tall, wide) = (lines.len().div_ceil(BLOCK) * 2, from.columns.div_ceil(INNER));
    to.resize(tall * wide, Tile([0; TILE]));
    let contiguous = from.column_stride == 1;
    debug_assert!(contiguous || from.row_stride == 1, "a matrix lies by rows or by columns");
    let (line_stride, inner_stride) = (from.row_stride as usize, from.column_stride as usize);
    let mut stage = [0.0f32; LINES * INNER];
    for (at, tile) in to.iter_mut().enumerate() {
        let (line, inner) = (lines.start + at / wide * LINES, at % wide * INNER);
        let (high, long) = (lines.end.saturating_sub(line).min(LINES), (from.columns - inner).min(INNER));
        if high == 0 {
            *tile = Tile([0; TILE]);
            continue;
        }
        let values = &from.values[line * line_stride + inner * inner_stride..];
        let (values, stride) = if high == LINES && long == INNER {
            (values, if contiguous { line_stride } else { inner_stride })
        } else {
            stage.fill(0.0);
            for high in 0..high {
                for long in 0..long {
                    let value = values[high * line_stride + long * inner_stride];
                    stage[if contiguous { high * INNER + long } else { long * LINES + high }] = value;
                }
            }
            (&stage[..], if contiguous { INNER } else { LINES })
        };
        let packed = if contiguous { by_lines(values, stride) } else { by_columns(values, stride) };
        let packed = if contiguous == left { packed } else { turned(packed) };
        for (to, from) in tile.0.as_chunks_mut::<LINES>().0.iter_mut().zip(packed) {
            // SAFETY: a line is 64 bytes.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), from) };
        }
    }
}

/// 16 numbers.
#[target_feature(enable = "avx512f")]
fn load(values: &[f32]) -> __m512 {
    let values: &[f32; LINES] = values[..LINES].try_into().expect("so many");
    // SAFETY: they are 16.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

/// Pairs of 32 numbers one behind the other.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn by_lines(values: &[f32], stride: usize) -> [__m512i; LINES] {
    std::array::from_fn(|line| {
        let values = &values[line * stride..];
        let both = _mm512_cvtne2ps_pbh(load(&values[LINES..]), load(values));
        // SAFETY: 64 bytes each.
        unsafe { std::mem::transmute::<__m512bh, __m512i>(both) }
    })
}

/// Pairs of two lines of 16 numbers, one from each.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn by_columns(values: &[f32], stride: usize) -> [__m512i; LINES] {
    const fn zipped() -> [i16; 32] {
        let mut order = [0; 32];
        let mut at = 0;
        while at < 32 {
            order[at] = (at / 2 + at % 2 * 16) as i16;
            at += 1;
        }
        order
    }
    const ORDER: [i16; 32] = zipped();
    // SAFETY: 64 bytes.
    let order = unsafe { _mm512_loadu_si512(ORDER.as_ptr().cast()) };
    std::array::from_fn(|pair| {
        let both = _mm512_cvtne2ps_pbh(load(&values[(2 * pair + 1) * stride..]), load(&values[2 * pair * stride..]));
        // SAFETY: 64 bytes each.
        _mm512_permutexvar_epi16(order, unsafe { std::mem::transmute::<__m512bh, __m512i>(both) })
    })
}

/// 16 by 16 pairs, rows as columns.
#[target_feature(enable = "avx512f")]
fn turned(r: [__m512i; LINES]) -> [__m512i; LINES] {
    let zero = _mm512_setzero_si512();
    let (mut t, mut u) = ([zero; LINES], [zero; LINES]);
    for i in 0..8 {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    for i in 0..4 {
        u[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        u[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    // u[4 i + c] has, in lane l, column 4 l + c of rows 4 i to 4 i + 3.
    for c in 0..4 {
        let low = _mm512_shuffle_i32x4(u[c], u[4 + c], 0x88);
        let high = _mm512_shuffle_i32x4(u[8 + c], u[12 + c], 0x88);
        t[c] = _mm512_shuffle_i32x4(low, high, 0x88);
        t[8 + c] = _mm512_shuffle_i32x4(low, high, 0xdd);
        let low = _mm512_shuffle_i32x4(u[c], u[4 + c], 0xdd);
        let high = _mm512_shuffle_i32x4(u[8 + c], u[12 + c], 0xdd);
        t[4 + c] = _mm512_shuffle_i32x4(low, high, 0x88);
        t[12 + c] = _mm512_shuffle_i32x4(low, high, 0xdd);
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_rounded_factors() {
        if !available() {
            eprintln!("this processor has no matrix unit for bfloat16: nothing to test");
            return;
        }
        let wave = |count: usize, step: f32| -> Vec<f32> { (0..count).map(|at| (at as f32 * step).sin()).collect() };
        let rounded = |value: f32| {
            let bits = value.to_bits();
            f32::from_bits((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
        };
        for (m, k, n) in [(16, 32, 16), (17, 33, 40), (64, 64, 64), (300, 100, 70), (32, 16, 96), (31, 200, 16)] {
            for turn in 0..4 {
                for add in [false, true] {
                    let (left, right) = (wave(m * k, 0.7), wave(k * n, 0.3));
                    let matrix = |values, rows, columns, turned: bool| {
                        if turned {
                            Matrix::new(values, columns, rows).transposed()
                        } else {
                            Matrix::new(values, rows, columns)
                        }
                    };
                    let (left, right) = (matrix(&left, m, k, turn & 1 == 1), matrix(&right, k, n, turn & 2 == 2));
                    let at = |matrix: Matrix<'_>, row: usize, column: usize| {
                        rounded(
                            matrix.values[row * matrix.row_stride as usize + column * matrix.column_stride as usize],
                        )
                    };
                    let wide = n + 3;
                    let mut to = vec![1.0; m * wide];
                    assert!(takes(left, right));
                    product(MatrixMut::within(&mut to, m, n, wide), 0.5, left, right, add);
                    for (place, found) in to.iter().enumerate() {
                        let (row, column) = (place / wide, place % wide);
                        let expected = if column < n {
                            let sum: f32 = (0..k).map(|inner| at(left, row, inner) * at(right, inner, column)).sum();
                            0.5 * sum + f32::from(u8::from(add))
                        } else {
                            1.0
                        };
                        assert!((found - expected).abs() < 1e-4, "{m} {k} {n} {turn}: {found}, not {expected}");
                    }
                }
            }
        }
    }
}
