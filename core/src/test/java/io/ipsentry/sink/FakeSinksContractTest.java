package io.ipsentry.sink;

import io.ipsentry.net.IpPrefix;
import java.util.List;
import org.junit.jupiter.api.Nested;

/** The fakes keep the promises too. */
final class FakeSinksContractTest {
  @Nested
  final class State extends StateSinkContract {
    private final FakeStateSink sink = new FakeStateSink();

    @Override
    protected StateSink sink() {
      return sink;
    }

    @Override
    protected void putForeign(IpPrefix target) {
      sink.putForeign(target);
    }

    @Override
    protected List<IpPrefix> all() {
      return List.copyOf(sink.there.keySet());
    }

    @Override
    protected void failNext() {
      sink.failures.add(SinkException.transientFailure("down", null));
    }

    @Override
    protected void loseNextAnswer() {
      sink.lostAnswers.add(SinkException.transientFailure("no answer", null));
    }
  }

  @Nested
  final class Events extends EventSinkContract {
    private final FakeEventSink sink = new FakeEventSink();

    @Override
    protected EventSink sink() {
      return sink;
    }

    @Override
    protected List<Long> taken() {
      return sink.taken;
    }

    @Override
    protected void failNext() {
      sink.failures.add(SinkException.transientFailure("down", null));
    }
  }
}
