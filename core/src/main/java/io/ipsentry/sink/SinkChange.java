package io.ipsentry.sink;

import io.ipsentry.net.IpPrefix;

/** One step from what a {@link StateSink} holds to what it ought to hold. */
public sealed interface SinkChange {
  /** What it concerns. */
  IpPrefix target();

  /** An entry is missing. */
  record Create(IpPrefix target, long ban) implements SinkChange {}

  /** An entry is of another ban, or does something else than is configured. */
  record Update(SinkEntry entry, long ban) implements SinkChange {
    @Override
    public IpPrefix target() {
      return entry.target();
    }
  }

  /** An entry of ours ought not to be there. */
  record Delete(SinkEntry entry) implements SinkChange {
    @Override
    public IpPrefix target() {
      return entry.target();
    }
  }
}
