package io.ipsentry.authz.envoy;

import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.line.Slice;
import java.util.Arrays;

/**
 * What a {@code CheckRequest} says, as views of the bytes it came in.
 *
 * <p>Mutable and reused: valid until the next message is read by the same thread. Confined to one
 * thread.
 */
final class CheckMessage {
  private static final int INITIAL_JOINED_BYTES = 256;

  private final GatewayRequest request = new GatewayRequest();
  private final Slice token = new Slice();
  private WantedHeaders wanted = WantedHeaders.NONE;
  private Slice[] mapped = new Slice[0];
  private Slice[] listed = new Slice[0];

  /** Forgets the message before. */
  void clear(WantedHeaders newWanted) {
    request.clear();
    token.clear();
    if (newWanted != wanted) {
      wanted = newWanted;
      mapped = slices(newWanted.size());
      listed = slices(newWanted.size());
      return;
    }
    for (int i = 0; i < mapped.length; i++) {
      mapped[i].clear();
      listed[i].clear();
    }
  }

  /** The request; its {@link GatewayRequest#clientHeader} is for the caller to fill. */
  GatewayRequest request() {
    return request;
  }

  /** Context extension {@code token}. */
  Slice token() {
    return token;
  }

  WantedHeaders wanted() {
    return wanted;
  }

  /** Takes a header of the map form: the last one of a name counts. */
  void putMapped(int header, byte[] bytes, int from, int to) {
    set(mapped[header], bytes, from, to);
  }

  /** Takes a header of the list form: those of one name are joined with commas. */
  void addListed(int header, byte[] bytes, int from, int to) {
    Slice value = listed[header];
    if (!value.isPresent()) {
      set(value, bytes, from, to);
    } else if (to > from) {
      join(value, bytes, from, to);
    }
  }

  @SuppressWarnings("ReferenceEquality") // Whether the value has memory of its own.
  private void join(Slice value, byte[] bytes, int from, int to) {
    int length = value.length() + 1 + to - from;
    byte[] target = value.array();
    if (target == bytes || value.to() + 1 + to - from > target.length) {
      // Twice what is needed: many entries of one name then cost no more than their bytes.
      target = new byte[Math.max(2 * length, INITIAL_JOINED_BYTES)];
      System.arraycopy(value.array(), value.from(), target, 0, value.length());
      value.set(target, 0, value.length());
    }
    target[value.to()] = ',';
    System.arraycopy(bytes, from, target, value.to() + 1, to - from);
    value.set(target, value.from(), value.to() + 1 + to - from);
  }

  /** Value of a wanted header in either form; absent when it is empty. */
  Slice header(int header) {
    Slice value = listed[header];
    return value.isPresent() ? value : mapped[header];
  }

  /** Sets a field of the message; an empty one is absent, as in proto3. */
  static void set(Slice field, byte[] bytes, int from, int to) {
    if (to > from) {
      field.set(bytes, from, to);
    } else {
      field.clear();
    }
  }

  private static Slice[] slices(int count) {
    Slice[] slices = new Slice[count];
    Arrays.setAll(slices, i -> new Slice());
    return slices;
  }
}
