package io.ipsentry.authz.transport;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.ReflectiveChannelFactory;
import io.netty.channel.ServerChannel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gives the kernel the small writes of a connection in one piece. An answer of gRPC is five buffers
 * of 9 to 60 bytes, and those of all calls that came together are written together: each would be
 * an entry of a list, in Netty and in the system call, that costs more than its bytes do.
 *
 * <p>What is written stays in order, and is told to be written when the piece is. A piece waits for
 * the flush that follows its writes, or for a large write, or until it is full. Confined to the
 * thread of the connection.
 */
public final class MergedWrites extends ChannelOutboundHandlerAdapter {
  /** Larger buffers cost less to hand on than to copy. */
  static final int LARGEST_COPIED_BYTES = 256;

  /** Of a piece: the answers to some 80 checks. */
  static final int PIECE_BYTES = 8 * 1024;

  /** Of the piece; an array, because copying from buffer to buffer makes objects. */
  private byte[] piece = new byte[0];

  private int length;
  private List<ChannelPromise> promises = new ArrayList<>();

  /**
   * Makes listening sockets whose connections merge their writes.
   *
   * @param type of socket, with a constructor without parameters
   */
  public static ChannelFactory<ServerChannel> listening(Class<? extends ServerChannel> type) {
    ReflectiveChannelFactory<? extends ServerChannel> plain = new ReflectiveChannelFactory<>(type);
    return () -> {
      ServerChannel channel = plain.newChannel();
      channel.pipeline().addFirst(new Accepted());
      return channel;
    };
  }

  /** Sees the connections that a socket accepts before whoever serves them. */
  @ChannelHandler.Sharable
  private static final class Accepted extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
      if (accepted instanceof Channel connection) {
        connection.pipeline().addFirst(new MergedWrites());
      }
      context.fireChannelRead(accepted);
    }
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (!(message instanceof ByteBuf bytes) || bytes.readableBytes() > LARGEST_COPIED_BYTES) {
      handOn(context);
      var ignored = context.write(message, promise);
      return;
    }
    if (!promise.setUncancellable()) {
      bytes.release();
      return;
    }
    int added = bytes.readableBytes();
    if (added > PIECE_BYTES - length) {
      handOn(context);
    }
    if (piece.length == 0) {
      piece = new byte[PIECE_BYTES];
    }
    bytes.readBytes(piece, length, added);
    length += added;
    bytes.release();
    if (!promise.isVoid()) {
      promises.add(promise);
    }
  }

  /** Passes on the piece, if there is one. */
  private void handOn(ChannelHandlerContext context) {
    if (length == 0 && promises.isEmpty()) {
      return;
    }
    ByteBuf written = context.alloc().ioBuffer(length, length).writeBytes(piece, 0, length);
    List<ChannelPromise> waiting = promises;
    length = 0;
    promises = new ArrayList<>(waiting.size());
    context.write(written).addListener((ChannelFuture done) -> tell(waiting, done.cause()));
  }

  private static void tell(List<ChannelPromise> waiting, @Nullable Throwable failure) {
    for (ChannelPromise promise : waiting) {
      if (failure == null) {
        promise.trySuccess();
      } else {
        promise.tryFailure(failure);
      }
    }
  }

  @Override
  public void flush(ChannelHandlerContext context) {
    handOn(context);
    context.flush();
  }

  @Override
  public void close(ChannelHandlerContext context, ChannelPromise promise) {
    handOn(context);
    var ignored = context.close(promise);
  }

  @Override
  public void disconnect(ChannelHandlerContext context, ChannelPromise promise) {
    handOn(context);
    var ignored = context.disconnect(promise);
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext context) {
    handOn(context);
  }
}
