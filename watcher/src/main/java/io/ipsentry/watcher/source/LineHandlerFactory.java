package io.ipsentry.watcher.source;

/** Makes the handler of a stream when its first line is about to be read. */
@FunctionalInterface
public interface LineHandlerFactory {
  /** Returns a handler of its own for {@code stream}; called by the thread that polls. */
  LineHandler open(StreamInfo stream);
}
