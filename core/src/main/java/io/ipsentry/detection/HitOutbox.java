package io.ipsentry.detection;

import java.util.List;

/**
 * Numbered hits of lines on their way to the process that owns the windows. Who adds hits has
 * stored them under their numbers before, so that a restart can go on with the same ones; none is
 * refused, and who adds is to stop reading while there is no room. Never waits. Safe for any
 * thread; hits are added by one.
 */
public interface HitOutbox {
  /** Number that the next hit gets. */
  long next();

  /** Takes hits, numbered from {@link #next} on. */
  void add(List<ReportedHit> hits);

  /** False while so many hits wait for the owner that no more should be found. */
  boolean hasRoom();

  /** Number of the first hit that is kept; those before it need not be stored any longer. */
  long firstKept();
}
