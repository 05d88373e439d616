package io.ipsentry.authz.envoy;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Messages in the shape of a {@code CheckRequest} that no serialiser would write: fields in any
 * order and number, messages in pieces, unknown fields and groups, other wire types than the
 * schema's, numbers in more bytes than they need, and now and then damage.
 */
final class RandomCheckRequests {
  private static final List<String> KEYS =
      List.of(
          "x-forwarded-for",
          "user-agent",
          "x-envoy-external-address",
          "x-real-ip",
          "policy",
          "token",
          "accept",
          "cookie",
          "x-forwarded-foo",
          "");
  private static final List<String> VALUES =
      List.of(
          "203.0.113.7", "203.0.113.7, 10.0.0.1", "2001:db8::1", "curl/8.5.0", "", "é", "/.env");

  /** The fields that the skimmer reads, by message. */
  private enum Shape {
    CHECK,
    ATTRIBUTES,
    PEER,
    ADDRESS,
    SOCKET,
    REQUEST,
    HTTP,
    HEADER_MAP,
    ENTRY,
    HEADER,
    OPAQUE
  }

  private final Random random;
  private final boolean damaged;

  /**
   * @param damaged whether text may be no UTF-8 and bytes may be wrong
   */
  RandomCheckRequests(Random random, boolean damaged) {
    this.random = random;
    this.damaged = damaged;
  }

  byte[] next() {
    byte[] wire = message(Shape.CHECK, 0);
    if (damaged && random.nextInt(3) == 0) {
      return damage(wire);
    }
    return wire;
  }

  private byte[] damage(byte[] wire) {
    if (wire.length == 0) {
      return wire;
    }
    if (random.nextInt(3) == 0) {
      return Arrays.copyOf(wire, random.nextInt(wire.length));
    }
    byte[] changed = wire.clone();
    for (int i = random.nextInt(3); i >= 0; i--) {
      changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
    }
    return changed;
  }

  private byte[] message(Shape shape, int depth) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int fields = shape == Shape.CHECK ? 1 + random.nextInt(2) : random.nextInt(5);
    for (int i = 0; i < fields; i++) {
      if (random.nextInt(8) == 0) {
        unknown(out, 1 + random.nextInt(20), depth);
      } else {
        known(out, shape, depth);
      }
    }
    return out.toByteArray();
  }

  private void known(ByteArrayOutputStream out, Shape shape, int depth) {
    switch (shape) {
      case CHECK -> child(out, 1, Shape.ATTRIBUTES, depth);
      case ATTRIBUTES -> {
        switch (random.nextInt(4)) {
          case 0 -> child(out, 1, Shape.PEER, depth);
          case 1 -> child(out, 2, Shape.PEER, depth);
          case 2 -> child(out, 4, Shape.REQUEST, depth);
          default -> child(out, 10, Shape.ENTRY, depth);
        }
      }
      case PEER -> child(out, 1, Shape.ADDRESS, depth);
      case ADDRESS -> {
        int kind = random.nextInt(6);
        child(out, kind < 4 ? 1 : kind - 2, kind < 4 ? Shape.SOCKET : Shape.OPAQUE, depth);
      }
      case SOCKET -> {
        if (random.nextInt(3) == 0) {
          varint(out, 3 << 3, false);
          varint(out, random.nextInt(65_536), true);
        } else {
          text(out, 2, VALUES.get(random.nextInt(VALUES.size())));
        }
      }
      case REQUEST -> child(out, 2, Shape.HTTP, depth);
      case HTTP -> {
        switch (random.nextInt(6)) {
          case 0 -> text(out, 2, "GET");
          case 1 -> text(out, 4, VALUES.get(random.nextInt(VALUES.size())));
          case 2 -> text(out, 5, "app.example");
          case 3 -> child(out, 13, Shape.HEADER_MAP, depth);
          default -> child(out, 3, Shape.ENTRY, depth);
        }
      }
      case HEADER_MAP -> child(out, 1, Shape.HEADER, depth);
      case ENTRY, HEADER -> {
        if (random.nextBoolean()) {
          text(out, 1, KEYS.get(random.nextInt(KEYS.size())));
        } else {
          boolean raw = shape == Shape.HEADER && random.nextBoolean();
          text(out, raw ? 3 : 2, VALUES.get(random.nextInt(VALUES.size())));
        }
      }
      case OPAQUE -> unknown(out, 30 + random.nextInt(5), depth);
    }
  }

  private void child(ByteArrayOutputStream out, int field, Shape shape, int depth) {
    bytes(out, field, message(shape, depth + 1));
  }

  private void text(ByteArrayOutputStream out, int field, String text) {
    byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
    if (damaged && encoded.length > 0 && random.nextInt(20) == 0) {
      encoded[random.nextInt(encoded.length)] = (byte) 0xff;
    }
    bytes(out, field, encoded);
  }

  private void bytes(ByteArrayOutputStream out, int field, byte[] value) {
    varint(out, field << 3 | 2, true);
    varint(out, value.length, true);
    out.writeBytes(value);
  }

  /** A field that may have a number of the schema, but then has another wire type, or is new. */
  private void unknown(ByteArrayOutputStream out, int field, int depth) {
    switch (random.nextInt(damaged ? 6 : 5)) {
      case 0 -> {
        varint(out, field << 3, true);
        varint(out, random.nextInt() >>> random.nextInt(32), true);
      }
      case 1 -> {
        varint(out, field << 3 | 1, true);
        out.writeBytes(new byte[8]);
      }
      case 2 -> {
        varint(out, field << 3 | 5, true);
        out.writeBytes(new byte[4]);
      }
      case 3 -> bytes(out, field + 100, new byte[random.nextInt(20)]);
      case 4 -> {
        int nested = random.nextInt(10) == 0 ? 90 + random.nextInt(15) : random.nextInt(3);
        for (int i = 0; i <= nested; i++) {
          varint(out, field << 3 | 3, true);
        }
        if (random.nextBoolean()) {
          unknown(out, field, depth);
        }
        for (int i = 0; i <= nested; i++) {
          varint(out, field << 3 | 4, false);
        }
      }
      default -> varint(out, (field - 1) << 3 | random.nextInt(8), true);
    }
  }

  /**
   * Writes a number.
   *
   * @param padded whether it may take more bytes than it needs
   */
  private void varint(ByteArrayOutputStream out, int value, boolean padded) {
    long left = value & 0xffff_ffffL;
    int count = Math.max(1, (38 - Integer.numberOfLeadingZeros(value)) / 7);
    int most = damaged ? 11 : 10;
    int length =
        padded && random.nextInt(40) == 0 ? count + random.nextInt(most - count + 1) : count;
    for (int i = 0; i < length - 1; i++) {
      out.write((int) (left & 0x7f | 0x80));
      left >>>= 7;
    }
    out.write((int) (left & 0x7f));
  }
}
