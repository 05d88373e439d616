package io.ipsentry.authz.envoy;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor.Marshaller;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;

/**
 * A message in its serialised form, which is written as it is. Its bytes must not change. Safe for
 * any thread.
 */
final class SerializedMessage {
  static final Marshaller<SerializedMessage> MARSHALLER = new PassingMarshaller();

  private final byte[] bytes;

  SerializedMessage(byte[] bytes) {
    this.bytes = bytes;
  }

  /** The bytes themselves, for whoever does not change them. */
  byte[] bytes() {
    return bytes;
  }

  private static final class PassingMarshaller implements Marshaller<SerializedMessage> {
    @Override
    public InputStream stream(SerializedMessage value) {
      return new MessageStream(value.bytes);
    }

    @Override
    public SerializedMessage parse(InputStream stream) {
      try {
        return new SerializedMessage(stream.readAllBytes());
      } catch (IOException e) {
        throw new UncheckedIOException("a message could not be read", e);
      }
    }
  }

  /** Says its length and writes itself in one piece: gRPC then copies it only once. */
  private static final class MessageStream extends ByteArrayInputStream
      implements KnownLength, Drainable {
    MessageStream(byte[] bytes) {
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
