package io.ipsentry.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code import traefik-plugin}: the fail2ban plugin of Traefik as a configuration of ours. */
@Command(
    name = "traefik-plugin",
    header = "Write a configuration for what the fail2ban plugin of Traefik was told.",
    description = {
      "Reads Middleware objects, Traefik's dynamic configuration, or the plugin's own. What has no"
          + " equivalent is said on standard error, with its line.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry import traefik-plugin middlewares.yaml --output ip-sentry.yaml",
      "  kubectl get middlewares -A -o yaml > m.yaml && ip-sentry import traefik-plugin m.yaml"
    })
final class ImportTraefikPluginCommand implements Callable<Integer> {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();

  @Option(names = "--output", paramLabel = "FILE", description = "Write to this file.")
  private @Nullable Path output;

  @Parameters(paramLabel = "FILE", description = "YAML or JSON.")
  private Path file = Path.of("");

  ImportTraefikPluginCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() throws IOException {
    Path directory = Objects.requireNonNullElse(file.toAbsolutePath().getParent(), file);
    return TraefikPluginImport.of(ImportedConfig.documents(file), directory).write(shell, output);
  }
}
