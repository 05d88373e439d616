package io.ipsentry.watcher.source;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files beside a log, among which rotation leaves its older parts: one look at a directory.
 *
 * <p>At most {@value #MAX_ENTRIES} names are taken from a directory; a part beyond them is not
 * found, which is logged.
 */
final class RotatedFiles {
  static final int MAX_ENTRIES = 100_000;

  /** A directory in which files are renamed all the time is taken as it is after so many looks. */
  static final int MAX_LOOKS = 6;

  /** In a larger directory only files are looked at whose names begin as the log's. */
  static final int MAX_ENTRIES_OF_ANY_NAME = 1_000;

  private static final Logger logger = LoggerFactory.getLogger(RotatedFiles.class);

  private final String base;
  private final List<Entry> entries;

  /** A file beside the log. */
  record Entry(Path path, String name, FileFacts facts) {}

  private RotatedFiles(String base, List<Entry> entries) {
    this.base = base;
    this.entries = entries;
  }

  /**
   * Looks around the file at {@code realPath}, which itself is left out.
   *
   * @param realPath path without symbolic links; nothing needs to be there
   */
  static RotatedFiles beside(Path realPath) throws IOException {
    String base = String.valueOf(realPath.getFileName());
    List<Entry> found = new ArrayList<>();
    Path directory = realPath.getParent();
    if (directory == null || !Files.isDirectory(directory)) {
      return new RotatedFiles(base, found);
    }
    List<Path> names = names(directory);
    String stem = base.lastIndexOf('.') > 0 ? base.substring(0, base.lastIndexOf('.')) : base;
    boolean anyName = names.size() <= MAX_ENTRIES_OF_ANY_NAME;
    for (Path path : names) {
      String name = String.valueOf(path.getFileName());
      if ((anyName || name.startsWith(stem)) && !name.equals(base)) {
        add(found, path, name);
      }
    }
    Set<String> all = found.stream().map(Entry::name).collect(Collectors.toSet());
    // While both are there, the compressed one is being written.
    found.removeIf(e -> RotatedNames.isGzip(e.path()) && all.contains(plainName(e.name())));
    return new RotatedFiles(base, found);
  }

  /**
   * Looks around until two looks in a row show the same, {@value #MAX_LOOKS} times at most: a
   * single one may miss a file that is renamed meanwhile.
   */
  static RotatedFiles steadilyBeside(Path realPath) throws IOException {
    RotatedFiles now = beside(realPath);
    for (int i = 1; i < MAX_LOOKS; i++) {
      RotatedFiles before = now;
      now = beside(realPath);
      if (now.idByName().equals(before.idByName())) {
        break;
      }
    }
    return now;
  }

  private Map<String, FileId> idByName() {
    return entries.stream().collect(Collectors.toMap(Entry::name, e -> e.facts().id()));
  }

  private static String plainName(String gzip) {
    return gzip.substring(0, gzip.length() - ".gz".length());
  }

  private static List<Path> names(Path directory) throws IOException {
    List<Path> names = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(directory)) {
      for (Path path : all) {
        if (names.size() == MAX_ENTRIES) {
          logger.atWarn().addKeyValue("directory", directory).log("Directory too large to search");
          break;
        }
        names.add(path);
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return names;
  }

  private static void add(List<Entry> found, Path path, String name) {
    try {
      FileFacts facts = FileFacts.of(path);
      if (facts.regular()) {
        found.add(new Entry(path, name, facts));
      }
    } catch (IOException e) {
      // Renamed or removed since the directory was read, or a dangling link.
      logger.atDebug().addKeyValue("file", path).setCause(e).log("File went while searching");
    }
  }

  /** Where the file with this identity is now, under whatever name. */
  Optional<Entry> byId(FileId id) {
    return entries.stream().filter(e -> e.facts().id().equals(id)).findFirst();
  }

  /**
   * Where a part of the log with this identity is now. Only under a rotated name: a part that was
   * deleted leaves its number to any file of the directory.
   */
  Optional<Entry> rotatedById(FileId id) {
    return byId(id).filter(e -> RotatedNames.isRotated(base, e.name()));
  }

  /**
   * Where the rest of a file is: the file itself by its number and beginning, else its compressed
   * or plain copy by the beginning alone. The number of the device is not compared, it may change
   * at boot.
   *
   * @throws NoSuchFileException if a file that was to be compared was renamed since the look
   */
  Optional<Entry> find(SavedFile saved) throws NoSuchFileException {
    Fingerprint fingerprint = saved.fingerprint();
    Optional<Entry> same =
        firstThatBegins(
            entries.stream()
                .filter(e -> e.facts().id().inode() == saved.id().inode())
                .filter(e -> e.facts().size() >= saved.position())
                .filter(e -> !RotatedNames.isCompressed(e.name()))
                .filter(e -> fingerprint.length() > 0 || RotatedNames.isRotated(base, e.name())),
            fingerprint);
    if (same.isPresent() || !fingerprint.identifies()) {
      return same;
    }
    return firstThatBegins(
        entries.stream()
            .filter(e -> RotatedNames.isRotated(base, e.name()))
            .filter(e -> RotatedNames.isGzip(e.path()) || e.facts().size() >= saved.position()),
        fingerprint);
  }

  /** Name under which the rest of a file is now; empty if it is not found. */
  String nameOf(SavedFile saved) throws NoSuchFileException {
    return find(saved).map(Entry::name).orElse("");
  }

  private static boolean begins(Entry entry, Fingerprint fingerprint) throws NoSuchFileException {
    return fingerprint.length() == 0
        || beginning(entry.path(), entry.facts().id(), fingerprint.length())
            .map(b -> fingerprint.matches(b, b.length))
            .orElse(false);
  }

  private static Optional<Entry> firstThatBegins(Stream<Entry> entries, Fingerprint fingerprint)
      throws NoSuchFileException {
    for (Entry entry : entries.toList()) {
      if (begins(entry, fingerprint)) {
        return Optional.of(entry);
      }
    }
    return Optional.empty();
  }

  /**
   * The first bytes of a file, as many as there are; empty if it cannot be read.
   *
   * @throws NoSuchFileException if this file is not there any more: it may be under another name
   */
  static Optional<byte[]> beginning(Path path, FileId id, int length) throws NoSuchFileException {
    byte[] b = new byte[length];
    try (FileContent content = FileContent.open(path)) {
      int have = FileContent.beginning(content, b);
      if (!FileFacts.of(path).id().equals(id)) {
        throw new NoSuchFileException(path.toString(), null, "another file is there by now");
      }
      return Optional.of(Arrays.copyOf(b, have));
    } catch (NoSuchFileException e) {
      throw e;
    } catch (IOException e) {
      logger.atDebug().addKeyValue("file", path).setCause(e).log("File cannot be compared");
      return Optional.empty();
    }
  }

  /** Whatever bears a rotated name of the log, compressed or not. */
  List<Entry> rotated() {
    return entries.stream().filter(e -> RotatedNames.isRotated(base, e.name())).toList();
  }

  /**
   * What was rotated away after {@code before}, oldest first: files last written no earlier than
   * it. The time of a compressed file may be that of its compression, so its name must say so too,
   * and the caller leaves out what it knows.
   *
   * @param beforeName name under which {@code before} is now; empty if it was not found
   */
  List<Entry> newerThan(SavedFile before, String beforeName) {
    return rotated().stream()
        .filter(e -> e.facts().modifiedMillis() >= before.modifiedMillis())
        .filter(e ->
            !RotatedNames.isCompressed(e.name())
                || RotatedNames.isGzip(e.path())
                    && (beforeName.isEmpty() || RotatedNames.isNewer(base, e.name(), beforeName)))
        .sorted(
            Comparator.comparingLong((Entry e) -> e.facts().modifiedMillis())
                .thenComparing((a, b) -> {
                  if (RotatedNames.isNewer(base, a.name(), b.name())) {
                    return 1;
                  }
                  return RotatedNames.isNewer(base, b.name(), a.name()) ? -1 : 0;
                }))
        .toList();
  }
}
