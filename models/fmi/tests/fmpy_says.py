"""What FMPy says of a unit, asked for in JSON on standard input: the tests hold Lehr's runs against it.

describe: the variables. Otherwise: the outputs at every multiple of `step` up to `stop`, with `start_values` set before
the beginning and `inputs` held from each multiple of `held` on."""

import json
import sys

import fmpy
import numpy as np

ask = json.load(sys.stdin)


def describe():
    said = fmpy.read_model_description(ask["unit"], validate=False)
    number = lambda value: None if value is None else float(value)
    return [
        {
            "name": v.name,
            "reference": v.valueReference,
            "type": {"Real": "Float64", "Integer": "Int32"}.get(v.type, v.type),
            "causality": v.causality,
            "unit": v.unit or v.declaredType and v.declaredType.unit or None,
            "min": number(v.min or v.declaredType and v.declaredType.min),
            "max": number(v.max or v.declaredType and v.declaredType.max),
            "array": bool(v.dimensions),
        }
        for v in said.modelVariables
    ]


def simulate():
    inputs, held, stop = ask["inputs"], ask["held"], ask["stop"]
    signals = None
    if inputs:
        dtype = [("time", float)] + [(name, {"real": float, "int": np.int32, "bool": bool}[i["type"]]) for name, i in inputs.items()]
        rows = []
        for n, row in enumerate(zip(*(i["values"] for i in inputs.values()))):
            # Two rows at one time make a step of it.
            rows += [(n * held, *row), ((n + 1) * held, *row)]
        signals = np.array(rows, dtype=dtype)
    result = fmpy.simulate_fmu(
        ask["unit"],
        validate=False,
        fmi_type="CoSimulation",
        start_time=0.0,
        stop_time=stop,
        output_interval=ask["step"],
        start_values=ask["start_values"],
        input=signals,
        output=ask["outputs"],
        set_stop_time=False,
    )
    times = np.arange(1, round(stop / ask["step"]) + 1) * ask["step"]
    rows = []
    for time in times:
        at = np.flatnonzero(np.isclose(result["time"], time, rtol=1e-12, atol=1e-9))
        rows.append([float(result[name][at[0]]) for name in ask["outputs"]])
    return rows


answer = describe() if ask.get("describe") else simulate()
print("\n" + json.dumps(answer))
