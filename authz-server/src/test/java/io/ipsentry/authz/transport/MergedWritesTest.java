package io.ipsentry.authz.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class MergedWritesTest {
  private static final int ROUNDS = 2_000;

  private final EmbeddedChannel channel = new EmbeddedChannel(new MergedWrites());
  private final List<ByteBuf> written = new ArrayList<>();

  @AfterEach
  void everythingIsReleased() {
    channel.finishAndReleaseAll();
    assertThat(written).allSatisfy(bytes -> assertThat(bytes.refCnt()).isZero());
  }

  private ChannelFuture write(byte... bytes) {
    ByteBuf buffer = Unpooled.buffer(bytes.length + 1).writeBytes(bytes);
    written.add(buffer);
    return channel.write(buffer);
  }

  /** What has left since the last call, a buffer each. */
  private List<byte[]> left() {
    List<byte[]> left = new ArrayList<>();
    for (ByteBuf next = channel.readOutbound(); next != null; next = channel.readOutbound()) {
      left.add(ByteBufUtil.getBytes(next));
      next.release();
    }
    return left;
  }

  @Test
  void write_smallOnes_leaveInOnePieceAtTheFlush() {
    ChannelFuture first = write((byte) 1, (byte) 2);
    ChannelFuture second = write((byte) 3);

    channel.runPendingTasks();
    assertThat(left()).isEmpty();
    assertThat(first.isDone() || second.isDone()).isFalse();

    channel.flush();

    assertThat(left()).containsExactly(new byte[] {1, 2, 3});
    assertThat(first.isSuccess() && second.isSuccess()).isTrue();
  }

  @Test
  void write_largeAmongSmall_leavesBetweenThemAsItIs() {
    byte[] large = new byte[MergedWrites.LARGEST_COPIED_BYTES + 1];
    var first = write((byte) 1);
    var second = write(large);
    var third = write((byte) 2);

    channel.flush();

    assertThat(left()).containsExactly(new byte[] {1}, large, new byte[] {2});
    assertThat(List.of(first, second, third)).allMatch(ChannelFuture::isSuccess);
  }

  @Test
  void write_ofNothing_isToldToo() {
    ChannelFuture nothing = write();

    channel.flush();

    assertThat(nothing.isSuccess()).isTrue();
  }

  @Test
  void write_cancelledBefore_isLeftOut() {
    ByteBuf buffer = Unpooled.copiedBuffer(new byte[] {1});
    written.add(buffer);
    ChannelPromise cancelled = channel.newPromise();
    cancelled.cancel(false);
    ChannelFuture leftOut = channel.write(buffer, cancelled);
    ChannelFuture other = write((byte) 2);

    channel.flush();

    assertThat(leftOut.isCancelled() && other.isSuccess()).isTrue();
    assertThat(left()).containsExactly(new byte[] {2});
  }

  @Test
  void write_toAConnectionThatEnds_fails() {
    ChannelFuture before = write((byte) 1);
    // As when the peer goes: nobody closes through the pipeline.
    channel.unsafe().close(channel.voidPromise());
    channel.runPendingTasks();

    assertThat(before.isDone()).isTrue();
    assertThat(before.isSuccess()).isFalse();
  }

  @Test
  void close_beforeAFlush_fails() {
    ChannelFuture last = write((byte) 1);

    ChannelFuture closed = channel.close();

    // Netty lets go of what was not flushed.
    assertThat(last.cause()).isInstanceOf(ClosedChannelException.class);
    assertThat(closed.isSuccess()).isTrue();
  }

  @Test
  void write_anything_leavesInOrder() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    ByteArrayOutputStream expected = new ByteArrayOutputStream();
    ByteArrayOutputStream left = new ByteArrayOutputStream();
    List<ChannelFuture> told = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      byte[] bytes = new byte[random.nextInt(MergedWrites.LARGEST_COPIED_BYTES + 20)];
      random.nextBytes(bytes);
      expected.writeBytes(bytes);
      told.add(write(bytes));
      if (random.nextInt(100) == 0) {
        channel.flush();
        left().forEach(left::writeBytes);
        assertThat(told).as("seed %d", seed).allMatch(ChannelFuture::isSuccess);
      }
    }
    channel.flush();
    left().forEach(left::writeBytes);

    assertThat(left.toByteArray()).as("seed %d", seed).isEqualTo(expected.toByteArray());
    assertThat(told).as("seed %d", seed).allMatch(ChannelFuture::isSuccess);
  }
}
