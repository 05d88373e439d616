package io.ipsentry.watcher.sink.cloudflare;

import io.ipsentry.config.Secret;
import io.ipsentry.config.SinkConfig;
import io.ipsentry.config.SinkConfig.ApiToken;
import io.ipsentry.config.SinkConfig.Credential;
import io.ipsentry.config.SinkConfig.Mode;
import io.ipsentry.config.SinkConfig.Scope;
import io.ipsentry.config.SinkConfig.Zone;
import io.ipsentry.sink.SinkEvents;
import io.ipsentry.watcher.sink.call.HttpCalls;
import java.net.URI;
import java.util.function.LongSupplier;

/** Sinks of a Cloudflare of the test's, which make as many requests as they like. */
record Sinking(Scope scope, Credential credential, Mode mode, int maxRules, URI api) {
  static Sinking in(FakeCloudflare cloudflare) {
    return new Sinking(
        new Zone(FakeCloudflare.ZONE),
        new ApiToken(new Secret(FakeCloudflare.TOKEN)),
        Mode.BLOCK,
        1_000,
        cloudflare.api());
  }

  Sinking scope(Scope other) {
    return new Sinking(other, credential, mode, maxRules, api);
  }

  Sinking credential(Credential other) {
    return new Sinking(scope, other, mode, maxRules, api);
  }

  Sinking mode(Mode other) {
    return new Sinking(scope, credential, other, maxRules, api);
  }

  SinkConfig.Cloudflare config() {
    return new SinkConfig.Cloudflare(scope, credential, mode, maxRules, api);
  }

  CloudflareSink sink() {
    return sink(() -> 0);
  }

  CloudflareSink sink(LongSupplier nanoTime) {
    CredentialBudget budget =
        new CredentialBudget(
            () -> 0,
            time -> {
              throw new IllegalStateException("nothing waits here");
            },
            nanoTime);
    return new CloudflareSink(config(), "home", new HttpCalls(() -> SinkEvents.AT), budget);
  }
}
