package io.ipsentry.watcher.source;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files that grow, named by paths and globs, followed through every way of rotation.
 *
 * <ul>
 *   <li><b>Rename</b> (nginx, logrotate {@code create}, kubelet): the renamed file is read to its
 *       end, then the new one; the old one is looked at for {@link FileChain#DRAIN_GRACE} longer.
 *       Files that came and went between two looks, or while nobody was running, are found by their
 *       inode, their beginning and their names, compressed with gzip or not. Nothing is lost and
 *       nothing doubled as long as the files still lie beside the log. What no file holds any more
 *       is lost: what a writer added to a part after gzip had read it, unless the part was open
 *       here then. So is the rest of a part that was compressed while nobody was running, if less
 *       than 32 bytes of it had been read.
 *   <li><b>Truncation</b> (copytruncate): noticed by the size or the beginning; reading starts
 *       over, after the rest of the copy, if the copy lies beside the log. Never doubled. Lost is
 *       what was written between the end of the copying and the truncation, and, without a copy,
 *       what was not read yet.
 *   <li><b>Symbolic links</b> ({@code /var/log/containers}): what counts is the file at their end;
 *       one that several names lead to is read once.
 * </ul>
 *
 * <p>A file that appears while running, or appeared since the checkpoint, is read from its start.
 * One that is there on the first day is read as {@link StartAt} says. A last line without an end
 * waits for it; in a rotated file it is delivered when the file is let go.
 */
public final class FileSource implements LineSource {
  /** Where to begin in files that are there when there is no checkpoint. */
  public enum StartAt {
    /** What they hold is not read. */
    END,
    /** Of what they hold the last {@link #RECENT_BYTES} are read, from the start of a line on. */
    RECENT,
    /** What they hold is read. */
    BEGINNING
  }

  /** What {@link StartAt#RECENT} reads of a file. */
  public static final long RECENT_BYTES = 64L << 20;

  /** More files are closed while nothing happens to them. */
  static final int MAX_OPEN_FILES = 512;

  /** More rotated files are let go as soon as they are read. */
  static final int MAX_DRAINING_FILES = 256;

  /** Sizes are looked at this often, whether or not events announce changes. */
  static final Duration SWEEP = Duration.ofMillis(200);

  /** Paths are looked at this often and 2 ms a path, whether or not events announce changes. */
  static final Duration LOOK = Duration.ofSeconds(1);

  /** Directories are searched no more often than this. */
  static final Duration SEARCH_PAUSE = Duration.ofMillis(20);

  /** A path that a glob matched is forgotten when it has been missing for so long. */
  static final Duration FORGET_MISSING = Duration.ofMinutes(10);

  private static final Duration STATUS = Duration.ofMillis(500);
  private static final int TURN_BYTES = ReadContext.BUFFER_BYTES;
  private static final Logger logger = LoggerFactory.getLogger(FileSource.class);

  private final String name;
  private final FilePatterns patterns;
  private final StartAt startAt;
  private final ReadContext context;
  private final RateMeter rate;
  private final Queue<FollowedPath> ready = new ArrayDeque<>();
  private final Set<FollowedPath> queued = new HashSet<>();
  private final Map<Path, List<FollowedPath>> byPlace = new HashMap<>();
  private final Map<FollowedPath, Set<Path>> placed = new HashMap<>();

  private @Nullable FileCheckpoint restored;
  private boolean started;
  private Set<Path> searched = Set.of();
  private Set<Path> directories = Set.of();
  private boolean searchDue = true;
  private boolean directoriesDue = true;
  private boolean isCut;
  private long searchedAt;
  private long sweptAt;
  private long statusAt;
  private volatile SourceStatus status;

  /**
   * Follows nothing before the first poll.
   *
   * @param patterns paths and globs; relative ones from the working directory
   * @param clock for the time of observation
   */
  public FileSource(
      String name,
      Collection<String> patterns,
      StartAt startAt,
      LineHandlerFactory handlers,
      InstantSource clock) {
    this(name, patterns, startAt, handlers, clock, System::nanoTime);
  }

  FileSource(
      String name,
      Collection<String> patterns,
      StartAt startAt,
      LineHandlerFactory handlers,
      InstantSource clock,
      LongSupplier nanoTicker) {
    if (patterns.isEmpty()) {
      throw new IllegalArgumentException("a file source without a path");
    }
    this.name = name;
    this.patterns = new FilePatterns(patterns);
    this.startAt = startAt;
    context = new ReadContext(name, handlers, clock, nanoTicker);
    rate = new RateMeter(nanoTicker);
    long now = nanoTicker.getAsLong();
    searchedAt = now;
    sweptAt = now;
    statusAt = now;
    status = snapshot();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void restore(byte[] checkpoint) {
    if (started) {
      throw new IllegalStateException("restore after the first poll");
    }
    restored = FileCheckpoint.parse(name, checkpoint);
  }

  @Override
  public byte[] checkpoint() {
    FileCheckpoint before = restored;
    if (!started && before != null) {
      return before.toJson();
    }
    List<SavedStream> streams = new ArrayList<>();
    context.followed().values().forEach(f -> streams.add(f.saved()));
    return new FileCheckpoint(patterns.list(), streams).toJson();
  }

  @Override
  public boolean poll(int maxBytes) {
    boolean first = !started;
    if (first) {
      started = true;
      start();
    }
    upkeep();
    int left = maxBytes;
    while (left > 0) {
      FollowedPath next = ready.poll();
      if (next == null) {
        break;
      }
      queued.remove(next);
      int used = next.read(Math.min(left, TURN_BYTES));
      if (used < 0) {
        used = ~used;
        enqueue(next);
      }
      place(next);
      left -= Math.max(used, 1);
    }
    if (first || context.nanos() - statusAt >= STATUS.toNanos()) {
      status = snapshot();
    }
    return !ready.isEmpty();
  }

  private void start() {
    FileCheckpoint from = restored;
    if (from != null) {
      Set<Path> named = patterns.expand().files().keySet();
      boolean sameGlobs = patterns.list().containsAll(from.patterns());
      for (SavedStream saved : from.streams()) {
        // A missing path may be one that a glob matched before it was rotated away.
        if (sameGlobs || named.contains(saved.path())) {
          follow(saved.path(), null).resume(saved);
        }
      }
      // All of them before any new path, so that no file of theirs is taken for a new one.
      context.followed().values().forEach(this::look);
    }
    search(true);
  }

  private FollowedPath follow(Path path, @Nullable Long wantedTail) {
    FollowedPath added = new FollowedPath(context, path, wantedTail);
    context.followed().put(path, added);
    enqueue(added);
    return added;
  }

  private void look(FollowedPath path) {
    path.look();
    place(path);
  }

  /** What is there at the first search was there before us, unless a checkpoint says otherwise. */
  private @Nullable Long wantedTail(String pattern) {
    FileCheckpoint from = restored;
    if (from != null && from.patterns().contains(pattern)) {
      return null;
    }
    return switch (startAt) {
      case END -> Long.valueOf(0);
      case RECENT -> Long.valueOf(RECENT_BYTES);
      case BEGINNING -> null;
    };
  }

  private void enqueue(FollowedPath path) {
    if (queued.add(path)) {
      ready.add(path);
    }
  }

  // ---- what is due ----

  private void upkeep() {
    long now = context.nanos();
    Duration look = LOOK.plusMillis(2L * context.followed().size());
    if (now - sweptAt >= SWEEP.toNanos()) {
      sweptAt = now;
      sweep(look);
    }
    long sinceSearch = now - searchedAt;
    if (searchDue && sinceSearch >= SEARCH_PAUSE.toNanos()
        || patterns.hasGlob() && sinceSearch >= look.toNanos()) {
      // A renamed file must be known under its new name before the new name is found.
      for (FollowedPath path : List.copyOf(ready)) {
        if (path.lookDue()) {
          look(path);
        }
      }
      search(false);
    }
  }

  private void sweep(Duration look) {
    int draining = 0;
    for (FollowedPath path : context.followed().values()) {
      draining += path.draining();
      if (path.isReady(look)) {
        enqueue(path);
      }
    }
    context.shortOfFiles(draining > MAX_DRAINING_FILES);
    if (context.openFiles() > MAX_OPEN_FILES) {
      closeIdle();
    }
    forgetMissing();
  }

  private void closeIdle() {
    List<FollowedPath> byAge = new ArrayList<>(context.followed().values());
    byAge.sort(Comparator.comparingLong(FollowedPath::grewAtNanos));
    for (FollowedPath path : byAge) {
      if (context.openFiles() <= MAX_OPEN_FILES) {
        return;
      }
      path.closeIdle();
    }
  }

  private void forgetMissing() {
    for (FollowedPath path : List.copyOf(context.followed().values())) {
      if (path.missingFor().compareTo(FORGET_MISSING) >= 0 && patterns.isFromGlob(path.path())) {
        path.end();
        context.followed().remove(path.path());
        ready.remove(path);
        queued.remove(path);
        unplace(path, path.places());
        placed.remove(path);
      }
    }
  }

  private void search(boolean first) {
    searchDue = false;
    searchedAt = context.nanos();
    FilePatterns.Expansion found = patterns.expand();
    if (found.isCut() && !isCut) {
      logger
          .atWarn()
          .addKeyValue("source", name)
          .addKeyValue("files", FilePatterns.MAX_FILES)
          .addKeyValue("directories", FilePatterns.MAX_DIRECTORIES)
          .log("Glob matches too much, the rest is not read; use a narrower one");
    }
    isCut = found.isCut();
    found
        .files()
        .forEach((path, pattern) -> {
          if (!context.followed().containsKey(path)) {
            follow(path, first ? wantedTail(pattern) : null);
            look(followed(path));
          }
        });
    if (!found.directories().equals(searched)) {
      searched = Set.copyOf(found.directories());
      directoriesDue = true;
    }
  }

  private FollowedPath followed(Path path) {
    return Objects.requireNonNull(context.followed().get(path));
  }

  /**
   * Whether a file is one of this source's: by its path, or because a path of this source leads to
   * it through symbolic links, as of the last look.
   *
   * @param path absolute
   */
  public boolean names(Path path) {
    return patterns.names(path)
        || context.followed().values().stream().anyMatch(f -> f.realPath().equals(path));
  }

  // ---- events ----

  /** Keeps the index of places up to date after the path was looked at. */
  private void place(FollowedPath path) {
    Set<Path> now = path.places();
    Set<Path> before = placed.put(path, now);
    if (now.equals(before)) {
      return;
    }
    unplace(path, before == null ? Set.of() : before);
    for (Path place : now) {
      byPlace.computeIfAbsent(place, p -> new ArrayList<>(1)).add(path);
    }
    directoriesDue = true;
  }

  private void unplace(FollowedPath path, Set<Path> places) {
    for (Path place : places) {
      byPlace.getOrDefault(place, List.of()).remove(path);
    }
    byPlace.values().removeIf(List::isEmpty);
    directoriesDue = true;
  }

  @Override
  public Set<Path> directories() {
    if (directoriesDue) {
      directoriesDue = false;
      Set<Path> all = new HashSet<>(searched);
      for (Path place : byPlace.keySet()) {
        Path directory = place.getParent();
        if (directory != null) {
          all.add(directory);
        }
      }
      directories = Set.copyOf(all);
    }
    return directories;
  }

  @Override
  public void changed(Path path, boolean entry) {
    if (directories.contains(path)) {
      rescan();
      return;
    }
    List<FollowedPath> concerned = byPlace.getOrDefault(path, List.of());
    for (FollowedPath each : concerned) {
      each.changed(entry);
      enqueue(each);
    }
    if (entry || concerned.isEmpty()) {
      searchDue |= entry && patterns.hasGlob();
      Path directory = path.getParent();
      for (FollowedPath each : context.followed().values()) {
        if (each.isDraining() && Objects.equals(each.realPath().getParent(), directory)) {
          enqueue(each);
        }
      }
    }
  }

  @Override
  public void rescan() {
    searchDue = true;
    for (FollowedPath each : context.followed().values()) {
      each.changed(true);
      enqueue(each);
    }
  }

  // ---- state ----

  @Override
  public SourceStatus status() {
    return status;
  }

  private SourceStatus snapshot() {
    statusAt = context.nanos();
    List<StreamStatus> streams = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    context.followed().values().forEach(f -> streams.addAll(f.status()));
    long lag = 0;
    for (StreamStatus stream : streams) {
      lag += stream.lagBytes();
      if (stream.state() == StreamStatus.State.UNREADABLE) {
        problems.add(stream.label() + ": " + stream.note());
      }
    }
    if (isCut) {
      problems.add("a glob matches too much, the rest is not read");
    }
    if (started && streams.isEmpty()) {
      problems.add("no file matches " + String.join(", ", patterns.list()));
    }
    long last = context.lastLineAtMillis();
    return new SourceStatus(
        name,
        "file",
        context.lines(),
        context.bytes(),
        rate.update(context.lines()),
        lag,
        last < 0 ? null : Instant.ofEpochMilli(last),
        context.errors(),
        problems,
        streams);
  }

  int openFiles() {
    return context.openFiles();
  }

  @Override
  public void close() {
    context.followed().values().forEach(FollowedPath::close);
  }
}
