"""A first-order kiln as a unit of FMI 3.0, made by the tests' set-up with PythonFMU3."""

from pythonfmu3 import Boolean, Fmi3Causality, Fmi3Slave, Fmi3Variability, Float64, Int32


class kiln3(Fmi3Slave):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.time = 0.0
        self.u = 20.0
        self.burners = 1
        self.open = False
        self.lag = 600.0
        self.T = 20.0
        self.firing = 0
        self.hot = False
        self.register_variable(Float64("time", causality=Fmi3Causality.independent))
        self.register_variable(Float64("u", causality=Fmi3Causality.input))
        self.register_variable(Int32("burners", causality=Fmi3Causality.input))
        self.register_variable(Boolean("open", causality=Fmi3Causality.input))
        self.register_variable(Float64("lag", causality=Fmi3Causality.parameter, variability=Fmi3Variability.fixed))
        self.register_variable(Float64("T", causality=Fmi3Causality.output))
        self.register_variable(Int32("firing", causality=Fmi3Causality.output))
        self.register_variable(Boolean("hot", causality=Fmi3Causality.output))

    def do_step(self, current_time, step_size):
        goal = 20.0 if self.open else self.u
        self.T += (goal - self.T) * step_size / self.lag
        self.firing += self.burners
        self.hot = self.T > 250.0
        return True
