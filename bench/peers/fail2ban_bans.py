"""Makes a database of an installed fail2ban with bans that hold, as a server leaves it behind.

usage: fail2ban_bans.py DATABASE JAIL COUNT

Nothing of fail2ban is in here: it is imported from where its package put it, and makes its own tables.
"""

import sys
import time

sys.path.append("/usr/lib/python3/dist-packages")

from fail2ban.server.database import Fail2BanDb  # noqa: E402


def address(number):
    return "45.%d.%d.%d" % (number >> 16 & 255, number >> 8 & 255, number & 255)


def main():
    database, jail, count = sys.argv[1:]
    made = Fail2BanDb(database)
    now = time.time()
    data = '{"matches": [], "failures": 3}'
    rows = [(address(number), jail, now, 86400, 1, data) for number in range(int(count))]
    with made._db as connection:
        connection.execute("INSERT INTO jails(name, enabled) VALUES(?, 1)", (jail,))
        for table in ("bans", "bips"):
            connection.executemany(
                "INSERT INTO %s(ip, jail, timeofban, bantime, bancount, data) VALUES(?, ?, ?, ?, ?, ?)" % table, rows)
    made.close()


main()
