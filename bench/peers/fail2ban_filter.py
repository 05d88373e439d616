"""Feeds a log to the filter of an installed fail2ban, line by line, and prints what it found.

usage: fail2ban_filter.py nginx|traefik LOG

Nothing of fail2ban is in here: it is imported from where its package put it. The filter does what it does for a jail
(find the date, match, count, ban), without a jail's actions.
"""

import logging
import sys
import time

sys.path.append("/usr/lib/python3/dist-packages")

from fail2ban.server.filter import Filter  # noqa: E402

PROBES = (
    r"^<HOST> \S+ \S+ \[\] \"[A-Z]+ /(?:wp-admin|wp-login\.php|xmlrpc\.php|\.env|\.git/|\.aws/|\.ssh/|phpmyadmin"
    r"|manager/html|admin\.php|config\.php|setup\.php|shell\.php|eval\.php|boaform/)"
)

# Fields of a Traefik line in their order, and which of them are strings.
BEFORE_STATUS = ["ClientPort*", "ClientUsername*", "DownstreamContentSize", "DownstreamStatus", "Duration",
                 "OriginContentSize", "OriginDuration"]
BEFORE_PATH = ["Overhead", "RequestAddr*", "RequestContentSize", "RequestCount", "RequestHost*", "RequestMethod*"]
BEHIND_PATH = ["RequestPort*", "RequestProtocol*", "RequestScheme*", "RetryAttempts"]
AT_END = ["StartUTC*", "TLSCipher*", "TLSVersion*", "entryPointName*", "level*", "msg*", "request_User-Agent*", "time*"]


def field(name, value=".*"):
    """One field whose value is a named group, as guides for Traefik write it."""
    text = name.endswith("*")
    name = name.rstrip("*")
    tag = "F-" + "".join(c for c in name if c.isalpha()).upper()
    group = "<%s>%s</%s>" % (tag, value, tag)
    return '"%s":"%s"' % (name, group) if text else '"%s":%s' % (name, group)


def traefik(path):
    parts = [field("ClientAddr*"), '"ClientHost":"<HOST>"']
    parts += [field(name) for name in BEFORE_STATUS]
    parts += ['"OriginStatus":(405|404|403|402|401)']
    parts += [field(name) for name in BEFORE_PATH] + [field("RequestPath*", path)]
    parts += [field(name) for name in BEHIND_PATH]
    # The date is cut out of StartLocal.
    return "^{" + ",".join(parts) + ",.*" + ",".join(field(name) for name in AT_END) + "}$"


class Bans:
    """What a filter needs of a jail: somewhere to put its bans."""

    name = "bench"
    database = None
    actions = None

    def __init__(self):
        self.count = 0

    def putFailTicket(self, ticket):
        self.count += 1


def main():
    kind, log = sys.argv[1:]
    logging.getLogger("fail2ban").setLevel(logging.CRITICAL)
    jail = Bans()
    fail_filter = Filter(jail, "no")
    fail_filter.checkFindTime = False
    if kind == "nginx":
        fail_filter.setDatePattern(r"^[^\[]*\[({DATE})")
        fail_filter.addFailRegex(PROBES)
        fail_filter.setMaxRetry(3)
    else:
        fail_filter.setDatePattern(r'"StartLocal"\s*:\s*"%Y-%m-%d[T]%H:%M:%S\.%f\d*(%z)?",')
        fail_filter.addFailRegex(traefik(".*"))
        fail_filter.addIgnoreRegex(traefik(r".*(\.png|\.txt|\.jpg|\.ico|\.js|\.css|\.ttf|\.woff|\.woff2)(/)*?"))
        fail_filter.setMaxRetry(15)
    lines = 0
    started = time.process_time()
    with open(log, encoding="utf-8", errors="replace") as text:
        for line in text:
            fail_filter.processLineAndAdd(line.rstrip("\r\n"))
            lines += 1
    seconds = time.process_time() - started
    print("lines=%d failures=%d bans=%d seconds=%.3f" % (lines, fail_filter.failManager.getFailTotal(), jail.count,
                                                        seconds), file=sys.stderr)


if __name__ == "__main__":
    main()
