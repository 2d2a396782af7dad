"""A plant as an asyncua server: variables that stand still, and counters that tick.

Prints a line of JSON when it listens, and one for each command read: "tick" and "pause" say the last tick that was written.
At K periods after 1970 a counter has the value 1 + K modulo a million, one tick after the other, whatever the load.
"""

import argparse
import asyncio
import datetime
import json
import logging
import pathlib
import sys
import time

from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.uacrypto import load_certificate
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

arguments = argparse.ArgumentParser()
arguments.add_argument("--port", type=int, required=True)
arguments.add_argument("--pki", type=pathlib.Path)
arguments.add_argument("--at", type=int, default=0, help="source time of the variables that stand still, ms")
arguments.add_argument("--counters", type=int, default=0)
arguments.add_argument("--period", type=int, default=100, help="ms")
arguments.add_argument("--login", action="store_true", help="only operator/s3cret, or the certificate user.der in pki")
arguments = arguments.parse_args()
logging.disable(logging.CRITICAL)

URI = "urn:lehr:test"
APPLICATION = "urn:lehr:test:server"


def at(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).replace(tzinfo=None)


def say(**what):
    print(json.dumps(what), flush=True)


def der(certificate):
    return certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER)


class Users:
    def __init__(self, certificate):
        self.certificate = certificate

    def get_user(self, iserver, username=None, password=None, certificate=None):
        if not arguments.login:
            return User(role=UserRole.User)
        if username == "operator" and password == "s3cret":
            return User(role=UserRole.User)
        if certificate is not None and der(certificate) == der(self.certificate):
            return User(role=UserRole.User)
        return None


async def certificates():
    pki = arguments.pki
    pki.mkdir(parents=True, exist_ok=True)
    for name, uri in [("server", APPLICATION), ("user", "urn:lehr:user")]:
        await setup_self_signed_certificate(
            pki / f"{name}.pem",
            pki / f"{name}.der",
            uri,
            "127.0.0.1",
            [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
            {"commonName": f"lehr test {name}"},
        )


async def still(server, index):
    """One variable of each kind, and a line with units."""
    objects = server.nodes.objects
    types = ua.VariantType
    for name, value, kind, status in [
        ("double", 1234.5, types.Double, 0),
        ("float", 0.5, types.Float, 0),
        ("int", -7, types.Int32, 0),
        ("word", 65000, types.UInt16, 0),
        ("bool", True, types.Boolean, 0),
        ("uncertain", 3.0, types.Double, ua.StatusCodes.UncertainLastUsableValue),
        ("bad", 4.0, types.Double, ua.StatusCodes.BadNotConnected),
        ("array", [10.0, 20.0, 30.0], types.Double, 0),
        ("text", "hot", types.String, 0),
    ]:
        node = await objects.add_variable(ua.NodeId(name, index), f"{index}:{name}", value, kind)
        await server.write_attribute_value(
            node.nodeid,
            ua.DataValue(ua.Variant(value, kind), ua.StatusCode(status), SourceTimestamp=at(arguments.at)),
        )
    line = await objects.add_folder(ua.NodeId("folder", index), f"{index}:Line_A")
    for name, unit in [("furnace_temperature", "°F"), ("belt_speed", "m/s"), ("nothing_we_know", "bar")]:
        node = await line.add_variable(ua.NodeId(f"Line_A/{name}", index), f"{index}:{name}", 1.0)
        unit = ua.EUInformation(DisplayName=ua.LocalizedText(unit), UnitId=-1)
        await node.add_property(ua.NodeId(f"{name}/unit", index), "0:EngineeringUnits", unit)


class Counters:
    def __init__(self, server, nodes):
        self.server, self.nodes = server, nodes
        self.tick = int(time.time() * 1000) // arguments.period
        self.written = self.tick
        self.going = True
        self.paused = asyncio.Event()

    async def run(self):
        while self.going:
            self.tick += 1
            due = self.tick * arguments.period / 1000
            await asyncio.sleep(max(0, due - time.time()))
            value = ua.DataValue(ua.Variant(float(1 + self.tick % 1_000_000)), SourceTimestamp=at(self.tick * arguments.period))
            for node in self.nodes:
                await self.server.write_attribute_value(node, value)
            self.written = self.tick
        self.paused.set()


async def commands():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().strip()


async def main():
    certificate = None
    if arguments.pki:
        await certificates()
        certificate = await load_certificate(arguments.pki / "user.der")
    server = Server(user_manager=Users(certificate))
    await server.init()
    server.set_server_name("Lehr test plant")
    await server.set_application_uri(APPLICATION)
    server.set_endpoint(f"opc.tcp://127.0.0.1:{arguments.port}/")
    policies = [ua.SecurityPolicyType.NoSecurity]
    if arguments.pki:
        policies.append(ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt)
        await server.load_certificate(arguments.pki / "server.der")
        await server.load_private_key(arguments.pki / "server.pem")
    server.set_security_policy(policies)
    if arguments.login:
        server.set_identity_tokens([ua.UserNameIdentityToken, ua.X509IdentityToken])
    index = await server.register_namespace(URI)
    await still(server, index)
    nodes = []
    for number in range(arguments.counters):
        node = await server.nodes.objects.add_variable(ua.NodeId(f"c{number}", index), f"{index}:c{number}", 0.0)
        nodes.append(node.nodeid)
    counters = Counters(server, nodes)
    async with server:
        running = asyncio.create_task(counters.run())
        say(ready=arguments.port, index=index)
        async for command in commands():
            if command == "pause":
                counters.going = False
                await counters.paused.wait()
                say(tick=counters.written)
            elif command == "tick":
                say(tick=counters.written)
        running.cancel()


asyncio.run(main())
