package io.ipsentry.authz.envoy;

import io.grpc.KnownLength;
import io.grpc.MethodDescriptor.Marshaller;
import io.ipsentry.authz.transport.ThreadCounts;
import io.ipsentry.authz.verdict.RequestJudge;
import io.netty.util.concurrent.FastThreadLocal;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Reads a {@code CheckRequest} into the thread's own {@link CheckMessage}.
 *
 * <p>gRPC hands a message to its call's listener right after reading it, in the same thread; the
 * listener judges it there and then, and so the next message may have the same memory. Safe for any
 * thread.
 */
final class CheckRequestMarshaller implements Marshaller<CheckRequestMarshaller.Received> {
  private static final int INITIAL_BUFFER_BYTES = 4 * 1024;

  /** A larger buffer serves one message only, so that a thread does not keep it. */
  private static final int KEPT_BUFFER_BYTES = 64 * 1024;

  private final FastThreadLocal<Received> received;

  /** The thread's message, its judge, and the memory for both. Confined to the thread. */
  static final class Received {
    private final RequestJudge judge;
    private final ThreadCounts.OfThread allowed;
    private final CheckRequestSkimmer skimmer = new CheckRequestSkimmer();
    private final CheckMessage message = new CheckMessage();
    private byte[] buffer = new byte[INITIAL_BUFFER_BYTES];
    private Set<String> clientHeaders = Set.of();
    private WantedHeaders wanted = WantedHeaders.with(Set.of());
    private boolean valid;

    Received(RequestJudge judge, ThreadCounts.OfThread allowed) {
      this.judge = judge;
      this.allowed = allowed;
    }

    RequestJudge judge() {
      return judge;
    }

    /** Number 0: checks that let a request pass. */
    ThreadCounts.OfThread allowed() {
      return allowed;
    }

    /** Unspecified unless {@link #isValid}. */
    CheckMessage message() {
      return message;
    }

    /** Whether the bytes were a {@code CheckRequest}. */
    boolean isValid() {
      return valid;
    }

    @SuppressWarnings("ReferenceEquality") // A reload makes a new set; comparing would cost more.
    private void read(InputStream stream) throws IOException {
      Set<String> headers = judge.clientHeaders();
      if (headers != clientHeaders) {
        clientHeaders = headers;
        wanted = WantedHeaders.with(headers);
      }
      byte[] bytes = buffer;
      // Of a message that is not compressed gRPC knows the length; asking for its end costs more.
      boolean knownLength = stream instanceof KnownLength;
      int length = 0;
      int count = stream.read(bytes, 0, bytes.length);
      while (count > 0) {
        length += count;
        if (length == bytes.length) {
          bytes = Arrays.copyOf(bytes, 2 * length);
        }
        boolean over = knownLength && stream.available() == 0;
        count = over ? 0 : stream.read(bytes, length, bytes.length - length);
      }
      valid = skimmer.read(bytes, 0, length, wanted, message);
      if (bytes.length <= KEPT_BUFFER_BYTES) {
        buffer = bytes;
      }
    }
  }

  /**
   * @param judges makes the judge of a thread
   * @param counters what the thread counts in
   */
  CheckRequestMarshaller(Supplier<RequestJudge> judges, EnvoyCounters counters) {
    received =
        new FastThreadLocal<>() {
          @Override
          protected Received initialValue() {
            return new Received(judges.get(), counters.allowed.ofThread());
          }
        };
  }

  @Override
  public Received parse(InputStream stream) {
    Received current = received.get();
    try {
      current.read(stream);
    } catch (IOException e) {
      throw new UncheckedIOException("a message of a call could not be read", e);
    }
    return current;
  }

  @Override
  public InputStream stream(Received value) {
    throw new UnsupportedOperationException("only a client writes requests");
  }
}
