//! A contact sheet to look at: `contact_sheet FILE [KIND | mixed | sound] [training | test] [FIRST_SEED] [boxes]`.

use lehr_camera::{Flaw, Kind, Shape, Split, Style, picture, png, sheet};
use std::error::Error;

const COLUMNS: usize = 6;
const ROWS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize, usual: &'static str| arguments.get(at).map_or(usual, String::as_str);
    let file = argument(0, "sheet.png");
    let split = if argument(2, "training") == "test" { Split::Test } else { Split::Training };
    let first: u64 = argument(3, "0").parse()?;
    let style = Style::of(split);
    let kinds: Vec<Kind> = match argument(1, "mixed") {
        "sound" => vec![],
        "mixed" => Kind::ALL.to_vec(),
        name => Kind::ALL.into_iter().filter(|kind| format!("{kind:?}").eq_ignore_ascii_case(name)).collect(),
    };
    let mut pictures = vec![];
    for index in 0..(COLUMNS * ROWS) as u64 {
        let seed = first + index;
        let flaws: Vec<Flaw> = match kinds.len() {
            0 => vec![],
            count => vec![Flaw::draw(seed, kinds[index as usize % count], &style)],
        };
        let mut taken = picture(seed, Shape::ALL[index as usize % 3], &flaws, &style);
        if argument(4, "") == "boxes" {
            for mark in &taken.marks {
                let [x, y, width, height] = mark.bounds.whole().map(usize::from);
                let colour = if mark.flaw.visible() { [255, 0, 0] } else { [0, 0, 255] };
                let mut dot = |x: usize, y: usize| {
                    let at = 3 * (y.min(223) * 224 + x.min(223));
                    taken.pixels[at..at + 3].copy_from_slice(&colour);
                };
                (x..x + width).for_each(|x| [y.saturating_sub(1), y + height].into_iter().for_each(|y| dot(x, y)));
                (y..y + height).for_each(|y| [x.saturating_sub(1), x + width].into_iter().for_each(|x| dot(x, y)));
            }
        }
        pictures.push(taken.pixels);
    }
    let (pixels, width, height) = sheet(&pictures, COLUMNS);
    std::fs::write(file, png(&pixels, width, height)?)?;
    Ok(())
}
