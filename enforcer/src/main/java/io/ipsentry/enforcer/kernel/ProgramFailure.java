package io.ipsentry.enforcer.kernel;

import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import java.io.IOException;
import java.util.List;
import java.util.Locale;

/**
 * Tells from what a program complained of what is in the way, and how to mend it.
 *
 * <p>The texts are those of ipset 7, iptables 1.8, nftables 1.0 and iproute2 6 in the C locale.
 */
final class ProgramFailure {
  /** So much of a program's own words is repeated. */
  private static final int MAX_QUOTE = 300;

  /**
   * What a complaint that contains a text means. The first that fits counts.
   *
   * @param mend how to mend it, one clause
   */
  private record Meaning(String text, Cause cause, String mend) {}

  private static final String LOCK =
      "the lock file of iptables cannot be written; with a read-only root file system mount the"
          + " host's /run/xtables.lock";

  private static final String CAPABILITY =
      "the kernel does not permit it: give the process the capability NET_ADMIN, and the"
          + " iptables programs NET_RAW as well";

  private static final List<Meaning> MEANINGS =
      List.of(
          new Meaning("failed to execute", Cause.NO_PROGRAM, "install it on the host"),
          new Meaning("exec of ", Cause.NO_PROGRAM, "install it"),
          new Meaning("can't open lock file", Cause.READ_ONLY, LOCK),
          new Meaning("can't lock", Cause.TIMEOUT, "another program holds the lock of iptables"),
          new Meaning(
              "another app is currently holding",
              Cause.TIMEOUT,
              "another program holds the lock of iptables"),
          new Meaning(
              "reassociate to namespace",
              Cause.NO_CAPABILITY,
              "hostBinaries enters the host's namespaces: this needs hostPID and SYS_ADMIN"),
          new Meaning(
              "cannot open /proc/1/ns",
              Cause.NO_CAPABILITY,
              "hostBinaries enters the host's namespaces: this needs hostPID and SYS_ADMIN,"
                  + " SYS_PTRACE"),
          new Meaning("hash is full", Cause.TOO_MANY, "the set has room for no more elements"),
          new Meaning(
              "do you need to insmod",
              Cause.NO_MODULE,
              "load the kernel module of the table, such as iptable_raw"),
          new Meaning(
              "is not loaded in", Cause.NO_MODULE, "load the kernel module that it asks for"),
          new Meaning(
              "cannot open session to kernel", Cause.NO_MODULE, "load the kernel module ip_set"),
          new Meaning(
              "set type not supported", Cause.NO_MODULE, "load the kernel module ip_set_hash_net"),
          new Meaning(
              "unable to initialize netlink socket",
              Cause.NO_MODULE,
              "load the kernel module nf_tables"),
          new Meaning(
              "no chain/target/match by that name",
              Cause.NO_MODULE,
              "the kernel lacks a match or target of the rules, such as xt_set, xt_multiport,"
                  + " xt_conntrack, xt_time or xt_string: load it"),
          new Meaning("read-only file system", Cause.READ_ONLY, "it must be writable"),
          new Meaning("operation not permitted", Cause.NO_CAPABILITY, CAPABILITY),
          new Meaning("permission denied", Cause.NO_CAPABILITY, CAPABILITY));

  private ProgramFailure() {}

  /** What it means that a program ended with a code other than 0. */
  static PacketFilterException of(String program, int code, String complaint) {
    String lower = complaint.toLowerCase(Locale.ROOT);
    for (Meaning meaning : MEANINGS) {
      if (lower.contains(meaning.text())) {
        return new PacketFilterException(
            meaning.cause(),
            program + ": " + meaning.mend() + " (it said: " + quote(complaint) + ")");
      }
    }
    return new PacketFilterException(
        Cause.OTHER, program + " ended with code " + code + " and said: " + quote(complaint));
  }

  /** What it means that a program could not be started. */
  static PacketFilterException notStarted(String program, IOException reason) {
    String text = String.valueOf(reason.getMessage());
    // The JDK gives the number of the error only in its text: 2 is "no such file".
    if (text.contains("error=2,") || text.contains("Exec failed, error: 2 ")) {
      return new PacketFilterException(
          Cause.NO_PROGRAM,
          program
              + " is not installed: install the package ipset, iptables or nftables"
              + " that has it, or choose another backend");
    }
    return new PacketFilterException(Cause.OTHER, "cannot start " + program + ": " + quote(text));
  }

  private static String quote(String complaint) {
    String line =
        complaint.strip().replaceAll("\\s*[\\r\\n]+\\s*", "; ").replaceAll("\\p{Cntrl}", "?");
    return line.isEmpty()
        ? "nothing"
        : line.length() <= MAX_QUOTE ? line : line.substring(0, MAX_QUOTE) + "…";
  }
}
