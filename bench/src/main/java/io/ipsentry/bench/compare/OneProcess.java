package io.ipsentry.bench.compare;

import java.util.List;

/** A product that is one process. */
record OneProcess(Daemon daemon) implements Product.Running {
  @Override
  public List<Long> pids() {
    return List.of(daemon.pid());
  }

  @Override
  public void close() {
    daemon.close();
  }
}
