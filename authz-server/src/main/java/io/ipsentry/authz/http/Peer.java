package io.ipsentry.authz.http;

import io.ipsentry.net.Address;
import io.ipsentry.net.AddressParser;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The other end of a connection: its address as text and as number. */
final class Peer {
  private final byte[] bytes;
  private final Address address;

  private Peer(byte[] bytes, Address address) {
    this.bytes = bytes;
    this.address = address;
  }

  /** The address of an IP socket; of anything else, one that equals no client's. */
  static Peer of(@Nullable SocketAddress remote) {
    byte[] bytes = {};
    Address address = new Address();
    if (remote instanceof InetSocketAddress ip && ip.getAddress() != null) {
      byte[] text = ip.getAddress().getHostAddress().getBytes(StandardCharsets.US_ASCII);
      // Drops the zone of a link-local address.
      if (AddressParser.parseHostPort(text, 0, text.length, address)) {
        bytes = address.toString().getBytes(StandardCharsets.US_ASCII);
      }
    }
    return new Peer(bytes, address);
  }

  /** Canonical text, not to be changed; empty when there is no address. */
  byte[] bytes() {
    return bytes;
  }

  boolean isKnown() {
    return bytes.length > 0;
  }

  boolean is(Address other) {
    return isKnown() && other.hi() == address.hi() && other.lo() == address.lo();
  }
}
