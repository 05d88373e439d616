package io.ipsentry.fail2ban;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.fail2ban.Samples.Sample;
import io.ipsentry.line.Failure;
import io.ipsentry.line.LocalZone;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The filters of the installed package find in lines that are made up for them what they should,
 * and what fail2ban itself finds.
 */
@RequiresProgram("fail2ban-regex")
final class ShippedFilterSamplesTest {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");

  static List<String> filters() {
    return List.copyOf(Samples.all().keySet());
  }

  @Test
  void samples_coverEveryFilterOfThePackage() {
    TreeSet<String> missing = new TreeSet<>(MemoryTree.installedFilters());
    missing.removeAll(filters());

    assertThat(missing).isEmpty();
    Samples.all()
        .forEach((filter, groups) -> {
          List<Sample> samples = groups.stream().flatMap(List::stream).toList();
          assertThat(samples).as(filter).anyMatch(s -> s.expected().equals(Samples.MISSED));
          assertThat(samples).as(filter).anyMatch(s -> s.expected().length() > 1);
        });
  }

  @ParameterizedTest
  @MethodSource("filters")
  void filter_samples_areFoundAsExpected(String reference) {
    for (List<Sample> group : Samples.all().getOrDefault(reference, List.of())) {
      List<Sample> found = ours(reference, group);

      assertThat(found).as(reference).containsExactlyElementsOf(group);
    }
  }

  private static List<Sample> ours(String reference, List<Sample> group) {
    Filter filter = JailTree.filter(MemoryTree.INSTALLED, MemoryTree.disk(), reference);
    FilterFormat format =
        new FilterFormat(
            CompiledFilter.compile(filter),
            new LocalZone(ZoneOffset.UTC, InstantSource.fixed(NOW)));
    RequestFacts facts = new RequestFacts();
    List<Sample> found = new ArrayList<>();
    for (Sample sample : group) {
      byte[] line = sample.line().getBytes(StandardCharsets.UTF_8);
      String verdict = Samples.MISSED;
      if (format.parse(line, 0, line.length, facts)) {
        Failure failure = facts.failure();
        verdict =
            failure == null || failure.isIgnored() ? Samples.IGNORED : facts.client().toString();
      }
      found.add(new Sample(verdict, sample.line()));
    }
    return found;
  }

  /** One process of fail2ban's own code reads all samples. */
  @Test
  void fail2ban_sameSamples_findsTheSame(@TempDir Path directory)
      throws IOException, InterruptedException {
    Path asked = directory.resolve("asked.txt");
    List<String> questions = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    Samples.all()
        .forEach((filter, groups) -> {
          for (List<Sample> group : groups) {
            questions.add("=" + filter);
            for (Sample sample : group) {
              questions.add(" " + sample.line());
              expected.add(
                  filter
                      + ": "
                      + (sample.expected().length() > 1 ? sample.expected() : Samples.MISSED)
                      + " | "
                      + sample.line());
            }
          }
        });
    Files.write(asked, questions);
    Path script = directory.resolve("ask.py");
    Files.writeString(script, ASK);
    Path answers = directory.resolve("answers.txt");

    Process python =
        new ProcessBuilder(
                "python3", script.toString(), asked.toString(), MemoryTree.INSTALLED.toString())
            .redirectOutput(answers.toFile())
            .redirectError(directory.resolve("errors.txt").toFile())
            .start();
    boolean ended = python.waitFor(60, TimeUnit.SECONDS);
    python.destroyForcibly();

    assertThat(ended).isTrue();
    assertThat(python.exitValue()).as(Files.readString(directory.resolve("errors.txt"))).isZero();
    assertThat(Files.readAllLines(answers).stream().collect(Collectors.joining("\n")))
        .isEqualTo(String.join("\n", expected));
  }

  /** Feeds the lines to fail2ban's filter, without a server or a jail. */
  private static final String ASK =
      """
      import logging, sys, time
      sys.path.insert(0, '/usr/lib/python3/dist-packages')
      logging.disable(logging.CRITICAL)
      from fail2ban.client.filterreader import FilterReader
      from fail2ban.helpers import extractOptions
      from fail2ban.server.filter import Filter

      def started(reference, tree):
          name, options = extractOptions(reference)
          reader = FilterReader(name, 'jail', options, share_config={}, basedir=tree)
          reader.read()
          reader.applyAutoOptions('auto')
          reader.getOptions({})
          running = Filter(None, useDns='raw')
          running.checkFindTime = False
          commands = reader.convert()
          for command in commands:
              kind, value = command[2], command[3]
              if kind == 'prefregex': running.prefRegex = value
              elif kind == 'maxlines': running.setMaxLines(int(value))
              elif kind == 'datepattern': running.setDatePattern(value)
          for command in commands:
              kind = command[2]
              values = command[3] if isinstance(command[3], list) else [command[3]]
              for value in values:
                  if kind == 'addfailregex': running.addFailRegex(value)
                  elif kind == 'addignoreregex': running.addIgnoreRegex(value)
          return running

      reference, running = None, None
      for line in open(sys.argv[1], encoding='utf-8'):
          line = line.rstrip('\\n')
          if line[0] == '=':
              reference = line[1:]
              running = started(reference, sys.argv[2])
          else:
              found = [f for f in running.processLine(line[1:]) if f[1] is not None]
              print('%s: %s | %s' % (reference, found[0][1] if found else '-', line[1:]))
      """;
}
