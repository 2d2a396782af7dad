//! What a batch of the inspector's training costs: making pictures, and gradients of windows and of whole pictures.

use burn::module::Module;
use burn::tensor::Device;
use divan::Bencher;
use divan::counter::ItemsCount;
use lehr_camera::Split;
use lehr_camera::set::Recipe;
use lehr_neural::vision::{Part, VisionArchitecture, VisionSettings, VisionTask, VisionTransformer, parts};

const ROWS: usize = 16;
const SIDE: usize = 224;
/// Patches along the side of a window.
const WINDOW: usize = 8;

fn main() {
    divan::main();
}

fn recipe() -> Recipe {
    Recipe::new(1, Split::Training, 100, SIDE).expect("224 is a side").augmented()
}

fn whole() -> Vec<Part> {
    parts(&recipe(), &(0..ROWS).collect::<Vec<_>>(), 0)
}

fn gradients(bencher: Bencher<'_, '_>, parts: &[Part], layers: usize) {
    let (recipe, architecture) = (recipe(), VisionArchitecture { layers, ..VisionArchitecture::full(SIDE) });
    let network = VisionTransformer::new(architecture, 1, &Device::flex()).train();
    let settings = VisionSettings::new(architecture, 1);
    let mut task = VisionTask::new(&recipe, &recipe, &settings, Device::flex());
    bencher.counter(ItemsCount::new(parts.len())).bench_local(|| task.gradients_of(&network, parts, layers));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn pictures_made(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(ROWS)).bench_local(whole);
}

#[divan::bench(args = [0, 6], sample_count = 5, sample_size = 1)]
fn windows_through_layers(bencher: Bencher<'_, '_>, layers: usize) {
    let windows: Vec<Part> = whole().iter().map(|part| part.cut([3, 3], WINDOW)).collect();
    gradients(bencher, &windows, layers);
}

#[divan::bench(args = [0, 6], sample_count = 5, sample_size = 1)]
fn pictures_through_layers(bencher: Bencher<'_, '_>, layers: usize) {
    gradients(bencher, &whole(), layers);
}
