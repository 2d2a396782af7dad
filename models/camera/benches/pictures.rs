//! Pictures a second: the image set is made from its seeds while a model trains.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use lehr_camera::{Flaw, Kind, Shape, Split, Style, picture, png};

fn main() {
    divan::main();
}

#[divan::bench(args = Shape::ALL)]
fn sound(bencher: Bencher, shape: Shape) {
    let style = Style::of(Split::Training);
    bencher.counter(ItemsCount::new(1usize)).bench(|| picture(black_box(7), shape, &[], &style));
}

#[divan::bench(args = Kind::ALL)]
fn with(bencher: Bencher, kind: Kind) {
    let style = Style::of(Split::Training);
    let mut seed = 0;
    bencher.counter(ItemsCount::new(1usize)).bench_local(|| {
        seed += 1;
        picture(seed, Shape::Jar, &[Flaw::draw(seed, kind, &style)], &style)
    });
}

#[divan::bench]
fn as_png(bencher: Bencher) {
    let taken = picture(7, Shape::Jar, &[], &Style::of(Split::Training));
    bencher.counter(ItemsCount::new(1usize)).bench(|| png(black_box(&taken.pixels), 224, 224).unwrap());
}
