package io.ipsentry.enforcer.sync;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.enforcer.desired.DesiredSet;
import io.ipsentry.enforcer.kernel.ForwardedForFilter;
import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernel as the configuration in force wants it: opened when it is needed first, and anew when
 * rules are to be others. Confined to the thread of the loop.
 */
final class OpenKernel {
  private static final Logger logger = LoggerFactory.getLogger(OpenKernel.class);

  private final Function<EnforcerConfig, NodeKernel> opener;
  private final Supplier<EnforcerConfig> config;
  private final SyncRecord record;
  private @Nullable NodeKernel kernel;
  private @Nullable EnforcerConfig opened;
  private @Nullable NodeKernel tidied;

  OpenKernel(
      Function<EnforcerConfig, NodeKernel> opener,
      Supplier<EnforcerConfig> config,
      SyncRecord record) {
    this.opener = opener;
    this.config = config;
    this.record = record;
  }

  private NodeKernel kernel() {
    EnforcerConfig wanted = config.get();
    NodeKernel current = kernel;
    if (current == null || opened == null || !sameRules(wanted, opened)) {
      relax();
      current = opener.apply(wanted);
      record.opened(current.filter().name());
      logger
          .atInfo()
          .addKeyValue("backend", current.filter().name())
          .addKeyValue("reason", current.reason())
          .log("the kernel was opened");
      kernel = current;
    }
    opened = wanted;
    return current;
  }

  private static boolean sameRules(EnforcerConfig left, EnforcerConfig right) {
    return left.ports().equals(right.ports())
        && left.verdict() == right.verdict()
        && left.forwardedForPorts().equals(right.forwardedForPorts());
  }

  /** Drops packets of banned sources. */
  PacketFilter filter() {
    return kernel().filter();
  }

  /** The newest bans, whatever their provenance, are looked for in headers where that is wanted. */
  void headers(DesiredSet desired, long now) {
    var enforce = kernel().forwardedFor();
    if (enforce.isPresent()) {
      DesiredSet.Newest newest = desired.newest(ForwardedForFilter.MAX_BANS, now);
      ForwardedForFilter.Outcome outcome = enforce.get().apply(newest.bans());
      record.headersLeftOut(outcome.leftOut().size() + newest.more());
    } else {
      record.headersLeftOut(0);
    }
  }

  /**
   * Removes what enforced before. Only when this kernel enforces: there must be no moment without.
   */
  void tidy() {
    NodeKernel node = kernel();
    if (node.equals(tidied)) {
      return;
    }
    List<String> flushed = node.flushOthers().get();
    if (!flushed.isEmpty()) {
      logger.atInfo().addKeyValue("what", flushed).log("what enforced before was removed");
    }
    record.mismatch(node.mismatch().get());
    tidied = node;
  }

  /** After a change, not before the next: that one is in a hurry. */
  void makeReady() {
    NodeKernel node = kernel;
    if (node != null) {
      node.filter().makeReady();
    }
  }

  private void relax() {
    NodeKernel node = kernel;
    if (node != null) {
      node.filter().relax();
    }
  }

  /** Leaves the kernel as {@code onExit} says. */
  void exit() {
    relax();
    NodeKernel node = kernel;
    if (config.get().onExit() == EnforcerConfig.OnExit.FLUSH && node != null) {
      try {
        node.flush().run();
        logger.atInfo().log("the rules and sets of this instance were removed");
      } catch (PacketFilterException e) {
        logger
            .atError()
            .addKeyValue("message", e.getMessage())
            .log("the rules and sets could not be removed");
      }
    }
  }
}
