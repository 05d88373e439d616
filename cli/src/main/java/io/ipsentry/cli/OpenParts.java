package io.ipsentry.cli;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What was opened, to be closed in reverse order, each whatever becomes of the others. */
final class OpenParts implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(OpenParts.class);

  private final Deque<AutoCloseable> parts = new ArrayDeque<>();

  /** Takes a part, and gives it back. */
  synchronized <T extends AutoCloseable> T add(T part) {
    parts.push(part);
    return part;
  }

  /** A second call does nothing. */
  @Override
  public synchronized void close() {
    while (!parts.isEmpty()) {
      AutoCloseable part = parts.pop();
      try {
        part.close();
      } catch (Exception e) { // AutoCloseable allows any; the others must be closed all the same
        logger.atError().setCause(e).addKeyValue("part", part.getClass()).log("cannot close");
      }
    }
  }
}
