package io.ipsentry.banlog;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Checkpoints that end with the process. Safe for any thread. */
public final class InMemoryCheckpoints implements Checkpoints {
  private TreeMap<String, byte[]> stored = new TreeMap<>();

  @Override
  public synchronized void save(Consumer<Changes> changes) {
    TreeMap<String, byte[]> changed = new TreeMap<>(stored);
    changes.accept(
        new Changes() {
          @Override
          public void put(String name, byte[] bytes) {
            AppendChecks.checkCheckpoint(name, bytes);
            changed.put(name, bytes.clone());
          }

          @Override
          public void forget(String name) {
            changed.remove(name);
          }
        });
    stored = changed;
  }

  @Override
  public synchronized Map<String, byte[]> load() {
    TreeMap<String, byte[]> copy = new TreeMap<>();
    stored.forEach((name, bytes) -> copy.put(name, bytes.clone()));
    return copy;
  }

  @Override
  public synchronized Optional<byte[]> load(String name) {
    return Optional.ofNullable(stored.get(name)).map(byte[]::clone);
  }
}
