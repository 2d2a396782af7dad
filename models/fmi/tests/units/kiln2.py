"""A first-order kiln as a unit of FMI 2.0, made by the tests' set-up with PythonFMU."""

from pythonfmu import Boolean, Fmi2Causality, Fmi2Slave, Fmi2Variability, Integer, Real


class kiln2(Fmi2Slave):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.u = 20.0
        self.burners = 1
        self.open = False
        self.lag = 600.0
        self.T = 20.0
        self.firing = 0
        self.hot = False
        self.register_variable(Real("u", causality=Fmi2Causality.input))
        self.register_variable(Integer("burners", causality=Fmi2Causality.input))
        self.register_variable(Boolean("open", causality=Fmi2Causality.input))
        self.register_variable(Real("lag", causality=Fmi2Causality.parameter, variability=Fmi2Variability.fixed))
        self.register_variable(Real("T", causality=Fmi2Causality.output))
        self.register_variable(Integer("firing", causality=Fmi2Causality.output))
        self.register_variable(Boolean("hot", causality=Fmi2Causality.output))

    def do_step(self, current_time, step_size):
        goal = 20.0 if self.open else self.u
        self.T += (goal - self.T) * step_size / self.lag
        self.firing += self.burners
        self.hot = self.T > 250.0
        return True
