package io.ipsentry.watcher.source;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A handler that keeps its lines; safe for any thread. */
final class Lines implements LineHandler {
  private final List<String> lines = new CopyOnWriteArrayList<>();
  private volatile boolean ended;

  @Override
  public boolean line(byte[] b, int from, int to, long observedAtMillis) {
    lines.add(new String(b, from, to - from, StandardCharsets.ISO_8859_1));
    return true;
  }

  @Override
  public void end() {
    ended = true;
  }

  List<String> list() {
    return lines;
  }

  boolean ended() {
    return ended;
  }
}
