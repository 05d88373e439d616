package io.ipsentry.enforcer.kernel;

import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Changes elements of ipsets over netlink: no program has to be started for a ban, which takes
 * longer than all else on its way into the kernel. Each change is a message that the kernel answers
 * before the next.
 *
 * <p>As {@code ipset -exist} does it, an element that is there gets another end, and one that is
 * not is removed all the same. See linux/netfilter/ipset/ip_set.h. One thread at a time.
 */
final class IpsetSocket implements SetCommands, AutoCloseable {
  // Types of messages.
  private static final int IPSET = 6 << 8;
  private static final int ADD = IPSET | 9;
  private static final int REMOVE = IPSET | 10;

  /** Understood by all kernels since 2.6.39. */
  private static final int PROTOCOL_VERSION = 6;

  // Types of attributes of a command.
  private static final int PROTOCOL = 1;
  private static final int SET_NAME = 2;
  private static final int DATA = 7;

  // Types of attributes of an element.
  private static final int IP = 1;
  private static final int PREFIX_LENGTH = 3;
  private static final int TIMEOUT = 6;

  // Types of attributes of an address.
  private static final int IPV4 = 1;
  private static final int IPV6 = 2;

  private static final int INET = 2;
  private static final int INET6 = 10;

  private final NetlinkSocket socket;
  private int sequence;

  private IpsetSocket(NetlinkSocket socket) {
    this.socket = socket;
  }

  /**
   * Opens one.
   *
   * @param programs in whose network namespace the sets are
   * @throws IOException if that cannot be entered, or this JVM or the kernel does not allow it
   */
  static IpsetSocket open(KernelPrograms programs) throws IOException {
    return new IpsetSocket(programs.netlink(LibC.load()));
  }

  /**
   * @throws IOException if the kernel refuses it, or does not answer
   */
  @Override
  public void add(String set, IpPrefix prefix, long timeoutSeconds) throws IOException {
    send(ADD, set, prefix, timeoutSeconds);
  }

  /**
   * @throws IOException if the kernel refuses it, or does not answer
   */
  @Override
  public void remove(String set, IpPrefix prefix) throws IOException {
    send(REMOVE, set, prefix, -1);
  }

  /** With no timeout if that is below 0. */
  private void send(int command, String set, IpPrefix prefix, long timeoutSeconds)
      throws IOException {
    NetlinkRequest request =
        new NetlinkRequest(
            command,
            NetlinkRequest.REQUEST | NetlinkRequest.ACKNOWLEDGE,
            ++sequence,
            prefix.isV4() ? INET : INET6);
    request.octet(PROTOCOL, PROTOCOL_VERSION).text(SET_NAME, set);
    int data = request.begin(DATA);
    int ip = request.begin(IP);
    if (prefix.isV4()) {
      request.number(IPV4, prefix.lo());
    } else {
      request.number(IPV6, prefix.hi(), prefix.lo());
    }
    request.end(ip).octet(PREFIX_LENGTH, prefix.bits());
    if (timeoutSeconds >= 0) {
      request.number(TIMEOUT, timeoutSeconds);
    }
    socket.send(request.end(data).whole());
    awaitDone();
  }

  /** Waits for the answer to the request that was sent last. */
  private void awaitDone() throws IOException {
    while (true) {
      ByteBuffer answer = socket.receive();
      if (answer.remaining() < NetlinkRequest.HEADER_BYTES + Integer.BYTES) {
        throw new IOException("an answer of " + answer.remaining() + " bytes");
      }
      int type = Short.toUnsignedInt(answer.getShort(Integer.BYTES));
      int number = answer.getInt(2 * Integer.BYTES);
      // One to a request before, whose sender did not wait so long.
      if (type == NetlinkRequest.ERROR && number == sequence) {
        int error = -answer.getInt(NetlinkRequest.HEADER_BYTES);
        if (error != 0) {
          throw new IOException("the kernel refuses the change: error " + error);
        }
        return;
      }
    }
  }

  @Override
  public void close() {
    socket.close();
  }
}
