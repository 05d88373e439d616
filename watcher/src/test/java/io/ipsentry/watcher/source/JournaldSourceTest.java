package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.SystemJournal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class JournaldSourceTest {
  private static final Instant START = Instant.parse("2026-11-21T07:00:00Z");

  @TempDir private Path directory;
  private final Lines lines = new Lines();
  private final ManualTime time = new ManualTime();

  @Test
  @RequiresProgram({"journalctl", "systemd-journal-remote"})
  void poll_realJournal_deliversWhatIsWrittenAndGoesOnAfterTheCursor() throws Exception {
    append(entry(0, "ssh.service", "Failed password for root"), entry(1, "cron.service", "no"));
    byte[] checkpoint;
    try (JournaldSource source = source(FileSource.StartAt.BEGINNING, real());
        SourceLoop loop = new SourceLoop(List.of(source))) {
      StdinSourceTest.pollUntil(loop, () -> lines.list().size() == 1);
      append(entry(2, "ssh.service", "two\nlines \u0001"));
      StdinSourceTest.pollUntil(loop, () -> lines.list().size() == 2);
      checkpoint = source.checkpoint();
      append(entry(3, "ssh.service", "seen and then forgotten"));
      StdinSourceTest.pollUntil(loop, () -> lines.list().size() == 3);
      assertThat(source.status().problems()).isEmpty();
    }
    assertThat(lines.list())
        .containsExactly(
            "2026-11-21T07:00:00.123456+00:00 web1 sshd[100]: Failed password for root",
            "2026-11-21T07:00:02.123456+00:00 web1 sshd[102]: two lines \u0001",
            "2026-11-21T07:00:03.123456+00:00 web1 sshd[103]: seen and then forgotten");

    lines.list().clear();
    append(entry(4, "ssh.service", "while away"));
    try (JournaldSource source = source(FileSource.StartAt.BEGINNING, real());
        SourceLoop loop = new SourceLoop(List.of(source))) {
      source.restore(checkpoint);
      StdinSourceTest.pollUntil(loop, () -> lines.list().size() == 2);
    }
    assertThat(lines.list())
        .extracting(l -> l.substring(l.indexOf(": ") + 2))
        .containsExactly("seen and then forgotten", "while away");
  }

  @Test
  @RequiresProgram({"journalctl", "systemd-journal-remote"})
  void poll_realJournalFromItsEnd_deliversOnlyWhatIsNewAlsoAfterARestartWithoutLines()
      throws Exception {
    append(entry(-5, "ssh.service", "old"));
    byte[] checkpoint;
    try (JournaldSource source = source(FileSource.StartAt.END, real())) {
      source.poll(1);
      checkpoint = source.checkpoint();
    }
    append(entry(5, "ssh.service", "written while away"));
    time.advance(Duration.ofMinutes(1));
    try (JournaldSource source = source(FileSource.StartAt.END, real());
        SourceLoop loop = new SourceLoop(List.of(source))) {
      source.restore(checkpoint);
      StdinSourceTest.pollUntil(loop, () -> !lines.list().isEmpty());
    }
    assertThat(lines.list()).singleElement().asString().endsWith(": written while away");
  }

  @Test
  void poll_childEnds_isStartedAgainBehindTheLastEntry() throws Exception {
    Path script =
        script(
            """
            echo "$@" >> "$0.calls"
            printf '__CURSOR=c%s\\n__REALTIME_TIMESTAMP=1795244400000000\\n' $(wc -l < "$0.calls")
            printf '_COMM=a b\\nMESSAGE=m%s\\n\\n' $(wc -l < "$0.calls")
            printf '__CURSOR=half\\nMESSAGE=never'
            echo 'went wrong' >&2
            exit 3
            """);
    try (JournaldSource source = source(FileSource.StartAt.BEGINNING, script.toString());
        SourceLoop loop = new SourceLoop(List.of(source))) {
      StdinSourceTest.pollUntil(loop, () -> !source.status().problems().isEmpty());
      assertThat(source.status().problems().getFirst()).contains("ended");
      assertThat(source.status().streams().getFirst().state())
          .isEqualTo(StreamStatus.State.UNREADABLE);
      loop.poll();
      assertThat(lines.list()).hasSize(1);

      time.advance(JournaldSource.FIRST_PAUSE);
      StdinSourceTest.pollUntil(loop, () -> source.status().errors() == 2);
      time.advance(JournaldSource.FIRST_PAUSE);
      loop.poll();
      assertThat(source.status().errors()).as("the second pause is longer").isEqualTo(2);
    }
    assertThat(lines.list())
        .containsExactly(
            "2026-11-21T07:00:00.000000+00:00 localhost a_b: m1",
            "2026-11-21T07:00:00.000000+00:00 localhost a_b: m2");
    List<String> calls = Files.readAllLines(Path.of(script + ".calls"));
    assertThat(calls.get(0)).contains("--output=export", "--follow").doesNotContain("cursor");
    assertThat(calls.get(1)).contains("--after-cursor=c1");
  }

  @Test
  void poll_noSuchProgram_isAProblemNotAnException() {
    try (JournaldSource source = source(FileSource.StartAt.END, directory + "/none")) {
      source.poll(1000);

      assertThat(source.status().problems()).singleElement().asString().contains("systemd");
    }
  }

  @Test
  void poll_notTheFormat_isAProblem() throws Exception {
    Path script = script("printf 'MESSAGE\\n\\377\\377\\377\\377\\377\\377\\377\\377'; sleep 60");
    try (JournaldSource source = source(FileSource.StartAt.END, script.toString());
        SourceLoop loop = new SourceLoop(List.of(source))) {
      StdinSourceTest.pollUntil(loop, () -> source.status().errors() > 0);

      assertThat(source.status().problems()).singleElement().asString().contains("format");
    }
  }

  @Test
  void read_anyDivision_givesTheSameEntries() {
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    for (String message : List.of("one", "two\nlines", "x".repeat(40_000), "", "last")) {
      written.writeBytes("__CURSOR=c\n".getBytes(StandardCharsets.UTF_8));
      written.writeBytes(entry(1, "ssh.service", message).exported());
    }
    byte[] all = written.toByteArray();
    List<Integer> expected = null;
    for (int piece : new int[] {1, 2, 3, 7, 100, 1_000_000}) {
      JournalEntries entries = new JournalEntries();
      List<Integer> got = new ArrayList<>();
      for (int at = 0; at < all.length; at += piece) {
        entries.read(
            all,
            at,
            Math.min(all.length, at + piece),
            (line, cursor, micros) -> got.add(line.toString().hashCode() * 31 + line.length()));
      }
      assertThat(got).hasSize(5);
      expected = expected == null ? got : expected;
      assertThat(got).isEqualTo(expected);
    }
  }

  @Test
  void restore_somethingElse_isRefused() {
    try (JournaldSource source = source(FileSource.StartAt.END, "journalctl")) {
      for (String bad : List.of("", "[]", "{\"version\":7}")) {
        byte[] bytes = bad.getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> source.restore(bytes)).isInstanceOf(CheckpointException.class);
      }
    }
  }

  private String[] real() {
    return new String[] {"journalctl", "--directory=" + directory, "--unit=ssh.service"};
  }

  private JournaldSource source(FileSource.StartAt startAt, String... command) {
    InstantSource clock = InstantSource.offset(time, Duration.between(time.instant(), START));
    return new JournaldSource("journal", List.of(command), startAt, stream -> lines, clock, time);
  }

  private Path script(String body) throws IOException {
    Path script = Files.writeString(directory.resolve("journalctl"), "#!/bin/sh\n" + body);
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    return script;
  }

  /** Writes entries into a real journal file. */
  private void append(SystemJournal.Entry... entries) {
    new SystemJournal(directory).append(entries);
  }

  private static SystemJournal.Entry entry(int second, String unit, String message) {
    return new SystemJournal.Entry(
        START.plusSeconds(second).plusNanos(123_456_000), unit, "sshd", 100 + second, message);
  }
}
