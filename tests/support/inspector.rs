//! A model file of an inspector that needs no training.

use lehr_onnx::{Conv, Element, Graph, Linear, Opset, Shape, Tensor};
use lehr_scoring::Schema;

const PATCHES: usize = 196;
/// Of six defects and of none.
const CLASSES: usize = 7;
/// Cracks and bubbles, in the order of the classes.
const CRACK: usize = 0;
const BUBBLE: usize = 1;

/// The unit of what inspectors read here.
pub const LIGHT: &str = "light 0-1, 224x224";

fn zeros(extents: &[usize]) -> Tensor {
    Tensor::f32(extents, &vec![0.0; extents.iter().product()]).expect("it fits")
}

/// An inspector that takes patches with red light for cracks and with blue light for bubbles, the surer the more of it: the
/// logit is twenty times the mean light, and that of none is nine. Boxes are patches; masks are cells with some light.
pub fn inspector(version: &str, unit: &str, metrics: &str) -> Vec<u8> {
    let mut graph = Graph::new("inspector", Opset::V20);
    let input = graph.input("input", Element::F32, Shape::batched([3, 224, 224])).expect("a good input");
    let mut weight = vec![0.0; CLASSES * 3 * 256];
    for (class, colour) in [(CRACK, 0), (BUBBLE, 2)] {
        let first = (class * 3 + colour) * 256;
        weight[first..first + 256].fill(20.0 / 256.0);
    }
    let mut bias = [0.0; CLASSES];
    bias[CLASSES - 1] = 9.0;
    let patches = Conv {
        weight: Tensor::f32([CLASSES, 3, 16, 16], &weight).expect("it fits"),
        bias: Some(Tensor::f32([CLASSES], &bias).expect("it fits")),
        stride: 16,
        padding: 0,
    };
    let patches = graph.conv("patches", input, &patches).expect("it fits");
    let flat = graph.reshape("flat", patches, Shape::batched([CLASSES, PATCHES])).expect("it fits");
    let class = graph.transpose("turned", flat, &[0, 2, 1]).expect("it fits");
    let place = graph.linear("place", class, &Linear { weight: zeros(&[CLASSES, 4]), bias: None }).expect("it fits");
    let mut weight = vec![0.0; (CLASSES - 1) * 3 * 16];
    for (class, colour) in [(CRACK, 0), (BUBBLE, 2)] {
        let first = (class * 3 + colour) * 16;
        weight[first..first + 16].fill(1_000.0 / 16.0);
    }
    let cells = Conv {
        weight: Tensor::f32([CLASSES - 1, 3, 4, 4], &weight).expect("it fits"),
        bias: Some(Tensor::f32([CLASSES - 1], &[-50.0; CLASSES - 1]).expect("it fits")),
        stride: 4,
        padding: 0,
    };
    let cells = graph.conv("cells", input, &cells).expect("it fits");
    let mask = graph.sigmoid("cells.sigmoid", cells).expect("it fits");
    for (name, value) in [("class", class), ("box", place), ("mask", mask)] {
        graph.output(name, value).expect("a good output");
    }
    let schema = Schema::of(["red", "green", "blue"].map(|colour| (colour, unit)));
    for (key, value) in [
        ("lehr.model", "inspector"),
        ("lehr.version", version),
        ("lehr.schema", schema.as_str()),
        ("lehr.metrics", metrics),
    ] {
        graph.metadata(key, value);
    }
    graph.encode().expect("a whole graph")
}
