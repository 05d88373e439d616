package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code ip-sentry run} with the rule by its log and, in a namespace, its enforcer. */
final class IpSentry implements Product {
  /** Of its set for IPv4. */
  static final String SET = "ip-blocker-4";

  static final String ENFORCES = "the kernel enforces the bans";

  private static final String STARTED = "\"started\"";

  private static final String SOURCES =
      """
      sources: [{ file: %s, format: combined }]
      rules:
        - { name: probing, match: { packs: [default] }, threshold: 3, window: 10m, ban: 1d }
      trustedProxies: []
      """;

  /** Inline: the same rule, asked by the gateway. */
  private static final String INLINE =
      """
      authz: { listen: "127.0.0.1:9001", http: "127.0.0.1:9002", callers: [127.0.0.1], rules: [probing] }
      rules:
        - { name: probing, on: request, match: { packs: [default], anyStatus: true }, threshold: 3, window: 10m, ban: 1d }
      sources: []
      """;

  private final List<String> program;

  /**
   * @param program how the program is started, without its command
   */
  IpSentry(List<String> program) {
    this.program = program;
  }

  @Override
  public String name() {
    return Subject.IP_SENTRY;
  }

  @Override
  public Optional<String> absent() {
    return Optional.empty();
  }

  /** A command line of it. */
  List<String> command(List<String> arguments) {
    List<String> command = new ArrayList<>(program);
    command.addAll(arguments);
    return command;
  }

  @Override
  public Running start(@Nullable NetworkNamespace node, Path directory, Path log)
      throws IOException, InterruptedException {
    String config = SOURCES.formatted(log) + (node == null ? "" : "enforcer: { backend: ipset }\n");
    return start(node, directory, config, node == null ? STARTED : ENFORCES);
  }

  /** The gateway asks before it answers; nothing is read or dropped. */
  Running startInline(NetworkNamespace node, Path directory)
      throws IOException, InterruptedException {
    return start(node, directory, INLINE, STARTED);
  }

  private Running start(
      @Nullable NetworkNamespace node, Path directory, String config, String ready)
      throws IOException, InterruptedException {
    Path file =
        Files.writeString(
            directory.resolve("config.yaml"),
            config
                + """
                store: { path: %1$s/store.db }
                admin: { socket: %1$s/admin.sock }
                metrics: { listen: "off" }
                """
                    .formatted(directory));
    Daemon daemon =
        Daemon.start(
            node,
            directory.resolve("run.log"),
            Map.of("IP_SENTRY_NO_BUILD", "1"),
            command(List.of("run", "--config", file.toString())));
    try {
      daemon.await(STARTED);
      daemon.await(ready);
    } catch (IOException | InterruptedException | RuntimeException e) {
      daemon.close();
      throw e;
    }
    return new OneProcess(daemon);
  }
}
