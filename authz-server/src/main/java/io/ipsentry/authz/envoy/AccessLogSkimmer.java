package io.ipsentry.authz.envoy;

import io.ipsentry.line.RequestFacts;
import io.ipsentry.line.Slice;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads from a serialised {@code envoy.service.accesslog.v3.StreamAccessLogsMessage} what rules
 * judge, and steps over the rest.
 *
 * <p>As with checks, text that is no UTF-8 is taken as it is: the generated parser would refuse the
 * whole message, and one such request would hide all that were logged with it. The facts are views
 * of the bytes. Allocates nothing. Confined to one thread.
 */
final class AccessLogSkimmer extends WireReader {
  /** {@code REASON_UNSPECIFIED} is 0. */
  private static final long EXTERNAL_SERVICE = 1;

  private static final String REFUSAL_DETAILS = "ext_authz_denied";

  // StreamAccessLogsMessage and its parts.
  private static final int IDENTIFIER = tag(1);
  private static final int HTTP_LOGS = tag(2);
  private static final int TCP_LOGS = tag(3);
  private static final int LOG_NAME = tag(2);
  private static final int LOG_ENTRY = tag(1);

  // HTTPAccessLogEntry.
  private static final int COMMON = tag(1);
  private static final int REQUEST = tag(3);
  private static final int RESPONSE = tag(4);

  // AccessLogCommon.
  private static final int REMOTE_ADDRESS = tag(2);
  private static final int START_TIME = tag(5);
  private static final int RESPONSE_FLAGS = tag(16);
  private static final int DIRECT_REMOTE_ADDRESS = tag(20);
  private static final int INTERMEDIATE = numberTag(27);
  private static final int LOG_TYPE = numberTag(33);

  // Address, Timestamp, ResponseFlags.
  private static final int SOCKET_ADDRESS = tag(1);
  private static final int ADDRESS = tag(2);
  private static final int SECONDS = numberTag(1);
  private static final int NANOS = numberTag(2);
  private static final int UNAUTHORIZED = tag(13);
  private static final int REASON = numberTag(1);

  // HTTPRequestProperties and HTTPResponseProperties.
  private static final int METHOD = numberTag(1);
  private static final int AUTHORITY = tag(3);
  private static final int PATH = tag(5);
  private static final int USER_AGENT = tag(6);
  private static final int FORWARDED_FOR = tag(8);
  private static final int ORIGINAL_PATH = tag(10);
  private static final int RESPONSE_CODE = tag(1);
  private static final int RESPONSE_CODE_DETAILS = tag(6);
  private static final int WRAPPED_NUMBER = numberTag(1);

  private static final int MAX_STATUS = 999;
  private static final long MILLIS_PER_SECOND = 1_000;
  private static final long NANOS_PER_MILLI = 1_000_000;

  /** Beyond the year 9999 there is no time stamp in protobuf. */
  private static final long MAX_SECONDS = 253_402_300_799L;

  /** By the numbers of {@code envoy.config.core.v3.RequestMethod}; 0 is unspecified. */
  private static final byte[][] METHODS = methods();

  private final RequestFacts facts = new RequestFacts();
  private final Slice logName = new Slice();
  private final Slice path = new Slice();
  private final Slice originalPath = new Slice();
  private final Slice details = new Slice();
  private long logType;
  private boolean intermediate;
  private long seconds;
  private long nanos;

  /** Takes the entries of a message. */
  interface Entries {
    /**
     * An entry about a request that is over.
     *
     * @param facts valid until this returns
     */
    void request(RequestFacts facts);

    /** An entry about a request that goes on: another one will follow. */
    void notFinal();

    /** An entry about a connection. */
    void connection();
  }

  /** {@code log_name} of the last message; absent: it named none. */
  Slice logName() {
    return logName;
  }

  /**
   * Looks for the log's name alone, which stands in the first message of a stream.
   *
   * @return false: it is no valid message
   */
  boolean readName(byte[] array) {
    logName.clear();
    return read(array, null);
  }

  /**
   * Reads the entries of a message.
   *
   * @return false: it is no valid message; entries before the damage were given to {@code entries}
   */
  boolean readEntries(byte[] array, Entries entries) {
    return read(array, entries);
  }

  private boolean read(byte[] array, @Nullable Entries entries) {
    bytes = array;
    at = 0;
    try {
      while (at < array.length) {
        int tag = readTag(array.length);
        if (tag == IDENTIFIER && entries == null) {
          identifier(readEnd(array.length));
        } else if (tag == HTTP_LOGS && entries != null) {
          httpLogs(readEnd(array.length), entries);
        } else if (tag == TCP_LOGS && entries != null) {
          tcpLogs(readEnd(array.length), entries);
        } else {
          skip(tag, array.length, 0);
        }
      }
      return true;
    } catch (Malformed e) {
      return false;
    }
  }

  private void identifier(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == LOG_NAME) {
        set(logName, readEnd(end));
      } else {
        skip(tag, end, 1);
      }
    }
  }

  private void tcpLogs(int end, Entries entries) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      skip(tag, end, 1);
      if (tag == LOG_ENTRY) {
        entries.connection();
      }
    }
  }

  private void httpLogs(int end, Entries entries) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == LOG_ENTRY) {
        entry(readEnd(end), entries);
      } else {
        skip(tag, end, 1);
      }
    }
  }

  private void entry(int end, Entries entries) throws Malformed {
    facts.clear();
    path.clear();
    originalPath.clear();
    details.clear();
    logType = 0;
    intermediate = false;
    seconds = 0;
    nanos = 0;
    while (at < end) {
      int tag = readTag(end);
      if (tag == COMMON) {
        common(readEnd(end));
      } else if (tag == REQUEST) {
        request(readEnd(end));
      } else if (tag == RESPONSE) {
        response(readEnd(end));
      } else {
        skip(tag, end, 2);
      }
    }
    // 0 is not set, 6 the end of a request; all others tell of requests that go on, or of
    // upstreams.
    if (intermediate || logType != 0 && logType != 6) {
      entries.notFinal();
      return;
    }
    // Rewritten paths are not what the client asked for.
    facts.target().set(originalPath.isPresent() ? originalPath : path);
    facts.runtimeMillis(startMillis());
    if (details.equalsAscii(REFUSAL_DETAILS)) {
      facts.ownDenial(true);
    }
    entries.request(facts);
  }

  private long startMillis() {
    boolean known = seconds > 0 && seconds <= MAX_SECONDS;
    return known ? seconds * MILLIS_PER_SECOND + nanos / NANOS_PER_MILLI : RequestFacts.NO_TIME;
  }

  private void common(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == REMOTE_ADDRESS) {
        address(readEnd(end), facts.client());
      } else if (tag == DIRECT_REMOTE_ADDRESS) {
        address(readEnd(end), facts.peer());
      } else if (tag == START_TIME) {
        startTime(readEnd(end));
      } else if (tag == RESPONSE_FLAGS) {
        responseFlags(readEnd(end));
      } else if (tag == LOG_TYPE) {
        logType = readNumber(end);
      } else if (tag == INTERMEDIATE) {
        intermediate = readLong(end) != 0;
      } else {
        skip(tag, end, 3);
      }
    }
  }

  private void address(int end, Slice into) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == SOCKET_ADDRESS) {
        socketAddress(readEnd(end), into);
      } else {
        skip(tag, end, 4);
      }
    }
  }

  private void socketAddress(int end, Slice into) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == ADDRESS) {
        set(into, readEnd(end));
      } else {
        skip(tag, end, 5);
      }
    }
  }

  private void startTime(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == SECONDS) {
        seconds = readLong(end);
      } else if (tag == NANOS) {
        nanos = readNumber(end);
      } else {
        skip(tag, end, 4);
      }
    }
  }

  private void responseFlags(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == UNAUTHORIZED) {
        int inner = readEnd(end);
        while (at < inner) {
          int innerTag = readTag(inner);
          if (innerTag == REASON) {
            facts.ownDenial(readNumber(inner) == EXTERNAL_SERVICE);
          } else {
            skip(innerTag, inner, 5);
          }
        }
      } else {
        skip(tag, end, 4);
      }
    }
  }

  private void request(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == METHOD) {
        method(readNumber(end));
      } else if (tag == AUTHORITY) {
        set(facts.host(), readEnd(end));
      } else if (tag == PATH) {
        set(path, readEnd(end));
      } else if (tag == ORIGINAL_PATH) {
        set(originalPath, readEnd(end));
      } else if (tag == USER_AGENT) {
        set(facts.userAgent(), readEnd(end));
      } else if (tag == FORWARDED_FOR) {
        set(facts.forwardedFor(), readEnd(end));
      } else {
        skip(tag, end, 3);
      }
    }
  }

  private void method(long number) {
    if (number > 0 && number < METHODS.length) {
      byte[] name = METHODS[(int) number];
      facts.method().set(name, 0, name.length);
    } else {
      facts.method().clear();
    }
  }

  private void response(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == RESPONSE_CODE) {
        status(readEnd(end));
      } else if (tag == RESPONSE_CODE_DETAILS) {
        set(details, readEnd(end));
      } else {
        skip(tag, end, 3);
      }
    }
  }

  private void status(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == WRAPPED_NUMBER) {
        long status = readNumber(end);
        facts.status(status >= 0 && status <= MAX_STATUS ? (int) status : 0);
      } else {
        skip(tag, end, 4);
      }
    }
  }

  private void set(Slice field, int end) {
    CheckMessage.set(field, bytes, at, end);
    at = end;
  }

  private static byte[][] methods() {
    String[] names = {
      "", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"
    };
    byte[][] bytes = new byte[names.length][];
    for (int i = 0; i < names.length; i++) {
      bytes[i] = names[i].getBytes(StandardCharsets.US_ASCII);
    }
    return bytes;
  }
}
