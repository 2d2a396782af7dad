//! Every operator: its file is taken by ONNX's checker, which infers the shapes anew, and ONNX Runtime gets from it what
//! a few lines of arithmetic say.

mod support;

use lehr_onnx::{Axis, Conv, Element, Error, Graph, Interpolation, Opset, Shape, Tensor, Value};
use support::{Random, answer, linear, numbers, sigmoid, softmax, wide};

const TOLERANCE: f64 = 1e-5;

/// Of two numbers.
type Function = fn(f64, f64) -> f64;

/// An operator's name, what builds it, and what it should do.
type Unary = (&'static str, fn(&mut Graph, &str, Value) -> Result<Value, Error>, fn(f64) -> f64);

#[test]
fn functions_of_one_value() {
    let mut random = Random::seeded();
    let functions: [Unary; 11] = [
        ("tanh", Graph::tanh, f64::tanh),
        ("sigmoid", Graph::sigmoid, sigmoid),
        ("relu", Graph::relu, |x| x.max(0.0)),
        ("exp", Graph::exp, f64::exp),
        ("abs", Graph::abs, f64::abs),
        ("neg", Graph::neg, |x| -x),
        ("identity", Graph::identity, |x| x),
        (
            "leaky_relu",
            |graph, node, x| graph.leaky_relu(node, x, 0.1),
            |x| if x > 0.0 { x } else { f64::from(0.1f32) * x },
        ),
        ("elu", Graph::elu, |x| if x > 0.0 { x } else { x.exp_m1() }),
        (
            "log",
            |graph, node, x| {
                let power = graph.exp(&format!("{node}.exp"), x)?;
                graph.log(node, power)
            },
            |x| x,
        ),
        (
            "sqrt",
            |graph, node, x| {
                let size = graph.abs(&format!("{node}.abs"), x)?;
                graph.sqrt(node, size)
            },
            |x| x.abs().sqrt(),
        ),
    ];
    let x = random.values(2 * 7);
    for opset in [Opset::V17, Opset::V20] {
        let mut graph = Graph::new("functions", opset);
        let input = graph.input("input", Element::F32, Shape::batched([7])).unwrap();
        for (name, build, _) in functions {
            let value = build(&mut graph, &format!("node.{name}"), input).unwrap();
            graph.output(name, value).unwrap();
        }
        let answer = answer(&graph, &[("input", &[2, 7], &x)]);
        for (name, _, function) in functions {
            println!("{name}");
            let expected: Vec<f64> = wide(&x).into_iter().map(function).collect();
            answer.output(name).assert_close(&expected, TOLERANCE);
        }
    }
}

#[test]
fn erf_and_gelu_belong_together() {
    let mut random = Random::seeded();
    let mut graph = Graph::new("gelu", Opset::V20);
    let input = graph.input("input", Element::F32, Shape::batched([20])).unwrap();
    let gelu = graph.gelu("gelu", input).unwrap();
    let root = graph.constant("root", Tensor::scalar(2f32.sqrt()).unwrap()).unwrap();
    let scaled = graph.div("scaled", input, root).unwrap();
    let erf = graph.erf("erf", scaled).unwrap();
    graph.output("gelu.value", gelu).unwrap();
    graph.output("erf.value", erf).unwrap();
    let x = random.values(20);
    let answer = answer(&graph, &[("input", &[1, 20], &x)]);
    let erf = answer.output("erf.value").values;
    let expected: Vec<f64> = wide(&x).iter().zip(erf).map(|(x, erf)| 0.5 * x * (1.0 + erf)).collect();
    answer.output("gelu.value").assert_close(&expected, TOLERANCE);
}

#[test]
fn functions_of_two_values_broadcast() {
    let mut random = Random::seeded();
    let mut graph = Graph::new("two", Opset::V17);
    let left = graph.input("left", Element::F32, Shape::batched([3, 1])).unwrap();
    let tensor = random.tensor(&[4]);
    let right = graph.constant("right", tensor.clone()).unwrap();
    let arithmetic: [(&str, Value, Function); 4] = [
        ("sum", graph.add("add", left, right).unwrap(), |a, b| a + b),
        ("difference", graph.sub("sub", left, right).unwrap(), |a, b| a - b),
        ("product", graph.mul("mul", left, right).unwrap(), |a, b| a * b),
        ("quotient", graph.div("div", left, right).unwrap(), |a, b| a / b),
    ];
    for (name, value, _) in arithmetic {
        assert_eq!(graph.shape(value), &Shape::batched([3, 4]));
        graph.output(name, value).unwrap();
    }
    let greater = graph.greater("greater", left, right).unwrap();
    let most = graph.where_("where", greater, left, right).unwrap();
    graph.output("most", most).unwrap();
    let less = graph.less("less", left, right).unwrap();
    let least = graph.where_("where_less", less, left, right).unwrap();
    graph.output("least", least).unwrap();
    let equal = graph.equal("equal", left, right).unwrap();
    assert_eq!(graph.element(equal), Element::Bool);
    graph.output("same", equal).unwrap();

    let x = random.values(2 * 3);
    let answer = answer(&graph, &[("left", &[2, 3, 1], &x)]);
    let (x, y) = (wide(&x), numbers(&tensor));
    let each =
        |function: Function| -> Vec<f64> { x.iter().flat_map(|&a| y.iter().map(move |&b| function(a, b))).collect() };
    for (name, _, function) in arithmetic {
        answer.output(name).assert_close(&each(function), TOLERANCE);
    }
    answer.output("most").assert_close(&each(f64::max), TOLERANCE);
    answer.output("least").assert_close(&each(f64::min), TOLERANCE);
    answer.output("same").assert_close(&each(|a, b| f64::from(a == b)), TOLERANCE);
}

#[test]
fn products() {
    let mut random = Random::seeded();
    let mut graph = Graph::new("products", Opset::V17);
    let input = graph.input("input", Element::F32, Shape::batched([3])).unwrap();
    let layer = random.linear(3, 2, true);
    let as_gemm = graph.linear("flat", input, &layer).unwrap();
    graph.output("flat.y", as_gemm).unwrap();
    let turned = graph.constant("turned.weight", layer.weight.transposed().unwrap()).unwrap();
    let bias = graph.constant("turned.bias", layer.bias.clone().unwrap()).unwrap();
    let transposed = graph.gemm_transposed("turned", input, turned, Some(bias)).unwrap();
    graph.output("turned.y", transposed).unwrap();
    let rows = graph.unsqueeze("rows", input, 1).unwrap();
    let as_matmul = graph.linear("deep", rows, &layer).unwrap();
    assert_eq!(graph.shape(as_matmul), &Shape::batched([1, 2]));
    graph.output("deep.y", as_matmul).unwrap();
    let column = graph.unsqueeze("column", input, 2).unwrap();
    let outer = graph.matmul("outer", column, rows).unwrap();
    graph.output("outer.y", outer).unwrap();

    let x = random.values(2 * 3);
    let answer = answer(&graph, &[("input", &[2, 3], &x)]);
    let x = wide(&x);
    for name in ["flat.y", "turned.y", "deep.y"] {
        answer.output(name).assert_close(&linear(&x, &layer), TOLERANCE);
    }
    let squares = x.chunks(3).flat_map(|row| row.iter().flat_map(move |a| row.iter().map(move |b| a * b)));
    answer.output("outer.y").assert_close(&squares.collect::<Vec<f64>>(), TOLERANCE);
}

#[test]
fn reductions() {
    let mut random = Random::seeded();
    let x = random.values(2 * 3 * 4);
    for opset in [Opset::V17, Opset::V20] {
        let mut graph = Graph::new("reductions", opset);
        let input = graph.input("input", Element::F32, Shape::batched([3, 4])).unwrap();
        let sum = graph.reduce_sum("sum", input, 1, false).unwrap();
        assert_eq!(graph.shape(sum), &Shape::batched([4]));
        graph.output("sum.y", sum).unwrap();
        let mean = graph.reduce_mean("mean", input, 2, true).unwrap();
        assert_eq!(graph.shape(mean), &Shape::batched([3, 1]));
        graph.output("mean.y", mean).unwrap();
        let shares = graph.softmax("shares", input, 2).unwrap();
        graph.output("shares.y", shares).unwrap();
        let answer = answer(&graph, &[("input", &[2, 3, 4], &x)]);
        let x = wide(&x);
        let sums = x.chunks(12).flat_map(|row| (0..4).map(move |at| row[at] + row[4 + at] + row[8 + at]));
        answer.output("sum.y").assert_close(&sums.collect::<Vec<f64>>(), TOLERANCE);
        let means: Vec<f64> = x.chunks(4).map(|row| row.iter().sum::<f64>() / 4.0).collect();
        answer.output("mean.y").assert_close(&means, TOLERANCE);
        answer.output("shares.y").assert_close(&x.chunks(4).flat_map(softmax).collect::<Vec<f64>>(), TOLERANCE);
    }
}

#[test]
fn layouts_move_numbers_and_change_none() {
    let mut random = Random::seeded();
    let mut graph = Graph::new("layouts", Opset::V17);
    let input = graph.input("input", Element::F32, Shape::batched([3, 4])).unwrap();
    let transposed = graph.transpose("transposed", input, &[2, 0, 1]).unwrap();
    let reshaped = graph.reshape("reshaped", input, Shape::batched([2, 6])).unwrap();
    let unsqueezed = graph.unsqueeze("unsqueezed", input, 1).unwrap();
    let squeezed = graph.squeeze("squeezed", unsqueezed, 1).unwrap();
    let sliced = graph.slice("sliced", input, 2, 1..3).unwrap();
    let parts = graph.split("parts", input, 2, &[1, 3]).unwrap();
    let swapped = graph.concat("swapped", &[parts[1], parts[0]], 2).unwrap();
    let order = graph.constant("order", Tensor::i64([2], &[2, 0]).unwrap()).unwrap();
    let gathered = graph.gather("gathered", input, order, 1).unwrap();
    for (name, value, shape) in [
        ("reshape", reshaped, Shape::batched([2, 6])),
        ("unsqueeze", unsqueezed, Shape::batched([1, 3, 4])),
        ("squeeze", squeezed, Shape::batched([3, 4])),
        ("transpose", transposed, Shape::new([4.into(), Axis::Batch, 3.into()])),
        ("slice", sliced, Shape::batched([3, 2])),
        ("swap", swapped, Shape::batched([3, 4])),
        ("gather", gathered, Shape::batched([2, 4])),
    ] {
        assert_eq!(graph.shape(value), &shape);
        graph.output(name, value).unwrap();
    }
    let x = random.values(2 * 3 * 4);
    let answer = answer(&graph, &[("input", &[2, 3, 4], &x)]);
    let x = wide(&x);
    let at = |row: usize, a: usize, b: usize| x[row * 12 + a * 4 + b];
    for name in ["reshape", "unsqueeze", "squeeze"] {
        assert_eq!(answer.output(name).values, x);
    }
    let rows = || (0..2).flat_map(|row| (0..3).map(move |a| (row, a)));
    let turned: Vec<f64> =
        (0..4).flat_map(|b| rows().map(move |(row, a)| (row, a, b))).map(|(row, a, b)| at(row, a, b)).collect();
    assert_eq!(answer.output("transpose").values, turned);
    let middle: Vec<f64> = rows().flat_map(|(row, a)| [at(row, a, 1), at(row, a, 2)]).collect();
    assert_eq!(answer.output("slice").values, middle);
    let swapped: Vec<f64> = rows().flat_map(|(row, a)| [1, 2, 3, 0].map(|b| at(row, a, b))).collect();
    assert_eq!(answer.output("swap").values, swapped);
    let gathered: Vec<f64> = (0..2)
        .flat_map(|row| [2, 0].map(|a| (row, a)))
        .flat_map(|(row, a)| [0, 1, 2, 3].map(|b| at(row, a, b)))
        .collect();
    assert_eq!(answer.output("gather").values, gathered);
}

/// Adds each product to where it belongs: of a convolution (`up` false) or of a transposed one.
fn convolved(x: &[f64], layer: &Conv, up: bool, size: usize, out: usize) -> Vec<f64> {
    let extents = layer.weight.extents();
    let (weight, bias) = (numbers(&layer.weight), numbers(layer.bias.as_ref().unwrap()));
    let (inputs, outputs) = if up { (extents[0], extents[1]) } else { (extents[1], extents[0]) };
    let kernel = extents[2];
    let mut y: Vec<f64> = (0..outputs * out * out).map(|index| bias[index / (out * out)]).collect();
    // Where a pixel of the small side meets one of the large one: large = small · stride + within − padding.
    let meets = |small: usize, within: usize, large: usize| small * layer.stride + within == large + layer.padding;
    for input in 0..inputs {
        for output in 0..outputs {
            for (from, to) in (0..size * size).flat_map(|from| (0..out * out).map(move |to| (from, to))) {
                for (row, column) in (0..kernel).flat_map(|row| (0..kernel).map(move |column| (row, column))) {
                    let (small, large, sides) = if up { (from, to, [size, out]) } else { (to, from, [out, size]) };
                    let fits = meets(small / sides[0], row, large / sides[1])
                        && meets(small % sides[0], column, large % sides[1]);
                    if fits {
                        let (first, second) = if up { (input, output) } else { (output, input) };
                        let at = ((first * extents[1] + second) * kernel + row) * kernel + column;
                        y[output * out * out + to] += weight[at] * x[input * size * size + from];
                    }
                }
            }
        }
    }
    y
}

#[test]
fn convolutions() {
    let mut random = Random::seeded();
    let mut graph = Graph::new("convolutions", Opset::V17);
    let input = graph.input("input", Element::F32, Shape::batched([2, 5, 5])).unwrap();
    let down = Conv { weight: random.tensor(&[3, 2, 3, 3]), bias: Some(random.tensor(&[3])), stride: 2, padding: 1 };
    let y = graph.conv("down", input, &down).unwrap();
    assert_eq!(graph.shape(y), &Shape::batched([3, 3, 3]));
    graph.output("down.y", y).unwrap();
    let up = Conv { weight: random.tensor(&[2, 3, 4, 4]), bias: Some(random.tensor(&[3])), stride: 2, padding: 1 };
    let y = graph.conv_transpose("up", input, &up).unwrap();
    assert_eq!(graph.shape(y), &Shape::batched([3, 10, 10]));
    graph.output("up.y", y).unwrap();
    let x = random.values(2 * 2 * 25);
    let answer = answer(&graph, &[("input", &[2, 2, 5, 5], &x)]);
    let each = |layer: &Conv, up: bool, out: usize| -> Vec<f64> {
        x.chunks(50).flat_map(|row| convolved(&wide(row), layer, up, 5, out)).collect()
    };
    answer.output("down.y").assert_close(&each(&down, false, 3), TOLERANCE);
    answer.output("up.y").assert_close(&each(&up, true, 10), TOLERANCE);
}

#[test]
fn resizing_repeats_or_interpolates() {
    let mut random = Random::seeded();
    let x = random.values(2 * 3 * 3);
    for opset in [Opset::V17, Opset::V20] {
        let mut graph = Graph::new("masks", opset);
        let input = graph.input("input", Element::F32, Shape::batched([2, 3, 3])).unwrap();
        for (name, how) in [("nearest", Interpolation::Nearest), ("linear", Interpolation::Linear)] {
            let larger = graph.resize(&format!("to.{name}"), input, 2, how).unwrap();
            assert_eq!(graph.shape(larger), &Shape::batched([2, 6, 6]));
            graph.output(name, larger).unwrap();
        }
        let answer = answer(&graph, &[("input", &[1, 2, 3, 3], &x)]);
        let pixel = |channel: usize, row: usize, column: usize| f64::from(x[channel * 9 + row * 3 + column]);
        let places = || (0..2).flat_map(|c| (0..6).flat_map(move |row| (0..6).map(move |column| (c, row, column))));
        let nearest: Vec<f64> = places().map(|(c, row, column)| pixel(c, row / 2, column / 2)).collect();
        answer.output("nearest").assert_close(&nearest, TOLERANCE);
        let between = |at: usize| {
            let centre = ((at as f64 + 0.5) / 2.0 - 0.5).clamp(0.0, 2.0);
            let low = (centre.floor() as usize).min(1);
            (low, centre - low as f64)
        };
        let linear = places().map(|(c, row, column)| {
            let ((top, down), (left, across)) = (between(row), between(column));
            let along = |row: usize| pixel(c, row, left) * (1.0 - across) + pixel(c, row, left + 1) * across;
            along(top) * (1.0 - down) + along(top + 1) * down
        });
        answer.output("linear").assert_close(&linear.collect::<Vec<f64>>(), TOLERANCE);
    }
}
