"""Asks a server with asyncua what a client would, and prints the answers as one line of JSON."""

import argparse
import asyncio
import json
import logging
import pathlib

from asyncua import Client, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from cryptography.x509.oid import ExtendedKeyUsageOID

arguments = argparse.ArgumentParser()
arguments.add_argument("url")
arguments.add_argument("--pki", type=pathlib.Path)
arguments.add_argument("--server-certificate", type=pathlib.Path)
arguments.add_argument("--user")
arguments.add_argument("--password")
arguments.add_argument("--write", nargs=2, action="append", default=[], metavar=("NODE", "VALUE"))
arguments.add_argument("--read", action="append", default=[])
arguments.add_argument("--watch", help="a node whose values are gathered until as many as --values came")
arguments.add_argument("--values", type=int, default=0)
arguments = arguments.parse_args()
logging.disable(logging.CRITICAL)

URI = "urn:lehr:test:client"


class Watch:
    def __init__(self):
        self.values = asyncio.Queue()

    def datachange_notification(self, node, value, data):
        self.values.put_nowait(value)


async def tree(node):
    found = {}
    for child in await node.get_children(refs=ua.ObjectIds.HierarchicalReferences):
        if child.nodeid.NamespaceIndex == 0:
            continue
        name = (await child.read_browse_name()).Name
        if await child.read_node_class() == ua.NodeClass.Variable:
            found[name] = {}
            for label, read in [
                ("unit", lambda value: value.DisplayName.Text),
                ("range", lambda value: [value.Low, value.High]),
            ]:
                try:
                    prop = await child.get_child(f"0:{'EngineeringUnits' if label == 'unit' else 'EURange'}")
                    found[name][label] = read(await prop.read_value())
                except ua.UaStatusCodeError:
                    pass
        else:
            found[name] = await tree(child)
    return found


async def main():
    client = Client(arguments.url, timeout=20)
    client.application_uri = URI
    if arguments.pki:
        pki = arguments.pki
        pki.mkdir(parents=True, exist_ok=True)
        await setup_self_signed_certificate(
            pki / "client.pem", pki / "client.der", URI, "127.0.0.1", [ExtendedKeyUsageOID.CLIENT_AUTH],
            {"commonName": "lehr test client"},
        )
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            certificate=pki / "client.der",
            private_key=pki / "client.pem",
            server_certificate=arguments.server_certificate,
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )
    if arguments.user:
        client.set_user(arguments.user)
        client.set_password(arguments.password)
    answers = {"writes": [], "reads": []}
    async with client:
        answers["tree"] = await tree(client.nodes.objects)
        for name, value in arguments.write:
            try:
                await client.get_node(name).write_value(ua.DataValue(ua.Variant(float(value))))
                answers["writes"].append("Good")
            except ua.UaStatusCodeError as error:
                answers["writes"].append(type(error).__name__)
        for name in arguments.read:
            value = await client.get_node(name).read_data_value(raise_on_bad_status=False)
            time = value.SourceTimestamp
            answers["reads"].append(
                {
                    "value": value.Value.Value,
                    "status": value.StatusCode.name,
                    "time": time and time.isoformat(timespec="milliseconds"),
                }
            )
        if arguments.watch:
            watch = Watch()
            subscription = await client.create_subscription(50, watch)
            await subscription.subscribe_data_change(client.get_node(arguments.watch), queuesize=1000, sampling_interval=0)
            print(json.dumps({"watching": True}), flush=True)
            answers["watched"] = [await watch.values.get() for _ in range(arguments.values)]
    print(json.dumps(answers), flush=True)


asyncio.run(main())
