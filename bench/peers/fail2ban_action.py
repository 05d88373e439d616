"""Bans addresses by an action of an installed fail2ban, one after the other as its jails do, and prints the seconds that took.

usage: fail2ban_action.py ACTION COUNT

Nothing of fail2ban is in here: it is imported from where its package put it, and its action file says what is run.
"""

import logging
import sys
import time

sys.path.append("/usr/lib/python3/dist-packages")

from fail2ban.client.actionreader import ActionReader  # noqa: E402
from fail2ban.server.action import CommandAction  # noqa: E402

BASE = "/etc/fail2ban"
PORTS = "80,8080"


def action(name):
    """The action as a jail would make it from the package's file."""
    reader = ActionReader(name, "bench", {"type": "multiport", "port": PORTS, "protocol": "tcp"}, basedir=BASE)
    reader.setBaseDir(BASE)
    if not reader.read():
        sys.exit("fail2ban_action.py: no action %s in %s/action.d" % (name, BASE))
    reader.getOptions({})
    made = CommandAction(None, name)
    for command in reader.convert():
        if command[0] == "set" and len(command) == 6 and command[2] == "action":
            setattr(made, command[4], command[5])
        elif command[0] == "multi-set":
            for key, value in command[4]:
                setattr(made, key, value)
    return made


def address(number):
    return "11.%d.%d.%d" % (number >> 16 & 255, number >> 8 & 255, number & 255)


def main():
    logging.basicConfig(level=logging.ERROR)
    made = action(sys.argv[1])
    begin = time.monotonic()
    made.start()
    for number in range(int(sys.argv[2])):
        made.ban({"ip": address(number), "family": "inet4", "bantime": 86400, "failures": 3, "time": time.time(), "matches": ""})
    print("%.1f" % (time.monotonic() - begin))


main()
