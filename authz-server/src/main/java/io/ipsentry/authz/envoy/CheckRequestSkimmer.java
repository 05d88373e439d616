package io.ipsentry.authz.envoy;

import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.line.Slice;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads from a serialised {@code envoy.service.auth.v3.CheckRequest} the few fields that are
 * judged, and steps over the rest.
 *
 * <p>What the generated parser accepts gives the same facts here: fields in any order, messages
 * that come in pieces and are merged, the last of several values, unknown fields. What is no valid
 * encoding on the way to those fields is refused. Two things are let pass on purpose, so that
 * nobody escapes judgement by them where a gateway's failure mode is to let requests through: text
 * that is no UTF-8, and damage inside fields that are not read. The choice is in ADR 0021.
 *
 * <p>The facts are views of the bytes. Allocates nothing, save where a header comes more than once
 * in {@code header_map}. Confined to one thread.
 */
final class CheckRequestSkimmer extends WireReader {
  // CheckRequest and AttributeContext.
  private static final int ATTRIBUTES = tag(1);
  private static final int SOURCE = tag(1);
  private static final int REQUEST = tag(4);
  private static final int CONTEXT_EXTENSIONS = tag(10);

  // Peer, config.core.v3.Address and SocketAddress.
  private static final int PEER_ADDRESS = tag(1);
  private static final int SOCKET_ADDRESS = tag(1);
  private static final int PIPE = tag(2);
  private static final int INTERNAL_ADDRESS = tag(3);
  private static final int ADDRESS = tag(2);

  // Request and HttpRequest.
  private static final int HTTP = tag(2);
  private static final int METHOD = tag(2);
  private static final int HEADERS = tag(3);
  private static final int PATH = tag(4);
  private static final int HOST = tag(5);
  private static final int HEADER_MAP = tag(13);

  // Map entries, HeaderMap and HeaderValue.
  private static final int HEADER_LIST = tag(1);
  private static final int KEY = tag(1);
  private static final int VALUE = tag(2);
  private static final int RAW_VALUE = tag(3);

  private static final byte[] POLICY = "policy".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] TOKEN = "token".getBytes(StandardCharsets.US_ASCII);

  // The tag, a length below 128, the tag of the key, its length below 128.
  private static final VarHandle WORD =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final int SHORT_HEAD = HEADERS | KEY << 16;
  private static final int SHORT_HEAD_MASK = 0x80ff80ff;

  private static final int SHORT_TEXT_MASK = 0x87;

  // The last byte of the key, the tag of the value, a length below 128.
  private static final int SHORT_TAIL = VALUE << 8;
  private static final int SHORT_TAIL_MASK = 0x0080ff00;

  private CheckMessage message = new CheckMessage();
  private GatewayRequest request = message.request();
  private final Slice socketAddress = new Slice();
  private int addressKind;

  // The map entry or header at hand.
  private int keyFrom;
  private int keyTo;
  private int valueFrom;
  private int valueTo;

  /**
   * Reads a message.
   *
   * @param array holds the message, and must not change as long as {@code into} is used
   * @return false: it is no valid {@code CheckRequest}, and {@code into} is unspecified
   */
  boolean read(byte[] array, int from, int to, WantedHeaders wanted, CheckMessage into) {
    into.clear(wanted);
    bytes = array;
    at = from;
    message = into;
    request = into.request();
    socketAddress.clear();
    addressKind = 0;
    try {
      checkRequest(to);
    } catch (Malformed e) {
      return false;
    }
    if (addressKind == SOCKET_ADDRESS) {
      request.peer().set(socketAddress);
    }
    if (wanted != WantedHeaders.NONE) {
      request.forwardedFor().set(into.header(WantedHeaders.FORWARDED_FOR));
      request.userAgent().set(into.header(WantedHeaders.USER_AGENT));
    }
    return true;
  }

  private void checkRequest(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == ATTRIBUTES) {
        attributes(readEnd(end));
      } else {
        skip(tag, end, 0);
      }
    }
  }

  private void attributes(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == SOURCE) {
        source(readEnd(end));
      } else if (tag == REQUEST) {
        request(readEnd(end));
      } else if (tag == CONTEXT_EXTENSIONS) {
        contextExtension(readEnd(end));
      } else {
        skip(tag, end, 1);
      }
    }
  }

  private void source(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == PEER_ADDRESS) {
        address(readEnd(end));
      } else {
        skip(tag, end, 2);
      }
    }
  }

  private void address(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == SOCKET_ADDRESS) {
        // One kind at a time: the last one stands. Its fields are kept meanwhile, as the generated
        // parser keeps them.
        addressKind = tag;
        socketAddress(readEnd(end));
      } else if (tag == PIPE || tag == INTERNAL_ADDRESS) {
        addressKind = tag;
        at = readEnd(end);
      } else {
        skip(tag, end, 3);
      }
    }
  }

  private void socketAddress(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == ADDRESS) {
        set(socketAddress, readEnd(end));
      } else {
        skip(tag, end, 4);
      }
    }
  }

  private void request(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == HTTP) {
        http(readEnd(end));
      } else {
        skip(tag, end, 2);
      }
    }
  }

  private void http(int end) throws Malformed {
    byte[] array = bytes;
    WantedHeaders wanted = message.wanted();
    int next = at;
    while (next < end) {
      // Most fields are short, or headers that nobody wants: what is not is read with more care.
      int after = afterShort(array, next, end, wanted);
      if (after == 0) {
        after =
            array[next] == HEADERS
                ? afterUnwanted(array, next + 1, end, wanted)
                : afterShortField(array, next, end);
      }
      if (after == 0) {
        at = next;
        httpField(end);
        after = at;
      }
      next = after;
    }
    at = next;
  }

  private void httpField(int end) throws Malformed {
    int tag = readTag(end);
    if (tag == HEADERS) {
      header(readEnd(end));
    } else if (tag == METHOD) {
      set(request.method(), readEnd(end));
    } else if (tag == PATH) {
      set(request.target(), readEnd(end));
    } else if (tag == HOST) {
      set(request.host(), readEnd(end));
    } else if (tag == HEADER_MAP) {
      headerMap(readEnd(end));
    } else {
      skip(tag, end, 3);
    }
  }

  private void header(int end) throws Malformed {
    entry(end, 4, false);
    int header = message.wanted().find(bytes, keyFrom, keyTo);
    if (header >= 0) {
      message.putMapped(header, bytes, valueFrom, valueTo);
    }
  }

  /**
   * Takes a header whose entry is shorter than 128 bytes and is a key, and then a value that fills
   * the rest: what most of them are. Two words tell all of that.
   *
   * @param at position of its tag
   * @return where it ends; 0: it is to be read
   */
  private int afterShort(byte[] array, int at, int end, WantedHeaders wanted) {
    if (array.length - at < 2 * Integer.BYTES) {
      return 0;
    }
    int head = (int) WORD.get(array, at);
    int key = at + Integer.BYTES;
    int keyLength = head >>> 24;
    int entryEnd = at + 2 + (head >>> 8 & 0xff);
    int value = key + keyLength;
    if ((head & SHORT_HEAD_MASK) != SHORT_HEAD
        || keyLength == 0
        || entryEnd > end
        || value + 2 > entryEnd
        || value + 3 > array.length) {
      return 0;
    }
    int tail = (int) WORD.get(array, value - 1);
    if ((tail & SHORT_TAIL_MASK) != SHORT_TAIL || value + 2 + (tail >>> 16 & 0xff) != entryEnd) {
      return 0;
    }
    if (wanted.mayBe(keyLength, (byte) tail)) {
      int header = wanted.find(array, key, value);
      if (header >= 0) {
        message.putMapped(header, array, value + 2, entryEnd);
      }
    }
    return entryEnd;
  }

  /**
   * Takes a field that is text of less than 128 bytes.
   *
   * @param at position of its tag
   * @return where it ends; 0: it is to be read
   */
  private int afterShortField(byte[] array, int at, int end) {
    int tag = array[at];
    if ((tag & SHORT_TEXT_MASK) != LENGTH_DELIMITED
        || tag < 8
        || tag == HEADER_MAP
        || end - at < 2) {
      return 0;
    }
    int length = array[at + 1];
    int from = at + 2;
    if (length < 0 || length > end - from) {
      return 0;
    }
    if (tag == METHOD) {
      CheckMessage.set(request.method(), array, from, from + length);
    } else if (tag == PATH) {
      CheckMessage.set(request.target(), array, from, from + length);
    } else if (tag == HOST) {
      CheckMessage.set(request.host(), array, from, from + length);
    } else if (tag == HEADERS) {
      return 0;
    }
    return from + length;
  }

  /**
   * Steps over a header that is a key that no wanted header has, and then a value that fills the
   * rest: what nearly all of them are, and what then need not be read.
   *
   * @param at position of the length of its entry
   * @return where it ends; 0: it is to be read
   */
  private static int afterUnwanted(byte[] bytes, int at, int end, WantedHeaders wanted) {
    // Two bytes for the length of the entry; tag and length of the key; and of the value.
    if (end - at < 6) {
      return 0;
    }
    int length = bytes[at];
    int key = at + 3;
    if (length < 0) {
      length = length & 0x7f | bytes[at + 1] << 7;
      key++;
    }
    int entryEnd = key - 2 + length;
    if (length < 4 || entryEnd > end || bytes[key - 2] != KEY) {
      return 0;
    }
    int keyLength = bytes[key - 1];
    int value = key + keyLength;
    if (keyLength <= 0
        || value + 2 > entryEnd
        || bytes[value] != VALUE
        || wanted.mayBe(keyLength, bytes[value - 1])) {
      return 0;
    }
    int valueLength = bytes[value + 1];
    int from = value + 2;
    if (valueLength < 0) {
      // Within the entry or not: a length that runs over it does not end there either.
      valueLength = from < entryEnd ? valueLength & 0x7f | bytes[from] << 7 : -1;
      from++;
    }
    return valueLength >= 0 && from + valueLength == entryEnd ? entryEnd : 0;
  }

  private void headerMap(int end) throws Malformed {
    while (at < end) {
      int tag = readTag(end);
      if (tag == HEADER_LIST) {
        listedHeader(readEnd(end));
      } else {
        skip(tag, end, 4);
      }
    }
  }

  private void listedHeader(int end) throws Malformed {
    entry(end, 5, true);
    int header = message.wanted().find(bytes, keyFrom, keyTo);
    if (header >= 0) {
      message.addListed(header, bytes, valueFrom, valueTo);
    }
  }

  private void contextExtension(int end) throws Malformed {
    entry(end, 2, false);
    if (Arrays.equals(POLICY, 0, POLICY.length, bytes, keyFrom, keyTo)) {
      CheckMessage.set(request.policy(), bytes, valueFrom, valueTo);
    } else if (Arrays.equals(TOKEN, 0, TOKEN.length, bytes, keyFrom, keyTo)) {
      CheckMessage.set(message.token(), bytes, valueFrom, valueTo);
    }
  }

  /**
   * Reads a map entry or a {@code HeaderValue} into the four positions.
   *
   * @param raw whether there is a {@code raw_value}, which stands for the value unless it is empty
   */
  private void entry(int end, int depth, boolean raw) throws Malformed {
    keyFrom = end;
    keyTo = end;
    valueFrom = end;
    valueTo = end;
    int rawFrom = end;
    int rawTo = end;
    while (at < end) {
      int tag = readTag(end);
      if (tag == KEY) {
        keyTo = readEnd(end);
        keyFrom = at;
        at = keyTo;
      } else if (tag == VALUE) {
        valueTo = readEnd(end);
        valueFrom = at;
        at = valueTo;
      } else if (raw && tag == RAW_VALUE) {
        rawTo = readEnd(end);
        rawFrom = at;
        at = rawTo;
      } else {
        skip(tag, end, depth);
      }
    }
    if (rawTo > rawFrom) {
      valueFrom = rawFrom;
      valueTo = rawTo;
    }
  }

  private void set(Slice field, int end) {
    CheckMessage.set(field, bytes, at, end);
    at = end;
  }
}
