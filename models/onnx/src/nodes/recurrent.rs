use crate::graph::{Attribute, problem};
use crate::{Axis, Element, Error, Graph, Shape, Tensor, Value};

/// The weights of one LSTM layer with H units and D inputs, in ONNX's form: the rows are four blocks of H, of the gates
/// **i, o, f, c** (input, output, forget, cell).
///
/// ```text
/// i, o, f = σ(W x + R h + b)     c̃ = tanh(W x + R h + b)     c ← f·c + i·c̃     h ← o·tanh(c)
/// ```
#[derive(Debug, Clone)]
pub struct LstmLayer {
    /// W `[4H, D]`.
    pub input: Tensor,
    /// R `[4H, H]`.
    pub recurrent: Tensor,
    /// The bias of W, `[4H]`.
    pub input_bias: Tensor,
    /// The bias of R, `[4H]`. Both biases are added.
    pub recurrent_bias: Tensor,
}

impl LstmLayer {
    /// From weights that multiply from the right, z = x·`input` + h·`recurrent` + `bias`, where the columns are four
    /// blocks of H in the order i, o, f, c: `input` is `[D, 4H]`, `recurrent` `[H, 4H]`, `bias` `[4H]`.
    ///
    /// # Errors
    /// When a weight is no matrix.
    pub fn from_right(input: &Tensor, recurrent: &Tensor, bias: Tensor) -> Result<Self, Error> {
        let zeros = vec![0.0; bias.extents().iter().product()];
        let recurrent_bias = Tensor::f32(bias.extents(), &zeros)?;
        Ok(LstmLayer {
            input: input.transposed()?,
            recurrent: recurrent.transposed()?,
            input_bias: bias,
            recurrent_bias,
        })
    }

    /// H and D, when all of it fits together.
    fn sizes(&self) -> Result<(usize, usize), String> {
        let (&[rows, inputs], &[_, units]) = (self.input.extents(), self.recurrent.extents()) else {
            return Err(format!(
                "W is {} and R is {}, and must be [4H, D] and [4H, H]",
                self.input.shape(),
                self.recurrent.shape()
            ));
        };
        let fits = rows == 4 * units
            && self.recurrent.extents() == [rows, units]
            && self.input_bias.extents() == [rows]
            && self.recurrent_bias.extents() == [rows];
        if !fits {
            return Err(format!(
                "W is {}, R is {}, their biases {} and {}, and must be [4H, D], [4H, H], [4H] and [4H]",
                self.input.shape(),
                self.recurrent.shape(),
                self.input_bias.shape(),
                self.recurrent_bias.shape()
            ));
        }
        Ok((units, inputs))
    }
}

impl Graph {
    /// LSTM layers, one after the other, from the first step to the last: `[batch, steps, D]` becomes
    /// `[batch, steps, H]`, the hidden state after each step. They begin with zeros.
    ///
    /// The operator wants steps first, so that `NODE.steps_first` and `NODE` are transposes; layer `i` is `NODE.i`, its
    /// constants `NODE.i.W`, `NODE.i.R` and `NODE.i.B`.
    pub fn lstm(&mut self, node: &str, x: Value, layers: &[LstmLayer]) -> Result<Value, Error> {
        const OP: &str = "LSTM";
        let shape = self.f32_shape(node, OP, x)?;
        let &[batch, steps, Axis::Fixed(mut inputs)] = shape.axes() else {
            return Err(problem(node, OP, format!("it reads [batch, steps, inputs], and this is {shape}")));
        };
        if layers.is_empty() {
            return Err(problem(node, OP, "it needs a layer"));
        }
        let mut sequence = self.transpose(&format!("{node}.steps_first"), x, &[1, 0, 2])?;
        for (index, layer) in layers.iter().enumerate() {
            let name = format!("{node}.{index}");
            let (units, takes) = layer.sizes().map_err(|text| problem(&name, OP, text))?;
            if takes != inputs {
                return Err(problem(&name, OP, format!("its W takes {takes} inputs, and there are {inputs}")));
            }
            sequence = self.lstm_layer(&name, sequence, layer, units, (steps, batch))?;
            inputs = units;
        }
        self.transpose(node, sequence, &[1, 0, 2])
    }

    /// `[steps, batch, D]` to `[steps, batch, H]`.
    fn lstm_layer(
        &mut self,
        name: &str,
        x: Value,
        layer: &LstmLayer,
        units: usize,
        (steps, batch): (Axis, Axis),
    ) -> Result<Value, Error> {
        let direction = |tensor: &Tensor| {
            let extents: Vec<usize> = [1].iter().chain(tensor.extents()).copied().collect();
            tensor.clone().reshaped(extents)
        };
        let weight = self.constant(&format!("{name}.W"), direction(&layer.input))?;
        let recurrent = self.constant(&format!("{name}.R"), direction(&layer.recurrent))?;
        let both = Tensor {
            element: Element::F32,
            extents: vec![1, 8 * units],
            bytes: [layer.input_bias.bytes.as_slice(), &layer.recurrent_bias.bytes].concat(),
        };
        let bias = self.constant(&format!("{name}.B"), both)?;
        let output = Shape::new([steps, 1.into(), batch, units.into()]);
        let attributes = vec![("direction", Attribute::Text("forward")), ("hidden_size", Attribute::Int(units as i64))];
        let inputs = [x, weight, recurrent, bias];
        let every_step = self.emit(name, "LSTM", &inputs, attributes, (Element::F32, output))?;
        // The axis of directions.
        self.squeeze(&format!("{name}.hidden"), every_step, 1)
    }
}
