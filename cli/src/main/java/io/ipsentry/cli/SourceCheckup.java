package io.ipsentry.cli;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.config.Config;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.config.SourceConfig.Input;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.ReservedPrefixes;
import io.ipsentry.watcher.source.FilePatterns;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Looks at a source as {@code run} would find it now. */
final class SourceCheckup {
  /** Files of a source that are looked into; more are only counted. */
  private static final int MAX_FILES = 10;

  private static final Duration QUIET = Duration.ofDays(1);

  /** A stamp that is off by a whole number of these is a matter of time zones. */
  private static final Duration ZONE_STEP = Duration.ofMinutes(15);

  private static final Duration CLOCK_TOLERANCE = Duration.ofMinutes(2);

  private static final int MIN_LINES_TO_JUDGE = 20;

  private final Config config;
  private final ProtectedPrefixes protection;
  private final HostFiles host;
  private final Shell shell;
  private final List<Finding> findings = new ArrayList<>();
  private final List<LoggedRequest> requests = new ArrayList<>();

  SourceCheckup(Config config, ProtectedPrefixes protection, HostFiles host, Shell shell) {
    this.host = host;
    this.config = config;
    this.protection = protection;
    this.shell = shell;
  }

  /** What was found. */
  List<Finding> look(SourceConfig source) {
    findings.clear();
    String check = "source " + source.name();
    switch (source.input()) {
      case Input.Files files -> files(check, source, files);
      case Input.Journald journald -> journald(check);
      case Input.Stdin standard ->
          findings.add(Finding.ok(check, "standard input of run, which cannot be looked at"));
      case Input.Pods pods ->
          findings.add(
              Finding.ok(check, "pods, which the leading watcher reads; see ip-sentry status"));
      case Input.AccessLogService service ->
          findings.add(
              Finding.ok(check, "what gateways send to authz.listen, which cannot be looked at"));
    }
    return List.copyOf(findings);
  }

  /** The last requests of all files that were looked into. */
  List<LoggedRequest> requests() {
    return List.copyOf(requests);
  }

  private void journald(String check) {
    boolean found =
        Stream.of(shell.variable("PATH").orElse("/usr/bin:/bin").split(File.pathSeparator))
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, "journalctl")));
    findings.add(
        found
            ? Finding.ok(check, "journalctl is there")
            : Finding.fail(
                check, "there is no journalctl", "install systemd's journal, or read files"));
  }

  private void files(String check, SourceConfig source, Input.Files input) {
    FilePatterns.Expansion found = new FilePatterns(input.globs()).expand();
    List<Path> existing = found.files().keySet().stream().filter(Files::isRegularFile).toList();
    if (existing.isEmpty()) {
      findings.add(
          Finding.fail(
              check,
              "no file is there: " + String.join(", ", input.globs()),
              "check the path and the permissions of its directories"));
      return;
    }
    if (found.isCut()) {
      findings.add(
          Finding.warn(check, "more files match than are followed", "make the pattern narrower"));
    }
    existing.stream().limit(MAX_FILES).forEach(file -> file(check, source, file));
    if (existing.size() > MAX_FILES) {
      findings.add(
          Finding.ok(check, (existing.size() - MAX_FILES) + " more files were not looked into"));
    }
  }

  private void file(String check, SourceConfig source, Path file) {
    if (!host.isReadable(file)) {
      findings.add(
          Finding.fail(
              check,
              file + " cannot be read by " + shell.user().name(),
              "run as a user who may read it, such as a member of its group"));
      return;
    }
    try {
      Instant written = Files.getLastModifiedTime(file).toInstant();
      LogSample sample = LogSample.read(file, config, source, protection, written);
      requests.addAll(sample.requests());
      lines(check, source, file, written, sample);
      clients(check, file, sample);
      times(check, file, written, sample);
    } catch (IOException e) {
      findings.add(
          Finding.fail(
              check, file + " cannot be read: " + e.getMessage(), "check the file system"));
    }
  }

  private void lines(
      String check, SourceConfig source, Path file, Instant written, LogSample sample) {
    Duration quiet = Duration.between(written, shell.clock().instant());
    if (sample.lines() == 0) {
      findings.add(
          Finding.warn(check, file + " is empty", "check that the server writes its log there"));
      return;
    }
    if (source.format().filter() != null) {
      // Most lines of a healthy log are no failures.
      findings.add(
          Finding.ok(
              check,
              file
                  + ": the filter knows "
                  + (sample.lines() - sample.missed())
                  + " of the last "
                  + sample.lines()
                  + " lines"));
      return;
    }
    String read =
        file
            + ": "
            + (sample.lines() - sample.missed())
            + " of the last "
            + sample.lines()
            + " lines understood";
    if (sample.missed() == sample.lines()) {
      findings.add(
          Finding.fail(
              check,
              read,
              "see ip-sentry explain " + file + ", and name the format in the configuration"));
      return;
    }
    String format = read + " as " + sample.format();
    if (sample.missed() * 20 > sample.lines()) {
      findings.add(Finding.warn(check, format, "see which: ip-sentry explain " + file));
    } else if (quiet.compareTo(QUIET) > 0) {
      findings.add(
          Finding.warn(
              check,
              format + ", but not written for " + Times.format(quiet),
              "check that the server writes its log there"));
    } else {
      findings.add(Finding.ok(check, format));
    }
  }

  private void clients(String check, Path file, LogSample sample) {
    if (sample.disbelieved() > 0) {
      findings.add(
          Finding.warn(
              check,
              file
                  + ": "
                  + sample.disbelieved()
                  + " forwarded addresses were not believed, because their sender is no trusted"
                  + " proxy",
              "if that is your proxy, add it to trustedProxies"));
    }
    int withClient = sample.withClient();
    if (sample.lines() > sample.missed() && withClient == 0) {
      findings.add(
          Finding.fail(
              check,
              file + ": no line names a client, so nobody can be banned",
              "make the server log the client's address"));
    }
    if (withClient < MIN_LINES_TO_JUDGE) {
      return;
    }
    if (sample.protectedLines() == withClient) {
      findings.add(
          Finding.fail(
              check,
              file
                  + ": every client is one that is never banned ("
                  + sample.mostFrequent().map(Map.Entry::getKey).orElseThrow()
                  + " most), so no ban is possible",
              "a proxy in front hides the clients: log X-Forwarded-For and set trustedProxies, or"
                  + " set protectPrivate: false if clients are private here"));
      return;
    }
    Map.Entry<IpPrefix, Integer> most = sample.mostFrequent().orElseThrow();
    boolean isEdge = ReservedPrefixes.CLOUDFLARE.covers(most.getKey());
    if (isEdge) {
      findings.add(
          Finding.fail(
              check,
              file + ": clients such as " + most.getKey() + " are Cloudflare's edge",
              "set trustedProxies: [cloudflare] and log X-Forwarded-For, or you ban the edge"));
    } else if (most.getValue() * 10 > withClient * 9) {
      findings.add(
          Finding.warn(
              check,
              file
                  + ": "
                  + most.getKey()
                  + " sent "
                  + most.getValue() * 100 / withClient
                  + "% of the last lines",
              "if it is a proxy, add it to trustedProxies and log X-Forwarded-For"));
    }
  }

  private void times(String check, Path file, Instant written, LogSample sample) {
    if (sample.lastTime().isEmpty()) {
      return;
    }
    Duration off = Duration.between(written, sample.lastTime().get());
    if (off.compareTo(CLOCK_TOLERANCE) > 0) {
      boolean isZone = off.toSeconds() % ZONE_STEP.toSeconds() < CLOCK_TOLERANCE.toSeconds();
      findings.add(
          Finding.warn(
              check,
              file + ": the last line's time is " + Times.format(off) + " after it was written",
              isZone
                  ? "set timeZone of the source to the server's"
                  : "check the clocks of this host and of the server"));
    }
  }
}
