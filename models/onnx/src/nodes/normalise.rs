use crate::graph::{Attribute, extent, problem};
use crate::{Element, Error, Graph, Tensor, Value};

impl Graph {
    /// Shifts and scales each row of the last axis to mean 0 and variance 1, then by `gain` and `bias`, both of the last
    /// axis's extent. Its constants are `NODE.gain` and `NODE.bias`.
    pub fn layer_normalization(
        &mut self,
        node: &str,
        x: Value,
        gain: &Tensor,
        bias: &Tensor,
        epsilon: f32,
    ) -> Result<Value, Error> {
        const OP: &str = "LayerNormalization";
        let shape = self.f32_shape(node, OP, x)?;
        let axis = shape.rank().saturating_sub(1);
        let width = extent(node, OP, &shape, axis)?;
        if gain.extents() != [width] || bias.extents() != [width] {
            let text = format!("gain is {} and bias {}, and must be [{width}]", gain.shape(), bias.shape());
            return Err(problem(node, OP, text));
        }
        let gain = self.constant(&format!("{node}.gain"), gain.clone())?;
        let bias = self.constant(&format!("{node}.bias"), bias.clone())?;
        let attributes = vec![("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(epsilon))];
        self.emit(node, OP, &[x, gain, bias], attributes, (Element::F32, shape))
    }
}
