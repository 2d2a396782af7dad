use std::collections::BTreeMap;

use onnx_rs::ast::DataType;

use crate::Error;
use crate::halves::{ENDING, widened};

/// Numbers by name: extents and values, row-major.
pub type Constants = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The `f32` constants of a file, also of those that are kept in half precision. Those of other elements are
/// left out.
///
/// # Errors
/// When it is no ONNX file.
pub fn constants(file: &[u8]) -> Result<Constants, Error> {
    let model = onnx_rs::parse(file).map_err(|error| Error::Unreadable { problem: error.to_string() })?;
    let graph = model.graph.as_ref().ok_or_else(|| Error::Unreadable { problem: "it has no graph".to_owned() })?;
    let constants = graph.initializer.iter().filter_map(|tensor| {
        let extents = tensor.dims().iter().map(|extent| usize::try_from(*extent).ok()).collect::<Option<Vec<_>>>()?;
        let name = tensor.name();
        if let (Some(name), DataType::Float16) = (name.strip_suffix(ENDING), tensor.data_type()) {
            return Some((name.to_owned(), (extents, widened(tensor.as_raw()?))));
        }
        Some((name.to_owned(), (extents, tensor.as_f32()?.into_owned())))
    });
    Ok(constants.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Element, Graph, Linear, Opset, Shape, Tensor};

    #[test]
    fn what_was_written_is_read_again() {
        let mut graph = Graph::new("small", Opset::V17);
        let x = graph.input("x", Element::F32, Shape::batched([2])).unwrap();
        let weight = Tensor::f32([2, 3], &[1.0, -2.5, 3.0, 0.1, 5.0, 6.0]).unwrap();
        let bias = Some(Tensor::f32([3], &[0.5, 0.25, -1.0]).unwrap());
        let y = graph.linear("layer", x, &Linear { weight, bias }).unwrap();
        graph.output("y", y).unwrap();
        let read = constants(&graph.encode().unwrap()).unwrap();
        assert_eq!(read["layer.weight"], (vec![2, 3], vec![1.0, -2.5, 3.0, 0.1, 5.0, 6.0]));
        assert_eq!(read["layer.bias"], (vec![3], vec![0.5, 0.25, -1.0]));
    }

    #[test]
    fn large_constants_are_kept_in_half_precision_where_that_is_asked_for() {
        let weights: Vec<f32> = (0..2000).map(|at| (at as f32 * 0.7).sin()).collect();
        let file = |halved: bool| {
            let mut graph = Graph::new("large", Opset::V17);
            let x = graph.input("x", Element::F32, Shape::batched([2])).unwrap();
            let weight = Tensor::f32([2, 1000], &weights).unwrap();
            let bias = Some(Tensor::f32([1000], &weights[..1000]).unwrap());
            let y = graph.linear("layer", x, &Linear { weight, bias }).unwrap();
            graph.output("y", y).unwrap();
            if halved {
                graph.halve_constants();
            }
            graph.encode().unwrap()
        };
        assert!(file(true).len() + 3900 < file(false).len());
        let read = constants(&file(true)).unwrap();
        let (extents, values) = &read["layer.weight"];
        assert_eq!(extents, &[2, 1000]);
        assert!(values.iter().zip(&weights).all(|(read, weight)| (read - weight).abs() <= weight.abs() / 2048.0));
        assert_eq!(read["layer.bias"].1, weights[..1000], "it is small");
    }

    #[test]
    fn what_is_no_model_is_refused() {
        assert!(constants(b"no model").is_err());
    }
}
