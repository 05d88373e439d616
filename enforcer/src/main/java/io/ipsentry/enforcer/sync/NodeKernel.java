package io.ipsentry.enforcer.sync;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.enforcer.kernel.ForwardedForFilter;
import io.ipsentry.enforcer.kernel.NodeRules;
import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import io.ipsentry.enforcer.kernel.PacketFilters;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernel of a node, opened as a configuration says.
 *
 * @param filter drops packets of banned sources
 * @param reason why this one and no other, for people
 * @param forwardedFor drops packets whose header names banned addresses, of those it is given;
 *     empty: none is looked for
 * @param mismatch why the filter does not go with the node's own rules; empty: it does
 * @param flushOthers removes what the instance had by another backend or in headers that are no
 *     longer wanted, and says what that was
 * @param flush removes everything of the instance
 */
public record NodeKernel(
    PacketFilter filter,
    String reason,
    Optional<Function<List<ForwardedForFilter.Ban>, ForwardedForFilter.Outcome>> forwardedFor,
    Supplier<Optional<String>> mismatch,
    Supplier<List<String>> flushOthers,
    Runnable flush) {
  private static final Logger logger = LoggerFactory.getLogger(NodeKernel.class);

  /**
   * Opens the kernel of this host; nothing is changed yet.
   *
   * @throws io.ipsentry.enforcer.kernel.PacketFilterException if nothing can enforce here
   */
  public static NodeKernel open(EnforcerConfig config, InstantSource clock) {
    PacketFilters.Choice choice = PacketFilters.open(config, clock);
    PacketFilter filter = choice.filter();
    ForwardedForFilter headers = ForwardedForFilter.open(config, clock);
    boolean searches = !config.forwardedForPorts().isEmpty();
    return new NodeKernel(
        filter,
        choice.reason(),
        searches ? Optional.of(headers::enforce) : Optional.empty(),
        () -> mismatch(config, filter),
        () -> {
          if (!searches) {
            flush(headers);
          }
          return PacketFilters.flushOthers(config, clock, filter);
        },
        () -> {
          flush(headers);
          filter.flush();
        });
  }

  /** Where there is no iptables-legacy, there are no headers that it searches. */
  private static void flush(ForwardedForFilter headers) {
    try {
      headers.flush();
    } catch (PacketFilterException e) {
      if (e.kind() != Cause.NO_PROGRAM && e.kind() != Cause.NO_MODULE) {
        throw e;
      }
    }
  }

  private static Optional<String> mismatch(EnforcerConfig config, PacketFilter filter) {
    try {
      return NodeRules.read(config).mismatch(filter);
    } catch (PacketFilterException e) {
      // It is only said to people, and no reason not to enforce.
      logger
          .atWarn()
          .addKeyValue("message", e.getMessage())
          .log("the node's own rules cannot be read");
      return Optional.empty();
    }
  }
}
