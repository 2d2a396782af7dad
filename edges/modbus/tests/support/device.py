"""A Modbus device by pymodbus. Its one argument says in JSON what it holds:

{"port": 0,                         0 for any
 "units": [{"unit": 1,
            "coil": [[ADDRESS, [true, …]], …], "discrete": …,
            "holding": [[ADDRESS, TYPE, [VALUE, …]], …], "input": …,
            "clock": ADDRESS}]}     input registers that hold milliseconds since "epoch_ms" as UINT32

TYPE is pymodbus' (INT16 … FLOAT64, REGISTERS) or a format of struct, "<d" for instance, whose bytes fill registers.
Prints its port when it listens. Each line it reads changes it: {"delay_ms": N}, {"exception": CODE or null},
{"holes": [[FIRST, LAST], …]} for registers that it no longer has.
"""

import asyncio
import json
import struct
import sys
import time

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

setup = json.loads(sys.argv[1])
state = {"delay_ms": 0, "exception": None, "holes": []}


def registers(address, kind, values):
    if kind in DataType.__members__:
        return SimData(address, values=values, datatype=DataType[kind])
    data = struct.pack(kind[0] + kind[1:] * len(values), *values)
    words = list(struct.unpack(f">{len(data) // 2}H", data))
    return SimData(address, values=words, datatype=DataType.REGISTERS)


def device(unit):
    async def action(function, start, address, count, held, written):
        if state["delay_ms"]:
            await asyncio.sleep(state["delay_ms"] / 1000)
        if state["exception"] is not None:
            return ExcCodes(state["exception"])
        if any(first <= address + count - 1 and address <= last for first, last in state["holes"]):
            return ExcCodes.ILLEGAL_ADDRESS
        if function == 4 and "clock" in unit:
            clock = int(time.time() * 1000) - setup["epoch_ms"]
            at = unit["clock"] - start
            held[at : at + 2] = [clock >> 16 & 0xFFFF, clock & 0xFFFF]
        return None

    bits = [
        [SimData(at, values=values, datatype=DataType.BITS) for at, values in unit.get(table, [[0, [False] * 16]])]
        for table in ("coil", "discrete")
    ]
    nothing = [[65534, "UINT16", [0]]]
    words = [[registers(*entry) for entry in unit.get(table, nothing)] for table in ("holding", "input")]
    return SimDevice(unit["unit"], simdata=(*bits, *words), action=action)


def listen(loop):
    for line in sys.stdin:
        loop.call_soon_threadsafe(state.update, json.loads(line))


async def main():
    devices = [device(unit) for unit in setup["units"]]
    server = ModbusTcpServer(context=devices, address=("127.0.0.1", setup["port"]))
    await server.serve_forever(background=True)
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, listen, loop)
    print(server.transport.sockets[0].getsockname()[1], flush=True)
    await server.serving


asyncio.run(main())
