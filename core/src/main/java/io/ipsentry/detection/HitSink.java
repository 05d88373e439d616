package io.ipsentry.detection;

import io.ipsentry.rule.Hit;

/** Takes the hits of lines, in the order of the lines of a stream; called on the reading thread. */
@FunctionalInterface
public interface HitSink {
  void hit(Hit hit);
}
