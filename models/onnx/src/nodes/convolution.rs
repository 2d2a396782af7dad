use crate::graph::{Attribute, extent, problem};
use crate::{Axis, Element, Error, Graph, Shape, Tensor, Value};

/// A convolution over the last two axes of `[batch, channels, height, width]`.
#[derive(Debug, Clone)]
pub struct Conv {
    /// `[outputs, inputs, height, width]`; of a transposed convolution `[inputs, outputs, height, width]`.
    pub weight: Tensor,
    /// `[outputs]`.
    pub bias: Option<Tensor>,
    /// The step along height and width.
    pub stride: usize,
    /// Zeros added before and after, along height and width; of a transposed convolution, what is cut off there.
    pub padding: usize,
}

/// How values between those that are given are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    Nearest,
    Linear,
}

impl Graph {
    /// A convolution. Its constants are `NODE.weight` and `NODE.bias`.
    pub fn conv(&mut self, node: &str, x: Value, layer: &Conv) -> Result<Value, Error> {
        self.convolve(node, "Conv", x, layer, [0, 1], |size, kernel| {
            let padded = size + 2 * layer.padding;
            (padded >= kernel).then(|| (padded - kernel) / layer.stride + 1)
        })
    }

    /// A transposed convolution, as it makes masks larger. Its constants are `NODE.weight` and `NODE.bias`.
    pub fn conv_transpose(&mut self, node: &str, x: Value, layer: &Conv) -> Result<Value, Error> {
        self.convolve(node, "ConvTranspose", x, layer, [1, 0], |size, kernel| {
            ((size - 1) * layer.stride + kernel).checked_sub(2 * layer.padding).filter(|&size| size > 0)
        })
    }

    /// Height and width times a whole factor. Positions are those of pixel centres (`half_pixel`).
    pub fn resize(&mut self, node: &str, x: Value, factor: usize, how: Interpolation) -> Result<Value, Error> {
        const OP: &str = "Resize";
        let shape = self.f32_shape(node, OP, x)?;
        if factor == 0 {
            return Err(problem(node, OP, "the factor must be at least 1"));
        }
        let (channels, [height, width]) = image(node, OP, &shape)?;
        let factors = Tensor::f32([4], &[1.0, 1.0, factor as f32, factor as f32])?;
        let scales = self.constant(&format!("{node}.scales"), factors)?;
        let mode = match how {
            Interpolation::Nearest => "nearest",
            Interpolation::Linear => "linear",
        };
        let attributes =
            vec![("mode", Attribute::Text(mode)), ("coordinate_transformation_mode", Attribute::Text("half_pixel"))];
        let sizes = [height * factor, width * factor];
        let output = Shape::new([shape.axes()[0], channels.into(), sizes[0].into(), sizes[1].into()]);
        let value = self.emit(node, OP, &[x], attributes, (Element::F32, output))?;
        // The region of interest, before the scales, is left out.
        self.place_input(2, scales);
        Ok(value)
    }

    fn convolve(
        &mut self,
        node: &str,
        op: &'static str,
        x: Value,
        layer: &Conv,
        [outputs_at, inputs_at]: [usize; 2],
        size_of: impl Fn(usize, usize) -> Option<usize>,
    ) -> Result<Value, Error> {
        let shape = self.f32_shape(node, op, x)?;
        let (channels, sizes) = image(node, op, &shape)?;
        let &[_, _, height, width] = layer.weight.extents() else {
            return Err(problem(node, op, format!("its weight is {}, and must have four axes", layer.weight.shape())));
        };
        let (outputs, inputs) = (layer.weight.extents()[outputs_at], layer.weight.extents()[inputs_at]);
        if inputs != channels {
            return Err(problem(node, op, format!("its weight takes {inputs} channels, and {shape} has {channels}")));
        }
        if layer.stride == 0 {
            return Err(problem(node, op, "the stride must be at least 1"));
        }
        let (Some(rows), Some(columns)) = (size_of(sizes[0], height), size_of(sizes[1], width)) else {
            return Err(problem(node, op, format!("nothing is left of {shape} with a kernel of {height}×{width}")));
        };
        let mut values = vec![x, self.constant(&format!("{node}.weight"), layer.weight.clone())?];
        if let Some(bias) = &layer.bias {
            if bias.extents() != [outputs] {
                return Err(problem(node, op, format!("its bias is {}, and must be [{outputs}]", bias.shape())));
            }
            values.push(self.constant(&format!("{node}.bias"), bias.clone())?);
        }
        let attributes = vec![
            ("kernel_shape", Attribute::Ints(vec![height as i64, width as i64])),
            ("strides", Attribute::Ints(vec![layer.stride as i64; 2])),
            ("pads", Attribute::Ints(vec![layer.padding as i64; 4])),
        ];
        let output = Shape::new([shape.axes()[0], outputs.into(), rows.into(), columns.into()]);
        self.emit(node, op, &values, attributes, (Element::F32, output))
    }
}

/// Channels, and height and width, of what convolutions read.
fn image(node: &str, op: &'static str, shape: &Shape) -> Result<(usize, [usize; 2]), Error> {
    match shape.axes() {
        &[_, Axis::Fixed(_), Axis::Fixed(_), Axis::Fixed(_)] => {
            Ok((extent(node, op, shape, 1)?, [extent(node, op, shape, 2)?, extent(node, op, shape, 3)?]))
        }
        _ => Err(problem(node, op, format!("it reads [batch, channels, height, width], and this is {shape}"))),
    }
}
