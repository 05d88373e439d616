package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One place that lines come from.
 *
 * @param name unique in a configuration: as written, else made from the input
 * @param input what is read
 * @param format how its lines are written
 * @param timeZone zone of stamps that name none (sshd, error logs); null: the zone of this host
 * @param client which address of a line is the client
 * @param trustedProxies whose forwarding headers are believed: its own, else the global ones
 * @param seenAs provenance of the client where the line does not tell; null: derived from the line
 *     and {@code client}
 * @param startAt where reading begins when no position is stored
 * @param reader which process of a cluster reads it
 */
public record SourceConfig(
    String name,
    Input input,
    FormatConfig format,
    @Nullable ZoneId timeZone,
    ClientConfig client,
    TrustedProxies trustedProxies,
    @Nullable SeenAs seenAs,
    StartAt startAt,
    Reader reader) {

  /** The same, where names of networks mean further prefixes too. */
  SourceConfig withNetworks(Map<String, PrefixSet> networks) {
    return new SourceConfig(
        name,
        input,
        format,
        timeZone,
        client,
        trustedProxies.with(networks),
        seenAs,
        startAt,
        reader);
  }

  /** What a source reads. */
  public sealed interface Input {
    /**
     * Files that are followed.
     *
     * @param globs absolute paths, in which {@code *}, {@code ?}, {@code [..]} and {@code **} stand
     *     for many; not empty
     */
    record Files(List<String> globs) implements Input {
      public Files {
        globs = List.copyOf(globs);
      }

      /** The longest leading directory of a glob that has no wildcard. */
      public static Path root(String glob) {
        int wildcard = 0;
        while (wildcard < glob.length() && "*?[{".indexOf(glob.charAt(wildcard)) < 0) {
          wildcard++;
        }
        int slash = glob.lastIndexOf('/', wildcard == glob.length() ? wildcard : wildcard - 1);
        return Path.of(slash <= 0 ? "/" : glob.substring(0, slash));
      }
    }

    /**
     * The systemd journal.
     *
     * @param units whose entries are read; empty: all
     * @param matches what else they must match, as arguments of {@code journalctl}; empty: nothing
     * @param directory absolute path of its files; empty: where this host keeps them
     */
    record Journald(List<String> units, List<String> matches, Optional<String> directory)
        implements Input {
      public Journald {
        units = List.copyOf(units);
        matches = List.copyOf(matches);
      }
    }

    /** Standard input. */
    record Stdin() implements Input {}

    /**
     * Containers of pods, whose logs the leading watcher of a cluster reads through the API server.
     *
     * @param namespace of the pods
     * @param selector of their labels, as the API server takes it
     * @param container whose log is read; empty: those of all containers
     */
    record Pods(String namespace, String selector, Optional<String> container) implements Input {}

    /**
     * What gateways send to the access-log service of {@link AuthzConfig#listen}.
     *
     * @param logNames whose entries are taken, as Envoy's {@code log_name} says; empty: those that
     *     no other source names
     */
    record AccessLogService(List<String> logNames) implements Input {
      public AccessLogService {
        logNames = List.copyOf(logNames);
      }
    }
  }

  /** Where reading a file begins when no position is stored. */
  public enum StartAt {
    /** Only what is written from now on. */
    END,
    /** All that is there; old hits are outside the windows by their event time. */
    BEGINNING
  }

  /** Which process of a cluster reads a source; {@code ip-sentry run} reads all by itself. */
  public enum Reader {
    /** The watcher that leads. */
    WATCHER,
    /** The agent of each node. */
    AGENT
  }
}
