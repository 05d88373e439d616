package io.ipsentry.bench.check;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor.Marshaller;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;

/** Messages as they are on the wire: the least that a gRPC service can do with them. */
final class Bytes implements Marshaller<byte[]> {
  @Override
  public InputStream stream(byte[] value) {
    return new Message(value);
  }

  @Override
  public byte[] parse(InputStream stream) {
    try {
      return stream.readNBytes(stream.available());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static final class Message extends ByteArrayInputStream
      implements KnownLength, Drainable {
    Message(byte[] bytes) {
      super(bytes);
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
      int length = available();
      target.write(buf, pos, length);
      pos = count;
      return length;
    }
  }
}
