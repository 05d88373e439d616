package io.ipsentry.kubernetes.pods;

import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Optional;

/**
 * The containers that are selected, and their logs. Safe for any thread.
 *
 * <p>What the kubelet has, it has by its rules: the file that is written to at the moment, not
 * those that were rotated; of the containers of a pod, the one that runs or ran last, and the one
 * before it; nothing of a pod that was deleted.
 */
public interface PodLogs extends AutoCloseable {
  /** A log that says nothing for so long is not waited for any longer. */
  Duration QUIET = Duration.ofSeconds(60);

  /**
   * Which part of a log.
   *
   * @param since lines with an earlier stamp are left out; the API server knows whole seconds only
   *     and takes the one that it lies in; empty: all that is there
   * @param previous of the container that ran before the one that runs or ran last
   * @param follow goes on with what is written, until the container ends
   */
  record Part(Optional<Instant> since, boolean previous, boolean follow) {}

  /**
   * What was selected when it was looked last.
   *
   * @param listed false: it could not be looked yet
   * @param containers of all pods
   * @param problem why it is not known what is there now; empty: it is
   */
  record Selected(boolean listed, Collection<PodContainer> containers, String problem) {}

  /** What is selected; the same object while nothing changes. Never waits. */
  Selected selected();

  /**
   * Sets what to call, from any thread, when {@link #selected()} is another.
   *
   * @param wakeUp quick and safe for any thread
   */
  void onChange(Runnable wakeUp);

  /**
   * Asks for a log, each line of it with the stamp of the runtime before it: {@code
   * 2026-11-21T07:00:00.123456789Z the line}. Waits until the first of it comes, which may be long;
   * an interrupt ends the waiting.
   *
   * @return whoever reads it closes it; {@link InputStream#close()} from another thread ends a read
   *     with an exception. That it ends does not say why: also a kubelet that was cut off looks so
   */
  InputStream open(PodContainer.Key container, Part part)
      throws PodLogException, InterruptedException;

  /** Looks no longer, and ends all connections. */
  @Override
  void close();
}
