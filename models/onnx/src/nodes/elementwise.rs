use crate::graph::{Attribute, problem};
use crate::{Element, Error, Graph, Opset, Value};

/// A method for each operator of one f32 value whose shape it keeps.
macro_rules! unary {
    ($($(#[$doc:meta])* $method:ident = $op:literal;)*) => {
        impl Graph {
            $($(#[$doc])*
            pub fn $method(&mut self, node: &str, x: Value) -> Result<Value, Error> {
                self.unary(node, $op, x, vec![])
            })*
        }
    };
}

/// A method for each operator of two f32 values that broadcast.
macro_rules! binary {
    ($($(#[$doc:meta])* $method:ident = $op:literal;)*) => {
        impl Graph {
            $($(#[$doc])*
            pub fn $method(&mut self, node: &str, left: Value, right: Value) -> Result<Value, Error> {
                self.binary(node, $op, left, right, Element::F32)
            })*
        }
    };
}

/// A method for each comparison of two f32 values that broadcast.
macro_rules! comparison {
    ($($(#[$doc:meta])* $method:ident = $op:literal;)*) => {
        impl Graph {
            $($(#[$doc])*
            pub fn $method(&mut self, node: &str, left: Value, right: Value) -> Result<Value, Error> {
                self.binary(node, $op, left, right, Element::Bool)
            })*
        }
    };
}

unary! {
    tanh = "Tanh";
    /// 1 / (1 + e^−x).
    sigmoid = "Sigmoid";
    /// max(0, x).
    relu = "Relu";
    exp = "Exp";
    /// The natural logarithm.
    log = "Log";
    sqrt = "Sqrt";
    abs = "Abs";
    /// −x.
    neg = "Neg";
    /// The error function.
    erf = "Erf";
}

binary! {
    add = "Add";
    sub = "Sub";
    mul = "Mul";
    div = "Div";
}

comparison! {
    /// Where left > right.
    greater = "Greater";
    /// Where left < right.
    less = "Less";
    equal = "Equal";
}

impl Graph {
    /// x where it is positive, `slope`·x where it is not.
    pub fn leaky_relu(&mut self, node: &str, x: Value, slope: f32) -> Result<Value, Error> {
        self.unary(node, "LeakyRelu", x, vec![("alpha", Attribute::Float(slope))])
    }

    /// x where it is positive, e^x − 1 where it is not.
    pub fn elu(&mut self, node: &str, x: Value) -> Result<Value, Error> {
        self.unary(node, "Elu", x, vec![("alpha", Attribute::Float(1.0))])
    }

    /// x·Φ(x) with the exact error function. Needs [`Opset::V20`].
    pub fn gelu(&mut self, node: &str, x: Value) -> Result<Value, Error> {
        if self.opset != Opset::V20 {
            return Err(problem(node, "Gelu", "it needs opset 20: make the graph with Opset::V20"));
        }
        self.unary(node, "Gelu", x, vec![])
    }

    /// `left` where the condition holds, `right` where it does not; all three broadcast.
    pub fn where_(&mut self, node: &str, condition: Value, left: Value, right: Value) -> Result<Value, Error> {
        const OP: &str = "Where";
        let known = self.known(node, OP, condition)?;
        if known.element != Element::Bool {
            let text = format!("the condition {} is {}, and must be bool", known.name, known.element);
            return Err(problem(node, OP, text));
        }
        let condition_shape = known.shape.clone();
        let (left_shape, right_shape) = (self.f32_shape(node, OP, left)?, self.f32_shape(node, OP, right)?);
        let shape = left_shape
            .broadcast(&right_shape)
            .and_then(|shape| shape.broadcast(&condition_shape))
            .map_err(|text| problem(node, OP, text))?;
        self.emit(node, OP, &[condition, left, right], vec![], (Element::F32, shape))
    }

    /// The value itself, under another name.
    pub fn identity(&mut self, node: &str, x: Value) -> Result<Value, Error> {
        let known = self.known(node, "Identity", x)?;
        let output = (known.element, known.shape.clone());
        self.emit(node, "Identity", &[x], vec![], output)
    }

    fn unary(
        &mut self,
        node: &str,
        op: &'static str,
        x: Value,
        attributes: Vec<(&'static str, Attribute)>,
    ) -> Result<Value, Error> {
        let shape = self.f32_shape(node, op, x)?;
        self.emit(node, op, &[x], attributes, (Element::F32, shape))
    }

    fn binary(
        &mut self,
        node: &str,
        op: &'static str,
        left: Value,
        right: Value,
        element: Element,
    ) -> Result<Value, Error> {
        let shape = self
            .f32_shape(node, op, left)?
            .broadcast(&self.f32_shape(node, op, right)?)
            .map_err(|text| problem(node, op, text))?;
        self.emit(node, op, &[left, right], vec![], (element, shape))
    }
}
