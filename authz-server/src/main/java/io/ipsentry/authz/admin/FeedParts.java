package io.ipsentry.authz.admin;

import com.google.protobuf.ByteString;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.feed.FeedCodec;
import io.ipsentry.feed.InvalidFeedException;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.proto.v1.FeedPartRequest;
import io.ipsentry.proto.v1.FeedPartResponse;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Function;

/** The prefixes of a feed in parts, at both ends of the wire. Stateless. */
public final class FeedParts {
  /** Bytes of a part. */
  static final int PART_BYTES = 1 << 20;

  /** A feed of 16 million prefixes. */
  private static final int MAX_PARTS = 512;

  private FeedParts() {}

  /** A part of a set; none, if there is none of that number. */
  static FeedPartResponse part(PrefixSet prefixes, int part) {
    byte[] bytes = FeedCodec.bytes(prefixes);
    int parts = Math.ceilDiv(bytes.length, PART_BYTES);
    if (part < 0 || part >= parts) {
      return FeedPartResponse.getDefaultInstance();
    }
    int from = part * PART_BYTES;
    int size = Math.min(PART_BYTES, bytes.length - from);
    return FeedPartResponse.newBuilder()
        .setBytes(ByteString.copyFrom(bytes, from, size))
        .setParts(parts)
        .build();
  }

  /**
   * Reads a content.
   *
   * @param feed as the log announced it
   * @param call asks for a part
   * @return empty: it cannot be had, or is another one
   */
  public static Optional<PrefixSet> read(
      BanEvent.Feed feed, Function<FeedPartRequest, FeedPartResponse> call) {
    ByteString bytes = ByteString.EMPTY;
    int parts = 1;
    for (int part = 0; part < parts; part++) {
      FeedPartResponse response =
          call.apply(
              FeedPartRequest.newBuilder()
                  .setFeed(feed.feed())
                  .setDigest(feed.digest())
                  .setPart(part)
                  .build());
      parts = response.getParts();
      if (parts < 1 || parts > MAX_PARTS) {
        return Optional.empty();
      }
      bytes = bytes.concat(response.getBytes());
    }
    if (!FeedCodec.digest(bytes.toByteArray()).equals(feed.digest())) {
      return Optional.empty();
    }
    try {
      return Optional.of(FeedCodec.read(bytes.newInput(), bytes.size()));
    } catch (InvalidFeedException | IOException e) {
      return Optional.empty();
    }
  }
}
