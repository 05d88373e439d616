package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * Files in a directory, a source that follows them, and the lines it delivered.
 *
 * <p>{@link #settle()} lets enough time pass for everything that is due without an event; {@link
 * #restart()} is a kill: the source goes on from its checkpoint as of {@link #save()}, and the
 * lines that were delivered after that are taken back, as an engine that stores both together does.
 */
final class FileRig implements AutoCloseable {
  static final int POLL_BYTES = 1 << 20;

  private final Path directory;
  private final ManualTime time = new ManualTime();
  private final List<String> lines = new ArrayList<>();
  private final TreeMap<String, List<String>> byLabel = new TreeMap<>();
  private final List<String> ended = new ArrayList<>();
  private final List<String> again = new ArrayList<>();
  private Predicate<String> whole = line -> true;
  private FileSource.StartAt startAt = FileSource.StartAt.BEGINNING;
  private List<String> patterns = List.of();
  private FileSource source;
  private byte[] checkpoint = new byte[0];
  private int savedLines;

  FileRig(Path directory, String... names) {
    this.directory = directory;
    follow(names);
    source = make();
  }

  FileRig startAt(FileSource.StartAt at) {
    startAt = at;
    source = make();
    return this;
  }

  /** Says of which lines the handler answers true. */
  FileRig whole(Predicate<String> answer) {
    whole = answer;
    return this;
  }

  void follow(String... names) {
    List<String> all = new ArrayList<>();
    for (String name : names) {
      all.add(name.startsWith("/") ? name : directory + "/" + name);
    }
    patterns = all;
  }

  private FileSource make() {
    return new FileSource(
        "test",
        patterns,
        startAt,
        stream ->
            new LineHandler() {
              @Override
              public boolean line(byte[] b, int from, int to, long observedAtMillis) {
                assertThat(observedAtMillis).isEqualTo(time.millis());
                String line = new String(b, from, to - from, StandardCharsets.ISO_8859_1);
                lines.add(line);
                byLabel.computeIfAbsent(stream.label(), l -> new ArrayList<>()).add(line);
                return whole.test(line);
              }

              @Override
              public boolean again(byte[] b, int from, int to) {
                String line = new String(b, from, to - from, StandardCharsets.ISO_8859_1);
                again.add(line);
                return whole.test(line);
              }

              @Override
              public void end() {
                ended.add(stream.label());
              }

              @Override
              public String format() {
                return "text";
              }
            },
        time,
        time);
  }

  FileSource source() {
    return source;
  }

  ManualTime time() {
    return time;
  }

  /** Polls until nothing is ready, without letting time pass. */
  void poll() {
    int polls = 0;
    while (source.poll(POLL_BYTES)) {
      assertThat(++polls).as("polls without coming to an end").isLessThan(100_000);
    }
  }

  /** Lets time pass for a sweep and a look at every path, and reads all there is. */
  void settle() {
    for (int i = 0; i < 3; i++) {
      time.advance(Duration.ofSeconds(2));
      poll();
    }
  }

  void save() {
    checkpoint = source.checkpoint();
    savedLines = lines.size();
  }

  void kill() {
    source.close();
    lines.subList(savedLines, lines.size()).clear();
  }

  void start() {
    source = make();
    if (checkpoint.length > 0) {
      source.restore(checkpoint);
    }
  }

  void restart() {
    kill();
    start();
  }

  List<String> lines() {
    return lines;
  }

  List<String> lines(String label) {
    return byLabel.getOrDefault(path(label).toString(), List.of());
  }

  /** Lines that were given to the handler again after a restart, in all. */
  List<String> again() {
    return again;
  }

  List<String> ended() {
    return ended;
  }

  Path path(String name) {
    return directory.resolve(name);
  }

  Path write(String name, String text) throws IOException {
    return Files.writeString(
        path(name),
        text,
        StandardCharsets.ISO_8859_1,
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  void move(String from, String to) throws IOException {
    Files.move(path(from), path(to));
  }

  void delete(String name) throws IOException {
    Files.delete(path(name));
  }

  /** What copytruncate does: copies, then truncates. */
  void copyTruncate(String from, String to) throws IOException {
    Files.copy(path(from), path(to));
    truncate(from);
  }

  void truncate(String name) throws IOException {
    Files.newByteChannel(path(name), StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)
        .close();
  }

  @Override
  public void close() {
    source.close();
  }
}
