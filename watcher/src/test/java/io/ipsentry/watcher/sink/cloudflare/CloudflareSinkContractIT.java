package io.ipsentry.watcher.sink.cloudflare;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.sink.StateSink;
import io.ipsentry.sink.StateSinkContract;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;

final class CloudflareSinkContractIT extends StateSinkContract {
  private static final FakeCloudflare cloudflare = new FakeCloudflare();
  private final StateSink sink = Sinking.in(cloudflare).sink();

  @AfterEach
  void close() {
    sink.close();
    cloudflare.reset();
  }

  @AfterAll
  static void stop() {
    cloudflare.close();
  }

  @Override
  protected StateSink sink() {
    return sink;
  }

  @Override
  protected void putForeign(IpPrefix target) {
    String id =
        cloudflare.put(
            "zones/" + FakeCloudflare.ZONE, "ip", target.toString(), "whitelist", "the office");
    if (id.isEmpty()) {
      throw new IllegalStateException("it has an id");
    }
  }

  @Override
  protected List<IpPrefix> all() {
    return cloudflare.rules.values().stream()
        .map(rule -> IpPrefix.parse(rule.value()))
        .sorted()
        .toList();
  }

  @Override
  protected void failNext() {
    cloudflare.before.add(FakeCloudflare.error(502, 0, "bad gateway"));
  }

  @Override
  protected void loseNextAnswer() {
    cloudflare.after.add(FakeCloudflare.noAnswer());
  }
}
