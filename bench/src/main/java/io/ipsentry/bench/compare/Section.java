package io.ipsentry.bench.compare;

import java.util.Locale;

/**
 * A chapter of the report: one table, one chart. The texts say what was done and hold no number
 * that was measured.
 */
enum Section {
  LINES(
      "lines",
      "Lines a second",
      """
      The same made-up log of an hour, on one core, by processor time (user and system) of the whole process, less that of the same command on the first line alone. Slow
      programs get the first lines of the log only. The work is the same as far as the programs allow: find the client of each line, look for the fifteen paths of the pack
      `default` (or, in Traefik's JSON, a status from 401 to 405 that is not for a static file), count, and decide on bans. GNU grep -E only finds the lines: it is the limit.
      fail2ban: its `Filter` and one anchored expression. CrowdSec: its own parsers for nginx and Traefik and one scenario, `crowdsec -dsn file://…`.\
      """),
  ANSWERED(
      "answered",
      "A prober: requests answered",
      """
      A real nginx in a network namespace, a client in another that asks for `/.env` at a steady rate, each time over a new connection. The third request is one too many
      (threshold 3). What is counted are the answers with which nginx served the client before it was shut out; a refusal (403) counts as none. *By log*: the access log is read
      and the kernel drops the client's packets. *Inline*: nginx asks by `auth_request` before it answers. fail2ban: its action `iptables-ipset`. CrowdSec: agent, local API
      and its firewall bouncer (nftables), which asks for decisions every 10 s as its package has it; and once more with every second. An address of its own for each
      round, and one round before that is not counted.\
      """),
  BAN(
      "ban",
      "A prober: time to ban",
      """
      The same runs: from the third answer, the one that is too much, to the last answer. At a rate of 10 a second nothing below 100 ms can be seen, at 1,000 a second nothing
      below 1 ms. Inline the third request is refused itself, so that nothing is left to measure.\
      """),
  WEB(
      "web",
      "Web throughput behind bans",
      """
      What bans cost those who are not banned: requests a second of wrk through a pair of virtual interfaces to nginx, which answers two bytes from memory, as a share of the same
      without any firewall. A page that takes any work hides this cost, and here it is as large as it can be: nginx and wrk share one core, before all other work, so that none of it falls into a time in which
      something waits. Sites take turns in slices of a tenth of a second, each between two of the bare site, forth and back; a round is the median of four. *No firewall, again* is
      a second bare site: how far it is from 1 is what this measurement cannot tell. ip-sentry: what its enforcer's backends make. fail2ban: a set as its action `iptables-ipset` makes
      it, and rules as its `iptables-multiport` makes them, the default of its package. CrowdSec: a set and a chain as its bouncer makes them in nftables.\
      """),
  WEB_BANS(
      "web-bans",
      "Web throughput: what the number of bans costs",
      """
      The same runs, as a share of the same sets and rules without a ban in them.\
      """),
  WEB_CPU(
      "web-cpu",
      "Web throughput: processor time a request",
      """
      The same runs: processor time of nginx and wrk for one request, in which the kernel's filtering is, as a multiple of the same without any firewall. On a machine with
      other work this says more than the requests a second.\
      """),
  KERNEL(
      "kernel",
      "Bans into an empty kernel",
      """
      A list of addresses with a day to go each, into a network namespace that is new: by ip-sentry's backends (sets, rules and elements, in a process that is new, too), and by the kernel's own programs
      from a file (`ipset restore`, `nft -f`): the limit. This is loading alone; what a restart takes is below.\
      """),
  RESTORE(
      "restore",
      "Bans after a restart",
      """
      The bans are in the program's own store; the kernel is empty, as after a boot. From the start of the process until the kernel has them all, looked at each 50 ms. ip-sentry's store has a snapshot, as a
      `run` makes one within a minute once there are 10,000 events (*before its first snapshot*: all events are read). Who took longer than 20 s gets one round.\
      """),
  MEMORY(
      "memory",
      "Memory",
      """
      Resident memory (VmRSS) of all processes of the program: ip-sentry `run` with its enforcer in one process, fail2ban-server, CrowdSec with its bouncer. Idle: some seconds
      after the start. Then 1,000 lines a second of the nginx log, stamped with the moment, written in 50 pieces a second. And ip-sentry without its enforcer, a minute
      after it had read a line each of a million addresses, whose hits it counts.\
      """),
  CPU(
      "cpu",
      "Processor time",
      """
      Of the same processes and those they started, as a share of one core: over some idle seconds, and over those with 1,000 lines a second, of
      which 15 s passed before.\
      """),
  START(
      "start",
      "Start-up",
      """
      From the start of the process until it says that it watches the log and its firewall is in place; for CrowdSec with its bouncer, which starts when the local API listens.\
      """),
  CHECK(
      "check",
      "Checks over gRPC",
      """
      `envoy.service.auth.v3.Authorization/Check` with the fifteen headers of a browser beside a bare echo of grpc-java with the same settings, in pairs, the server on one core, the load (h2load) on the
      other. *Generated classes*: a service that decodes by them and allows everybody.\
      """),
  FORWARD(
      "forward",
      "Forward-auth over HTTP",
      """
      The call that nginx makes for `auth_request`, to ip-sentry with a million bans and to an nginx that answers `return 200` by itself, in turns on one core.\
      """),
  CLUSTER_DROP(
      "cluster-drop",
      "One cluster: from the line to the drop",
      """
      A cluster on this machine, in network namespaces: three nodes with nginx each, a real API server, two watchers, two authz-servers, an enforcer a node; outside of it attackers, and ordinary
      clients, a monitor and a crawler, none of whom may be refused anything (the test fails if one is). From the moment at which the gateway's third line of an attacker is written until the
      first packet of the attacker that the kernel of the node drops. Twelve attackers a round, so that 99 of 100 are the slowest one of a round.\
      """),
  CLUSTER_ANSWERED(
      "cluster-answered",
      "One cluster: requests answered",
      """
      In the same cluster: what the application answered to a prober before he was shut out, at three rates, and to a thousand addresses that come at once (threshold 3). *Inline*: with two authz-servers,
      of which either may be asked.\
      """),
  CLUSTER_GUESSED(
      "cluster-guessed",
      "One cluster: guessing",
      """
      In the same cluster: guesses of a password which the application answered, from its own log (threshold 5), by turns at all nodes; and who walks through a /64, each time from
      another address (threshold 3, 200 a second, 40 at most). Whom attackers named in forged headers was never banned, else there would be no number here.\
      """),
  CLUSTER_FAULTS(
      "cluster-faults",
      "One cluster: faults",
      """
      The same under attack while something fails: twelve attackers a fault, and the logs rotated each 2 s. How long it failed, and from then on until all who attacked meanwhile were banned. After each fault
      the log is its replay, each kernel has what was decided, nobody else was refused, and nobody was unbanned early: the test fails otherwise.\
      """),
  CLUSTER_MEMORY(
      "cluster-memory",
      "One cluster: memory",
      """
      Resident memory (VmRSS) of each process: the median of the last quarter of two minutes in which a new attacker came each second; and after the faults above, with 5,000 bans more.\
      """),
  CLUSTER_LAG(
      "cluster-lag",
      "One cluster: what waits",
      """
      Under attack, as above, each five seconds: how old the oldest is that waits in a process, by its own metrics.\
      """);

  /** Of its chart's file. */
  final String id;

  final String title;
  final String text;

  Section(String id, String title, String text) {
    this.id = id;
    this.title = title;
    this.text = text;
  }

  /** As the target of a link within the report. */
  String anchor() {
    return title.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9 -]", "").replace(' ', '-');
  }
}
