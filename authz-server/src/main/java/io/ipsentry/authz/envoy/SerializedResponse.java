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
 * A response in its serialised form, which is written as it is. Its bytes must not change. Safe for
 * any thread.
 */
final class SerializedResponse {
  static final Marshaller<SerializedResponse> MARSHALLER = new PassingMarshaller();

  private final byte[] bytes;

  SerializedResponse(byte[] bytes) {
    this.bytes = bytes;
  }

  private static final class PassingMarshaller implements Marshaller<SerializedResponse> {
    @Override
    public InputStream stream(SerializedResponse value) {
      return new ResponseStream(value.bytes);
    }

    @Override
    public SerializedResponse parse(InputStream stream) {
      try {
        return new SerializedResponse(stream.readAllBytes());
      } catch (IOException e) {
        throw new UncheckedIOException("a response could not be read", e);
      }
    }
  }

  /** Says its length and writes itself in one piece: gRPC then copies it only once. */
  private static final class ResponseStream extends ByteArrayInputStream
      implements KnownLength, Drainable {
    ResponseStream(byte[] bytes) {
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
