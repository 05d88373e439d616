package io.ipsentry.banlog;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Checkpoints that end with the process. Safe for any thread. */
public final class InMemoryCheckpoints implements Checkpoints {
  private final TreeMap<String, byte[]> stored = new TreeMap<>();

  @Override
  public synchronized void save(Map<String, byte[]> changed, Set<String> forgotten) {
    changed.forEach((name, bytes) -> {
      if (bytes.length > MAX_BYTES || name.length() > MAX_NAME_CHARS) {
        throw new IllegalArgumentException("a checkpoint or its name is too long: " + name);
      }
    });
    changed.forEach((name, bytes) -> stored.put(name, bytes.clone()));
    forgotten.forEach(stored::remove);
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
