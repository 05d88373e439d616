package io.ipsentry.sink;

/**
 * A system outside that is told of bans: a {@link StateSink} holds what is banned now, an {@link
 * EventSink} is told what happened. Used by one thread at a time, which its {@link SinkLoop} owns;
 * what it waits for, only that sink waits for. Trouble is a {@link SinkException}, never another
 * exception. An interrupt makes what it waits for fail as transient, and stays set.
 *
 * <p>Every implementation passes {@code StateSinkContract} or {@code EventSinkContract}.
 */
public sealed interface BanSink extends AutoCloseable permits StateSink, EventSink {
  /** Such as {@code cloudflare}; a label of metrics. */
  String kind();

  /** Lets go of connections. A second call does nothing. */
  @Override
  void close();
}
