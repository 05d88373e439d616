package io.ipsentry.watcher.source;

import io.ipsentry.kubernetes.pods.PodContainer;
import io.ipsentry.kubernetes.pods.PodLogException;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is or was wrong with the log of a container, and what is said of it. Confined to the polling
 * thread.
 */
final class PodStreamTrouble {
  private static final Logger logger = LoggerFactory.getLogger(PodStreamTrouble.class);

  private final String source;
  private final PodContainer.Key key;
  private long failures;
  private long gaps;
  private String problem = "";
  private boolean forbidden;

  PodStreamTrouble(String source, PodContainer.Key key) {
    this.source = source;
    this.key = key;
  }

  /** It can be read. */
  void none() {
    problem = "";
    forbidden = false;
  }

  /** An answer did not come to its end. */
  void brokeOff(IOException failure) {
    failures++;
    problem = "the connection broke: " + failure.getMessage();
  }

  /**
   * It is not given.
   *
   * @param gone whether the pod is, too, so that there need not be a log
   */
  void refused(PodLogException refused, boolean gone) {
    if (refused.reason() == PodLogException.Reason.NO_LOG) {
      problem = gone ? "" : String.valueOf(refused.getMessage());
      return;
    }
    forbidden |= refused.reason() == PodLogException.Reason.FORBIDDEN;
    failures++;
    String now = String.valueOf(refused.getMessage());
    if (!now.equals(problem)) {
      logger
          .atWarn()
          .addKeyValue("source", source)
          .addKeyValue("container", key)
          .addKeyValue("cause", now)
          .log("log of a container cannot be read; it is tried again");
    }
    problem = now;
  }

  /** Lines may be missing. */
  void gap(String why) {
    gaps++;
    logger
        .atWarn()
        .addKeyValue("source", source)
        .addKeyValue("container", key)
        .addKeyValue("cause", why)
        .log("lines of a container may be missing");
  }

  /** Answers that broke off, and refusals. */
  long failures() {
    return failures;
  }

  /** Times that lines may be missing. */
  long gaps() {
    return gaps;
  }

  /** Why it cannot be read now; empty: it can. */
  String problem() {
    return problem;
  }

  /** Whether that is for want of a right. */
  boolean isForbidden() {
    return forbidden;
  }

  /** What is to be noted of it; empty: nothing. */
  String note() {
    return problem.isEmpty() && gaps > 0 ? gaps + " times lines may be missing" : problem;
  }
}
