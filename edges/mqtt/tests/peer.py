"""Another implementation, for the tests: paho-mqtt for plain MQTT, pysparkplug for Sparkplug B.

Tells what happens on standard output, one JSON object a line; is told what to do on standard input.
"""

import json
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions


def say(**what):
    print(json.dumps(what), flush=True)


def publish(port, topic, count, version, per_second):
    """Numbers 0 to count - 1 as JSON with their time, QoS 1, over whatever happens to the connection."""
    protocol = mqtt.MQTTv5 if version == 5 else mqtt.MQTTv311
    clean = {} if version == 5 else {"clean_session": False}
    client = mqtt.Client("load", protocol=protocol, **clean)
    client.max_inflight_messages_set(100)
    client.max_queued_messages_set(0)
    client.reconnect_delay_set(0.1, 0.3)
    if version == 5:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    else:
        client.connect("127.0.0.1", port)
    client.loop_start()
    began = time.monotonic()
    first = int(time.time() * 1000) - count
    published = []
    for number in range(count):
        published.append(client.publish(topic, json.dumps({"n": number, "t": first + number}), qos=1))
        ahead = number / per_second - (time.monotonic() - began)
        if ahead > 0.002:
            time.sleep(ahead)
    said = time.monotonic()
    while left := sum(not message.is_published() for message in published):
        if time.monotonic() > said + 5:
            said = time.monotonic()
            say(unacknowledged=left)
        time.sleep(0.02)
    say(done=count)
    client.disconnect()
    client.loop_stop()


def listen(port, topic, session):
    """All messages, with flags as they were published."""
    client = mqtt.Client(session, protocol=mqtt.MQTTv5)

    def on_connect(client, *_):
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        client.subscribe(topic, options=options)

    def on_message(_client, _data, message):
        say(topic=message.topic, payload=message.payload.hex(), qos=message.qos, retain=bool(message.retain))

    client.on_connect = on_connect
    client.on_subscribe = lambda *_: say(subscribed=topic)
    client.on_message = on_message
    client.reconnect_delay_set(0.1, 0.3)
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    client.loop_forever(retry_first_connection=True)


def sparkplug(port):
    """Decodes what edge nodes say, and sends commands: `node metric value`, `device metric value`."""
    import pysparkplug as spb

    client = spb.Client("spb-host")

    def heard(_client, message):
        payload = message.payload
        metrics = [
            dict(name=m.name, alias=m.alias, value=m.value, timestamp=m.timestamp, datatype=m.datatype.name)
            for m in getattr(payload, "metrics", [])
        ]
        bd_seq = getattr(getattr(payload, "bd_seq_metric", None), "value", None)
        kind = message.topic.message_type.name
        device = message.topic.device_id
        say(kind=kind, device=device, seq=getattr(payload, "seq", None), bd_seq=bd_seq, metrics=metrics)

    for kind in ("NBIRTH", "NDEATH", "NDATA"):
        topic = spb.Topic(message_type=spb.MessageType[kind], group_id="Plant", edge_node_id="Lehr")
        client.subscribe(topic, spb.QoS.AT_LEAST_ONCE, heard)
    for kind in ("DBIRTH", "DDEATH", "DDATA"):
        topic = spb.Topic(
            message_type=spb.MessageType[kind], group_id="Plant", edge_node_id="Lehr", device_id="Furnace"
        )
        client.subscribe(topic, spb.QoS.AT_LEAST_ONCE, heard)
    client.connect("127.0.0.1", port=port, blocking=False, callback=lambda _: say(connected=True))
    for line in sys.stdin:
        kind, metric, value = line.strip().split("|")
        now = int(time.time() * 1000)
        if kind == "node":
            topic = spb.Topic(message_type=spb.MessageType.NCMD, group_id="Plant", edge_node_id="Lehr")
            metrics = (spb.Metric(now, metric, spb.DataType.BOOLEAN, value=value == "true"),)
            payload = spb.NCmd(timestamp=now, metrics=metrics)
        else:
            topic = spb.Topic(
                message_type=spb.MessageType.DCMD, group_id="Plant", edge_node_id="Lehr", device_id="Furnace"
            )
            metrics = (spb.Metric(now, metric, spb.DataType.DOUBLE, value=float(value)),)
            payload = spb.DCmd(timestamp=now, metrics=metrics)
        client.publish(spb.Message(topic, payload, spb.QoS.AT_MOST_ONCE, False), include_dtypes=True)


def edge(port):
    """An edge node with a device: `device value`, `node value`, `drop`; born anew when a host asks."""
    import pysparkplug as spb

    def metric(name, value, at=None):
        return spb.Metric(at or int(time.time() * 1000), name, spb.DataType.DOUBLE, value=value)

    def commanded(_node, message):
        names = [m.name for m in message.payload.metrics]
        say(commanded=names, values=[m.value for m in message.payload.metrics])

    node = spb.EdgeNode("Plant", "Kiln", (metric("Load", 0.5),), spb.Client("kiln"), commanded)
    counter = spb.Metric(int(time.time() * 1000), "Count", spb.DataType.INT32, value=-7)
    device = spb.Device("Crown", (metric("Temperature", 1500.0), counter))
    node.register(device)
    node.connect("127.0.0.1", port=port)
    for line in sys.stdin:
        what, _, rest = line.strip().partition(" ")
        if what == "device":
            value, at = rest.split()
            node.update_device("Crown", (metric("Temperature", float(value), int(at)),))
        elif what == "count":
            now = int(time.time() * 1000)
            node.update_device("Crown", (spb.Metric(now, "Count", spb.DataType.INT32, value=int(rest)),))
        elif what == "node":
            node.update((metric("Load", float(rest)),))
        elif what == "skip":
            # A message that never arrives.
            next(node._EdgeNode__seq_cycler)
        elif what == "drop":
            node.deregister("Crown")
        elif what == "again":
            node.disconnect()
            node.connect("127.0.0.1", port=port)
        say(did=what)


if __name__ == "__main__":
    what, port = sys.argv[1], int(sys.argv[2])
    if what == "publish":
        publish(port, sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6]))
    elif what == "listen":
        listen(port, sys.argv[3], sys.argv[4])
    elif what == "sparkplug":
        sparkplug(port)
    elif what == "edge":
        edge(port)
