package io.ipsentry.cli;

import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.LogBanOperations;
import java.nio.file.Path;

final class LogBanOperationsTest extends BanOperationsContract {
  @Override
  BanOperations reach(LogBanOperations local, Path directory) {
    return local;
  }
}
