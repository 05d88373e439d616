package io.ipsentry.authz.checks;

import com.google.protobuf.ByteString;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.authz.verdict.CheckedRequest;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Checked requests as messages of {@code ipsentry.v1} and back. Stateless. */
public final class CheckMessages {
  private static final int ADDRESS_BYTES = 16;
  private static final int MAX_POLICY_CHARS = 128;

  private CheckMessages() {}

  static io.ipsentry.proto.v1.CheckedRequest toProto(CheckedRequest check) {
    io.ipsentry.proto.v1.CheckedRequest.Builder message =
        io.ipsentry.proto.v1.CheckedRequest.newBuilder()
            .setAt(WireMessages.toProto(check.at()))
            .setPolicy(check.policy())
            .setHost(check.host())
            .setPathHash(check.path());
    check
        .client()
        .ifPresent(client ->
            message
                .setAddress(
                    ByteString.copyFrom(
                        ByteBuffer.allocate(ADDRESS_BYTES)
                            .putLong(client.address().hi())
                            .putLong(client.address().lo())
                            .flip()))
                .setSeenAs(
                    client.seenAs() == SeenAs.PEER
                        ? io.ipsentry.proto.v1.SeenAs.SEEN_AS_PEER
                        : io.ipsentry.proto.v1.SeenAs.SEEN_AS_FORWARDED));
    return message.build();
  }

  /**
   * A check.
   *
   * @throws IllegalArgumentException if a field cannot be understood; the message begins with its
   *     name
   */
  public static CheckedRequest check(io.ipsentry.proto.v1.CheckedRequest message) {
    if (message.getPolicy().length() > MAX_POLICY_CHARS) {
      throw new IllegalArgumentException(
          "policy: must have at most " + MAX_POLICY_CHARS + " characters");
    }
    if (message.getHost().length() > CheckedRequest.MAX_HOST_CHARS) {
      throw new IllegalArgumentException(
          "host: must have at most " + CheckedRequest.MAX_HOST_CHARS + " characters");
    }
    return new CheckedRequest(
        WireMessages.time(message.getAt()),
        message.getPolicy(),
        message.getHost(),
        message.getPathHash(),
        client(message));
  }

  private static Optional<CheckedRequest.Client> client(
      io.ipsentry.proto.v1.CheckedRequest message) {
    if (message.getAddress().isEmpty()) {
      return Optional.empty();
    }
    if (message.getAddress().size() != ADDRESS_BYTES) {
      throw new IllegalArgumentException("address: must have 16 bytes, or none");
    }
    ByteBuffer address = message.getAddress().asReadOnlyByteBuffer();
    SeenAs seenAs =
        switch (message.getSeenAs()) {
          case SEEN_AS_PEER -> SeenAs.PEER;
          case SEEN_AS_FORWARDED -> SeenAs.FORWARDED;
          default -> throw new IllegalArgumentException("seen_as: must be PEER or FORWARDED");
        };
    return Optional.of(
        new CheckedRequest.Client(IpPrefix.address(address.getLong(), address.getLong()), seenAs));
  }
}
