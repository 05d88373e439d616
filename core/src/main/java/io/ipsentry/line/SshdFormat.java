package io.ipsentry.line;

import java.nio.charset.StandardCharsets;

/**
 * OpenSSH's server in a syslog file (auth.log, secure).
 *
 * <pre>
 * Nov 21 07:00:00 host sshd[123]: Failed password for root from 203.0.113.7 port 51324 ssh2
 * 2026-11-21T07:00:00.123456+00:00 host sshd-session[123]: Invalid user admin from 203.0.113.7 port 51324
 * </pre>
 *
 * <p>Lines of sshd are of this format, whatever they say; lines of other programs are not. A line
 * without stamp and host ({@code sshd[123]: …}, as a journal reader may give it) is read too.
 *
 * <p><b>Nobody is framed.</b> A user name may hold any text, {@code x from 192.0.2.66 port 22 ssh2}
 * among it. So the address is taken from where sshd writes it: the end of the line where the name
 * stands in front of it, the beginning where the client's text follows.
 *
 * <p><b>One attempt is one hit</b>; see {@link SshdAttempts}. Refused keys ({@code Failed
 * publickey}, {@code Failed none}) are no hit by themselves, because an honest client offers all it
 * has; the line that closes the connection is, if no login came. A failure reported by PAM is none
 * either: another module may still let the user in, and if not, sshd's own line follows. fail2ban's
 * filter decides both likewise.
 */
final class SshdFormat implements LineFormat {
  private static final byte[] PROGRAM = ascii("sshd");
  private static final byte[] ERROR = ascii("error: ");
  private static final byte[] FATAL = ascii("fatal: ");
  private static final byte[] REPEATED = ascii("message repeated ");
  private static final byte[] REPEATED_OPEN = ascii(" times: [ ");
  private static final byte[] PREAUTH = ascii(" [preauth]");
  private static final byte[] FROM = ascii(" from ");
  private static final byte[] PORT = ascii(" port ");
  private static final byte[] SSH2 = ascii(" ssh2");
  private static final byte[] FAILED = ascii("Failed ");
  private static final byte[] ACCEPTED = ascii("Accepted ");
  private static final byte[] INVALID_USER = ascii("Invalid user ");
  private static final byte[] ILLEGAL_USER = ascii("Illegal user ");
  private static final byte[] USER = ascii("User ");
  private static final byte[] NOT_ALLOWED = ascii(" not allowed because ");
  private static final byte[] ROOT_REFUSED = ascii("ROOT LOGIN REFUSED FROM ");
  private static final byte[] PAM_ERROR = ascii("PAM: ");
  private static final byte[] PAM_FAILURE = ascii("pam_");
  private static final byte[] REMOTE_HOST = ascii(" rhost=");
  private static final byte[] MAXIMUM = ascii("maximum authentication attempts exceeded for ");
  private static final byte[] CLOSED = ascii("Connection closed by ");
  private static final byte[] RESET = ascii("Connection reset by ");
  private static final byte[] DISCONNECTED = ascii("Disconnected from ");
  private static final byte[] DISCONNECTING = ascii("Disconnecting ");
  private static final byte[] TOO_MANY = ascii(": Too many authentication failures");
  private static final byte[] RECEIVED_DISCONNECT = ascii("Received disconnect from ");
  private static final byte[] AUTH_FAIL = ascii("Auth fail");
  private static final byte[] NO_METHODS = ascii("No supported authentication methods available");
  private static final byte[] TOO_MANY_SHORT = ascii("Too many authentication failures");
  private static final byte[] NEGOTIATE = ascii("Unable to negotiate with ");
  private static final byte[] NO_IDENTIFICATION =
      ascii("Did not receive identification string from ");
  private static final byte[] BAD_VERSION = ascii("Bad protocol version identification ");
  private static final byte[] BANNER = ascii("banner exchange: Connection from ");
  private static final byte[] AUTHENTICATING = ascii("authenticating user ");
  private static final byte[] INVALID = ascii("invalid user ");
  private static final byte[][] QUIET_METHODS = {
    ascii("publickey "), ascii("none "), ascii("hostbased ")
  };

  private final TimestampFormat syslogTime;
  private final TimestampFormat isoTime;
  private final SshdAttempts attempts = new SshdAttempts();
  private long processId;

  SshdFormat(LocalZone zone) {
    syslogTime = new SyslogTimestamp(zone);
    isoTime = new IsoTimestamp(zone);
  }

  @Override
  public String name() {
    return "sshd";
  }

  @Override
  public boolean parse(byte[] b, int from, int to, RequestFacts facts) {
    facts.clear();
    facts.line().set(b, from, to);
    int program = stamp(b, from, to, facts);
    if (program < 0 || !ByteSearch.startsWith(b, program, to, PROGRAM)) {
      return false;
    }
    int message = program(b, program, to);
    if (message < 0) {
      return false;
    }
    int end = to;
    if (ByteSearch.startsWith(b, message, end, REPEATED)) {
      int open = ByteSearch.indexOf(b, message, end, REPEATED_OPEN);
      if (open > 0 && b[end - 1] == ']') {
        message = open + REPEATED_OPEN.length;
        end--;
      }
    }
    if (ByteSearch.startsWith(b, message, end, ERROR)
        || ByteSearch.startsWith(b, message, end, FATAL)) {
      message += ERROR.length;
    }
    end = without(b, message, end, PREAUTH);
    facts.authFailure(message(b, message, end, facts));
    return true;
  }

  /** Sets the time; gives the position of the program's name, or −1. */
  private int stamp(byte[] b, int from, int to, RequestFacts facts) {
    int at = from;
    if (at < to && b[at] == '<') {
      at = ByteSearch.indexOf(b, at, to, '>') + 1;
    }
    if (ByteSearch.startsWith(b, at, to, PROGRAM)) {
      return at;
    }
    if (to - at <= SyslogTimestamp.LENGTH) {
      return -1;
    }
    int end;
    if (b[at] >= '0' && b[at] <= '9') {
      end = ByteSearch.indexOf(b, at, to, ' ');
      facts.timeFormat(isoTime);
    } else {
      end = ByteSearch.indexOf(b, at + SyslogTimestamp.LENGTH, to, ' ');
      facts.timeFormat(syslogTime);
    }
    facts.time().set(b, at, end);
    int host = ByteSearch.indexOf(b, end + 1, to, ' ');
    return host < to ? host + 1 : -1;
  }

  /**
   * Reads {@code sshd[123]: } or {@code sshd-session[123]: }; gives where the message begins, or
   * −1.
   */
  private int program(byte[] b, int from, int to) {
    int at = from + PROGRAM.length;
    while (at < to && (b[at] >= 'a' && b[at] <= 'z' || b[at] == '-')) {
      at++;
    }
    processId = 0;
    if (at < to && b[at] == '[') {
      int close = ByteSearch.indexOf(b, at, to, ']');
      processId = Digits.number(b, at + 1, close);
      at = close + 1;
    }
    return at + 1 < to && b[at] == ':' && b[at + 1] == ' ' ? at + 2 : -1;
  }

  /** Reads the message; true when it is a hit. */
  private boolean message(byte[] b, int from, int to, RequestFacts facts) {
    if (ByteSearch.startsWith(b, from, to, FAILED)) {
      return failed(b, from + FAILED.length, to, facts);
    }
    if (ByteSearch.startsWith(b, from, to, INVALID_USER)
        || ByteSearch.startsWith(b, from, to, ILLEGAL_USER)) {
      return addressAfterFrom(b, from, to, facts) && attempts.early(connection(facts));
    }
    if (ByteSearch.startsWith(b, from, to, USER)) {
      int reason = ByteSearch.lastIndexOf(b, from, to, NOT_ALLOWED);
      return reason > 0
          && addressAfterFrom(b, from, reason, facts)
          && attempts.early(connection(facts));
    }
    if (ByteSearch.startsWith(b, from, to, PAM_ERROR)) {
      return addressAfterFrom(b, from, to, facts) && attempts.early(connection(facts));
    }
    if (ByteSearch.startsWith(b, from, to, MAXIMUM)) {
      return addressAfterFrom(b, from, without(b, from, to, SSH2), facts)
          && attempts.closing(connection(facts));
    }
    if (ByteSearch.startsWith(b, from, to, ACCEPTED)) {
      int end = without(b, from, to, SSH2);
      if (addressAfterFrom(b, from, end, facts)) {
        attempts.forget(connection(facts));
      }
      return false;
    }
    if (ByteSearch.startsWith(b, from, to, PAM_FAILURE)) {
      int host = ByteSearch.indexOf(b, from, to, REMOTE_HOST);
      if (host > 0) {
        addressAt(b, host + REMOTE_HOST.length, to, facts);
      }
      return false;
    }
    return ending(b, from, to, facts) || stranger(b, from, to, facts);
  }

  private boolean failed(byte[] b, int from, int to, RequestFacts facts) {
    for (byte[] method : QUIET_METHODS) {
      if (ByteSearch.startsWith(b, from, to, method)) {
        return false;
      }
    }
    return addressAfterFrom(b, from, without(b, from, to, SSH2), facts)
        && attempts.failed(connection(facts));
  }

  /** Lines about the end of a connection during authentication. */
  private boolean ending(byte[] b, int from, int to, RequestFacts facts) {
    int who = after(b, from, to, CLOSED);
    who = who < 0 ? after(b, from, to, RESET) : who;
    who = who < 0 ? after(b, from, to, DISCONNECTED) : who;
    if (who >= 0) {
      if (!isUser(b, who, to) || !addressBeforePort(b, who, to, facts)) {
        return false;
      }
      boolean hit = attempts.closing(connection(facts));
      attempts.forget(connection(facts));
      return hit;
    }
    who = after(b, from, to, DISCONNECTING);
    if (who >= 0) {
      int reason = without(b, who, to, TOO_MANY);
      return reason < to
          && isUser(b, who, to)
          && addressBeforePort(b, who, reason, facts)
          && attempts.closing(connection(facts));
    }
    who = after(b, from, to, RECEIVED_DISCONNECT);
    return who >= 0
        && addressAt(b, who, to, facts)
        && saysAuthenticationFailed(b, facts.client().to(), to)
        && attempts.closing(connection(facts));
  }

  /** Lines about clients that do not even get as far as authentication. */
  private static boolean stranger(byte[] b, int from, int to, RequestFacts facts) {
    if (ByteSearch.startsWith(b, from, to, BAD_VERSION)) {
      return addressAfterFrom(b, from, to, facts);
    }
    int who = after(b, from, to, NEGOTIATE);
    who = who < 0 ? after(b, from, to, NO_IDENTIFICATION) : who;
    who = who < 0 ? after(b, from, to, BANNER) : who;
    who = who < 0 ? after(b, from, to, ROOT_REFUSED) : who;
    return who >= 0 && addressAt(b, who, to, facts);
  }

  private static boolean isUser(byte[] b, int at, int to) {
    return ByteSearch.startsWith(b, at, to, AUTHENTICATING)
        || ByteSearch.startsWith(b, at, to, INVALID);
  }

  private static boolean saysAuthenticationFailed(byte[] b, int from, int to) {
    return ByteSearch.indexOf(b, from, to, AUTH_FAIL) >= 0
        || ByteSearch.indexOf(b, from, to, NO_METHODS) >= 0
        || ByteSearch.indexOf(b, from, to, TOO_MANY_SHORT) >= 0;
  }

  /** Takes the address that begins at {@code at}. */
  private static boolean addressAt(byte[] b, int at, int to, RequestFacts facts) {
    int end = ByteSearch.indexOf(b, at, to, ' ');
    // Old versions write "from 203.0.113.7: 11: Bye Bye".
    if (end > at && b[end - 1] == ':') {
      end--;
    }
    if (end <= at) {
      return false;
    }
    facts.client().set(b, at, end);
    return true;
  }

  /**
   * Takes the address of the last {@code from ADDRESS} or {@code from ADDRESS port N}, which must
   * end it.
   */
  private static boolean addressAfterFrom(byte[] b, int from, int to, RequestFacts facts) {
    int at = ByteSearch.lastIndexOf(b, from, to, FROM);
    if (at < 0) {
      return false;
    }
    int start = at + FROM.length;
    int end = ByteSearch.indexOf(b, start, to, ' ');
    if (end == start || end < to && !isPort(b, end, to)) {
      return false;
    }
    facts.client().set(b, start, end);
    return true;
  }

  /** Takes the address of {@code … ADDRESS port N}. */
  private static boolean addressBeforePort(byte[] b, int from, int to, RequestFacts facts) {
    int port = ByteSearch.lastIndexOf(b, from, to, PORT);
    if (port < 0 || !isPort(b, port, to)) {
      return false;
    }
    int start = ByteSearch.lastIndexOf(b, from, port, ' ') + 1;
    if (start <= from || start == port) {
      return false;
    }
    facts.client().set(b, start, port);
    return true;
  }

  private static boolean isPort(byte[] b, int at, int to) {
    return ByteSearch.startsWith(b, at, to, PORT) && Digits.number(b, at + PORT.length, to) >= 0;
  }

  /** A number for process id and address. */
  private long connection(RequestFacts facts) {
    long hash = processId;
    byte[] b = facts.client().array();
    for (int i = facts.client().from(); i < facts.client().to(); i++) {
      hash = (hash ^ b[i]) * 0x9e37_79b9_7f4a_7c15L;
      hash ^= hash >>> 29;
    }
    return hash;
  }

  private static int after(byte[] b, int from, int to, byte[] prefix) {
    return ByteSearch.startsWith(b, from, to, prefix) ? from + prefix.length : -1;
  }

  private static int without(byte[] b, int from, int to, byte[] suffix) {
    int at = to - suffix.length;
    return at >= from && ByteSearch.startsWith(b, at, to, suffix) ? at : to;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
