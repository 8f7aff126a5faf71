"""A subscriber of edge: digits that appear, of all devices, each once and none that is old news.

    pip install 'paho-mqtt>=2'
    python subscriber.py broker

With a fixed client id and a session that lasts, the broker keeps the events while this script is away.
"""

import json
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.properties import PacketTypes, Properties

REMEMBERED = 10_000
DAY = 24 * 3600

seen: dict[str, None] = {}  # ids of events, oldest first


def on_connect(client, userdata, flags, reason, properties):
    """On each connection anew."""
    client.subscribe("edge/+/digits/event", qos=1)


def on_message(client, userdata, message):
    """For each event, of any device."""
    event = json.loads(message.payload)
    if event["id"] in seen:
        return  # delivered again after a broken connection
    seen[event["id"]] = None
    if len(seen) > REMEMBERED:
        del seen[next(iter(seen))]
    if event.get("late") or event["event_type"] != "new":
        return
    device = message.topic.split("/")[1]
    print(device, event["time"], event["digit"], event["score"], flush=True)


host, _, port = sys.argv[1].partition(":")
session = Properties(PacketTypes.CONNECT)
session.SessionExpiryInterval = DAY
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="digits-of-all", protocol=mqtt.MQTTv5)
client.on_connect = on_connect
client.on_message = on_message
client.connect(host, int(port or 1883), clean_start=False, properties=session)
client.loop_forever()
