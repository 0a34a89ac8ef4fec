"""Writes and reads a rosbag with the rosbags library, without the project's code.

    rosbag.py write FILE   writes a drive of ten seconds: text, positions and incompressible pictures
    rosbag.py read FILE    prints a line of JSON for each message
"""

import hashlib
import json
import random
import sys
from pathlib import Path

import numpy
from rosbags.rosbag1 import Reader, Writer
from rosbags.typesys import Stores, get_typestore

types = get_typestore(Stores.ROS1_NOETIC)


def write(path: Path) -> None:
    chance = random.Random(1)
    std, geometry = "std_msgs/msg/", "geometry_msgs/msg/"
    make = {
        name: types.types[name]
        for name in (
            f"{std}Header",
            f"{std}String",
            f"{geometry}Point",
            "builtin_interfaces/msg/Time",
            "sensor_msgs/msg/Image",
        )
    }
    bag = Writer(path)
    bag.set_compression(Writer.CompressionFormat.LZ4)
    with bag:
        topics = {
            "/log": f"{std}String",
            "/position": f"{geometry}Point",
            "/camera/front": "sensor_msgs/msg/Image",
        }
        connections = {topic: bag.add_connection(topic, kind, typestore=types) for topic, kind in topics.items()}

        def put(topic: str, time: int, **fields: object) -> None:
            message = make[topics[topic]](**fields)
            bag.write(connections[topic], time, types.serialize_ros1(message, topics[topic]))

        for number in range(200):
            time = 1_700_000_000_000_000_000 + number * 50_000_001
            put("/log", time, data=f"step {number}: Übergang über die Straße\n")
            put("/position", time, x=number / 7, y=-number / 3, z=chance.random())
            if number % 5 == 0:
                stamp = make["builtin_interfaces/msg/Time"](sec=time // 10**9, nanosec=time % 10**9)
                header = make[f"{std}Header"](seq=number, stamp=stamp, frame_id="front")
                pixels = numpy.frombuffer(chance.randbytes(640 * 480 * 3), dtype=numpy.uint8)
                picture = {"height": 480, "width": 640, "encoding": "rgb8", "is_bigendian": 0, "step": 640 * 3}
                put("/camera/front", time, header=header, data=pixels, **picture)


def read(path: Path) -> None:
    with Reader(path) as bag:
        for connection, time, raw in bag.messages():
            message = types.deserialize_ros1(raw, connection.msgtype)
            line = {"topic": connection.topic, "type": connection.msgtype, "time": str(time)}
            line["sha256"] = hashlib.sha256(raw).hexdigest()
            line["data"] = message.data if connection.topic == "/log" else None
            print(json.dumps(line))


{"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]))
