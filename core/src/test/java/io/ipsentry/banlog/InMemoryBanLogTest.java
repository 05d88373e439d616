package io.ipsentry.banlog;

import java.util.Optional;
import org.junit.jupiter.api.Nested;

final class InMemoryBanLogTest extends BanLogContract {
  @Override
  protected BanLog create() {
    return new InMemoryBanLog();
  }

  @Override
  protected Optional<BanLog> openAgain() {
    return Optional.empty();
  }

  @Override
  protected Optional<BanLog> createSmall() {
    return Optional.of(new InMemoryBanLog(1_050));
  }

  @Nested
  final class History extends BanHistoryContract {
    @Override
    protected BanLog create() {
      return new InMemoryBanLog();
    }
  }

  @Nested
  final class Stored extends CheckpointsContract {
    @Override
    protected Checkpoints create() {
      return new InMemoryBanLog();
    }
  }
}
