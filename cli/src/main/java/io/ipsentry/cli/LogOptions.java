package io.ipsentry.cli;

import io.ipsentry.config.ClientConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.FormatConfig;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.line.LineFormats;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * How logs that are named on the command line are read: with the source of the configuration that
 * names them, else with its only source, else with what is built in; {@code --format} is stronger.
 */
final class LogOptions {
  /** Stands for standard input. */
  static final String STDIN = "-";

  @Option(
      names = {"-c", "--config"},
      paramLabel = "FILE",
      description = {
        "Rules, and how logs are read. Default: $IP_SENTRY_CONFIG, else"
            + " /etc/ip-sentry/ip-sentry.yaml if it exists, else what is built in."
      })
  private @Nullable Path config;

  @Option(
      names = {"-f", "--format"},
      paramLabel = "FORMAT",
      completionCandidates = Formats.class,
      description = "Format of the lines: ${COMPLETION-CANDIDATES}. Default: recognised.")
  private @Nullable String format;

  @Option(
      names = {"-s", "--source"},
      paramLabel = "NAME",
      description = "Read as this source of the configuration is read.")
  private @Nullable String sourceName;

  /** Names of formats, for help and completion. */
  static final class Formats extends ArrayList<String> {
    private static final long serialVersionUID = 1;

    Formats() {
      super(LineFormats.names());
    }
  }

  /** What to read with. */
  record Reading(Config config, SourceConfig source) {}

  /**
   * Finds out how to read.
   *
   * @param files that are named, without standard input
   */
  Reading reading(List<Path> files, Shell shell) {
    if (format != null && !LineFormats.names().contains(format)) {
      throw CommandException.usage(
          "unknown format '" + format + "'; known: " + String.join(", ", LineFormats.names()));
    }
    Config inForce = Locations.find(config, shell, ExitCode.NO).config();
    SourceConfig source = source(inForce, files);
    if (format != null && !format.equals(source.format().name())) {
      source =
          new SourceConfig(
              source.name(),
              source.input(),
              new FormatConfig(format, null, null),
              source.timeZone(),
              source.client(),
              source.trustedProxies(),
              source.seenAs(),
              source.startAt(),
              source.reader());
    }
    return new Reading(inForce, source);
  }

  private SourceConfig source(Config inForce, List<Path> files) {
    List<SourceConfig> sources = inForce.sources();
    if (sourceName != null) {
      return sources.stream()
          .filter(source -> source.name().equals(sourceName))
          .findFirst()
          .orElseThrow(() ->
              CommandException.usage(
                  "the configuration has no source '"
                      + sourceName
                      + "'; it has: "
                      + sources.stream().map(SourceConfig::name).toList()));
    }
    Optional<SourceConfig> naming =
        sources.stream()
            .filter(source -> files.stream().anyMatch(f -> names(source, f)))
            .findFirst();
    if (naming.isPresent()) {
      return naming.get();
    }
    return sources.size() == 1
        ? sources.getFirst()
        : new SourceConfig(
            "log",
            new SourceConfig.Input.Stdin(),
            FormatConfig.AUTO,
            null,
            ClientConfig.AUTO,
            inForce.trustedProxies(),
            null,
            SourceConfig.StartAt.BEGINNING,
            SourceConfig.Reader.WATCHER);
  }

  private static boolean names(SourceConfig source, Path file) {
    return source.input() instanceof SourceConfig.Input.Files files
        && files.globs().stream()
            .anyMatch(glob ->
                FileSystems.getDefault()
                    .getPathMatcher("glob:" + glob)
                    .matches(file.toAbsolutePath().normalize()));
  }

  /** The files among the arguments; each must be there and readable. */
  static List<Path> existing(List<String> logs) {
    List<Path> files = new ArrayList<>();
    for (String log : logs) {
      if (log.equals(STDIN)) {
        continue;
      }
      Path file = Path.of(log);
      if (!Files.exists(file)) {
        throw CommandException.failed("there is no log " + log);
      }
      if (Files.isDirectory(file)) {
        throw CommandException.failed(log + " is a directory; name the logs in it");
      }
      if (!Files.isReadable(file)) {
        throw CommandException.failed(log + " cannot be read; check its permissions");
      }
      files.add(file);
    }
    return files;
  }

  /** Bytes of all files; 0 when that cannot be told. */
  static long size(List<Path> files) throws IOException {
    long size = 0;
    for (Path file : files) {
      size += Files.size(file);
    }
    return size;
  }

  /** When the logs were written last, which tells the year of stamps that have none. */
  static InstantSource lastWritten(List<Path> files, Shell shell) throws IOException {
    Instant last = null;
    for (Path file : files) {
      Instant written = Files.getLastModifiedTime(file).toInstant();
      last = last == null || written.isAfter(last) ? written : last;
    }
    return last == null ? shell.clock() : InstantSource.fixed(last);
  }
}
