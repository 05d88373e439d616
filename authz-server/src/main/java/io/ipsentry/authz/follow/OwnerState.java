package io.ipsentry.authz.follow;

import io.grpc.Channel;
import io.grpc.Context;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanSnapshot;
import io.ipsentry.ban.InvalidSnapshotException;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.SnapshotRequest;
import io.ipsentry.proto.v1.SnapshotResponse;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The state of an owner's log, as its {@code Snapshot} gave it: whole, and its checksum was right.
 *
 * @param logId name of the log
 * @param bans the state; its head is what it goes up to
 * @param last the last event in it; null: the owner does not have it any more, or there is none
 */
record OwnerState(String logId, ActiveBans bans, @Nullable SequencedEvent last) {
  /** Most bytes that are read: thirty million bans. */
  static final long MAX_BYTES = 1L << 30;

  /** The owner cuts a slower reader too. */
  private static final Duration DEADLINE = Duration.ofMinutes(10);

  /**
   * Asks the owner. Takes memory for the state and a few chunks; waits, and ends when the thread is
   * interrupted.
   *
   * @param logId the log that is followed; empty: any
   * @param atLeast the state must hold the events up to this number
   * @param limits of the state
   * @throws io.grpc.StatusRuntimeException if the owner refuses or cannot be reached
   * @throws InvalidSnapshotException if what came is not a whole snapshot that this version reads
   */
  static OwnerState ask(Channel channel, String logId, long atLeast, ActiveBans.Limits limits) {
    // Whatever ends the reading ends the call too.
    Context.CancellableContext call = Context.current().withCancellation();
    Context before = call.attach();
    try {
      return read(channel, logId, atLeast, limits);
    } finally {
      call.detachAndCancel(before, null);
    }
  }

  private static OwnerState read(
      Channel channel, String logId, long atLeast, ActiveBans.Limits limits) {
    Iterator<SnapshotResponse> responses =
        BanServiceGrpc.newBlockingStub(channel)
            .withDeadlineAfter(DEADLINE.toSeconds(), TimeUnit.SECONDS)
            .snapshot(SnapshotRequest.newBuilder().setLogId(logId).setAtLeastSeq(atLeast).build());
    SnapshotResponse first = responses.hasNext() ? responses.next() : null;
    if (first == null || !first.hasHeader()) {
      throw new InvalidSnapshotException("it begins without a header");
    }
    SnapshotResponse.Header header = first.getHeader();
    if (header.getBytes() < 0 || header.getBytes() > MAX_BYTES) {
      throw new InvalidSnapshotException("more than " + MAX_BYTES + " bytes");
    }
    ActiveBans bans = read(new Chunks(responses, header.getBytes()), limits);
    if (bans.head() != header.getHead()) {
      throw new InvalidSnapshotException(
          "it goes up to event " + bans.head() + ", not " + header.getHead());
    }
    SequencedEvent last = header.hasLastEvent() ? WireMessages.event(header.getLastEvent()) : null;
    return new OwnerState(header.getLogId(), bans, last);
  }

  private static ActiveBans read(Chunks chunks, ActiveBans.Limits limits) {
    try (chunks) {
      return BanSnapshot.read(chunks, limits);
    } catch (IOException e) {
      throw new InvalidSnapshotException("it cannot be read", e);
    }
  }

  /** The bytes of the chunks, one after the other. */
  private static final class Chunks extends InputStream {
    private final Iterator<SnapshotResponse> responses;
    private long left;
    private InputStream chunk = InputStream.nullInputStream();

    Chunks(Iterator<SnapshotResponse> responses, long bytes) {
      this.responses = responses;
      this.left = bytes;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      int count = chunk.read(to, offset, length);
      while (count < 0 && responses.hasNext()) {
        SnapshotResponse response = responses.next();
        left -= response.getChunk().size();
        if (left < 0) {
          throw new InvalidSnapshotException("more bytes than it said");
        }
        chunk = response.getChunk().newInput();
        count = chunk.read(to, offset, length);
      }
      return count;
    }
  }
}
