package io.ipsentry.watcher.source;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One path, and every file that rotation puts there: finds out what is at the path, where the files
 * went that were there, and keeps the {@link FileChain} that is read.
 *
 * <p>Confined to the polling thread.
 */
final class FollowedPath {
  /** After a failure the path is tried again in this time. */
  static final Duration RETRY = Duration.ofSeconds(2);

  /** A file may be taken over by another path once its own has been missing for so long. */
  private static final Duration ORPHANED = Duration.ofSeconds(2);

  private static final Logger logger = LoggerFactory.getLogger(FollowedPath.class);

  private final ReadContext context;
  private final Path path;
  private final KnownFiles known;
  private final FileChain chain;
  private final FileOpener opener;
  private final RotatedParts parts;
  private Path realPath;
  private Set<Path> places;

  /** Bytes at the end of the file that are wanted; null: all of it. */
  private @Nullable Long wantedTail;

  private boolean isNew = true;

  /** Nothing was at the path at the first look, so that whatever was there since is news. */
  private boolean wasMissing;

  private @Nullable SavedFile startFrom;
  private List<SavedFile> toResume = List.of();

  private boolean lookDue = true;
  private long lookedAt;
  private @Nullable Long retryAt;
  private @Nullable Long missingSince;
  private @Nullable FileFacts foreign;
  private @Nullable FollowedPath foreignOwner;
  private boolean copy;
  private String trouble = "";
  private String remark = "";

  /**
   * @param wantedTail of what the file holds at the first look, so many bytes at its end are
   *     wanted; null: all of it
   */
  FollowedPath(ReadContext context, Path path, @Nullable Long wantedTail) {
    this.context = context;
    this.path = path;
    this.wantedTail = wantedTail;
    realPath = path;
    places = SymbolicLinks.places(path);
    known = new KnownFiles(this, context.owners());
    chain = new FileChain(context, this, known, path.toString());
    opener = new FileOpener(context);
    parts = new RotatedParts(context, this, chain, known, opener);
    lookedAt = context.nanos();
  }

  /** Goes on where a checkpoint says; before the first look. */
  void resume(SavedStream saved) {
    wantedTail = null;
    isNew = false;
    realPath = saved.realPath();
    toResume = saved.files();
    wasMissing = saved.files().isEmpty();
    saved.known().forEach(known::add);
  }

  // ---- looking ----

  /** Finds out which file is at the path now. */
  void look() {
    long now = context.nanos();
    Long retry = retryAt;
    if (retry != null && now - retry < 0) {
      return;
    }
    retryAt = null;
    lookDue = false;
    lookedAt = now;
    try {
      List<SavedFile> saved = toResume;
      if (!saved.isEmpty()) {
        boolean atPath = parts.resume(saved);
        toResume = List.of();
        if (atPath) {
          relocate();
        }
      }
      parts.reopen();
      parts.searchOn();
      lookAt(stat());
      lookDue |= parts.isCutShort();
      if (!trouble.isEmpty()) {
        logger.atInfo().addKeyValue("file", path).log("File can be read again");
        trouble = "";
      }
    } catch (NoSuchFileException e) {
      moved(e);
    } catch (IOException e) {
      failed(e);
    }
  }

  /** Something was renamed while it was looked for; that is no failure. */
  private void moved(NoSuchFileException e) {
    logger.atDebug().addKeyValue("file", path).setCause(e).log("File went while it was looked at");
    lookDue = true;
  }

  private void failed(IOException e) {
    String what =
        e instanceof AccessDeniedException
            ? "permission denied; let the user of ip-sentry read it, for instance by its group"
            : String.valueOf(e);
    context.countError();
    retryAt = context.nanos() + RETRY.toNanos();
    lookDue = true;
    if (!what.equals(trouble)) {
      trouble = what;
      logger
          .atWarn()
          .addKeyValue("file", path)
          .addKeyValue("cause", what)
          .addKeyValue("retry", RETRY)
          .log("File cannot be read");
    }
  }

  private @Nullable FileFacts stat() throws IOException {
    try {
      FileFacts facts = FileFacts.of(path);
      remark = facts.regular() ? "" : "not a regular file";
      return facts.regular() ? facts : null;
    } catch (NoSuchFileException | NotDirectoryException e) {
      return null;
    }
  }

  private void lookAt(@Nullable FileFacts facts) throws IOException {
    Long tail = wantedTail;
    wantedTail = null;
    if (isNew) {
      isNew = false;
      wasMissing = facts == null;
      if (facts != null) {
        relocate();
      }
      parts.rememberRotated();
    }
    if (facts == null) {
      if (missingSince == null) {
        missingSince = context.nanos();
      }
      foreign = null;
      copy = false;
      letGo();
      return;
    }
    missingSince = null;
    TailedFile here = chain.current();
    if (here != null && here.id().equals(facts.id())) {
      stillHere(here, facts);
      return;
    }
    if (tail != null && tail < facts.size()) {
      SavedFile tailOnly = SavedFile.unread(facts).at(facts.size() - tail);
      startFrom = tail == 0 ? tailOnly : tailOnly.insideALine();
    }
    FollowedPath owner = owner(facts, path);
    if (owner == null) {
      arrived(facts);
    } else if (owner.equals(this)) {
      bringBack(facts);
    } else {
      belongsTo(owner, facts);
    }
  }

  private void stillHere(TailedFile here, FileFacts facts) throws IOException {
    here.seen(facts, context.nanos());
    if (!here.isOpen() && here.hasUnread()) {
      if (here.position() > facts.size()
          || opener.at(path, facts.id(), here) == FileOpener.Opened.DIFFERENT) {
        parts.truncated(here);
        opener.at(path, facts.id(), here);
      }
    }
  }

  /** The file is another stream's: leaves it there, unless that one has done with it. */
  private void belongsTo(FollowedPath owner, FileFacts facts) throws IOException {
    letGo();
    foreign = facts;
    foreignOwner = owner;
    Optional<SavedFile> left = owner.leave(facts);
    if (left.isPresent()) {
      foreign = null;
      begin(left.get(), facts);
    }
  }

  /** Gives up a file that another path has and this one does not read on, if there is one. */
  private Optional<SavedFile> leave(FileFacts facts) {
    Optional<SavedFile> finished = known.get(facts.id());
    if (finished.isPresent()) {
      return finished.get().position() < facts.size() ? known.remove(facts.id()) : Optional.empty();
    }
    Long since = missingSince;
    Optional<TailedFile> draining = chain.get(facts.id());
    if (draining.isEmpty()
        || since == null
        || context.nanos() - since < ORPHANED.toNanos()
        || draining.get().equals(chain.current())) {
      return Optional.empty();
    }
    chain.close(draining.get());
    chain.remove(draining.get());
    return draining.map(TailedFile::savedAtPosition);
  }

  /** A file that nobody reads is at the path. */
  private void arrived(FileFacts facts) throws IOException {
    FileFacts before = foreign;
    if (before != null && before.id().equals(facts.id()) && before.size() <= facts.size()) {
      // Another stream has read this much of it and has forgotten it since.
      if (before.size() < facts.size()) {
        begin(SavedFile.unread(facts).at(before.size()), facts);
      }
      return;
    }
    copy = isCopyOfAnother(facts);
    if (copy) {
      letGo();
      return;
    }
    SavedFile from = startFrom;
    boolean isFirst =
        from != null && from.id().equals(facts.id()) && from.position() <= facts.size();
    begin(isFirst && from != null ? from : SavedFile.unread(facts), facts);
  }

  private boolean isCopyOfAnother(FileFacts facts) throws IOException {
    Path real = path.toRealPath();
    for (FollowedPath other : context.followed().values()) {
      if (!other.equals(this) && other.parts.hasCopy(real, facts)) {
        foreignOwner = other;
        return true;
      }
    }
    return false;
  }

  private void begin(SavedFile from, FileFacts facts) throws IOException {
    Optional<SavedFile> last = newest();
    letGo();
    if (last.isPresent()) {
      parts.addMissed(last.get());
    }
    TailedFile next = new TailedFile(from, context.nanos());
    FileOpener.Opened opened = opener.at(path, facts.id(), next);
    if (opened == FileOpener.Opened.DIFFERENT) {
      next.startOver();
      opened = opener.at(path, facts.id(), next);
    }
    if (opened != FileOpener.Opened.YES) {
      lookDue = true;
      return;
    }
    if (from.equals(startFrom)) {
      next.skipToLineStart(context.probe());
    }
    startFrom = null;
    foreign = null;
    copy = false;
    chain.append(next);
    chain.current(next);
    relocate();
  }

  private Optional<SavedFile> newest() {
    if (!chain.files().isEmpty()) {
      return Optional.of(chain.files().getLast().saved());
    }
    return known
        .newest()
        .or(() -> wasMissing ? Optional.of(KnownFiles.nothingAt(0)) : Optional.empty());
  }

  /** A file that belongs to this stream is at the path again. */
  private void bringBack(FileFacts facts) throws IOException {
    Optional<TailedFile> draining = chain.get(facts.id());
    if (draining.isEmpty()) {
      Optional<SavedFile> saved = known.remove(facts.id());
      if (saved.isPresent()) {
        begin(saved.get(), facts);
      }
      return;
    }
    letGo();
    TailedFile back = draining.get();
    chain.remove(back);
    back.seen(facts, context.nanos());
    chain.append(back);
    chain.current(back);
    relocate();
  }

  private void relocate() throws IOException {
    realPath = path.toRealPath();
    places = SymbolicLinks.places(path);
  }

  /** Whose file it is that lies at {@code at}; null if it is nobody's. */
  private @Nullable FollowedPath owner(FileFacts facts, Path at) throws NoSuchFileException {
    FollowedPath owner = context.owners().get(facts.id());
    return owner == null || !owner.holds(facts, at) ? null : owner;
  }

  /**
   * Whether some stream has the file at {@code at}.
   *
   * @throws NoSuchFileException if it is not there any more
   */
  boolean isTaken(FileFacts facts, Path at) throws NoSuchFileException {
    return owner(facts, at) != null;
  }

  /** Whether the file with that number at {@code at} is really this stream's. */
  private boolean holds(FileFacts facts, Path at) throws NoSuchFileException {
    Optional<TailedFile> file = chain.get(facts.id());
    if (file.isPresent()) {
      if (file.get().isOpen() || KnownFiles.fits(file.get().saved(), facts, at)) {
        return true;
      }
      parts.drop(file.get());
      return false;
    }
    Optional<SavedFile> saved = known.get(facts.id());
    if (saved.isPresent() && !KnownFiles.fits(saved.get(), facts, at)) {
      // Another file has got its number; it may itself be there compressed.
      known.remove(facts.id()).ifPresent(known::addContent);
      return false;
    }
    return saved.isPresent();
  }

  // ---- rotation ----

  /** The file that was at the path is there no longer; it is read to its end from now on. */
  private void letGo() throws IOException {
    TailedFile old = chain.current();
    if (old == null) {
      return;
    }
    if (!old.isOpen()) {
      // It was closed to save descriptors; what it got since then is under its new name.
      parts.reopen(old);
      return;
    }
    chain.release();
  }

  // ---- reading ----

  /**
   * Looks if that is due and delivers what is there, about {@code maxBytes}.
   *
   * @return bytes read; complemented ({@code ~bytes}) when there is more at once
   */
  int read(int maxBytes) {
    if (lookDue) {
      look();
    }
    if (!toResume.isEmpty()) {
      // Positions must not move on before every file of the checkpoint is found again.
      return 0;
    }
    try {
      return switch (chain.read(maxBytes)) {
        case FileChain.Result.AtEnd(int bytes) -> bytes;
        case FileChain.Result.More(int bytes) -> ~bytes;
        case FileChain.Result.Truncated(TailedFile file, int bytes) -> {
          parts.truncated(file);
          yield ~bytes;
        }
      };
    } catch (NoSuchFileException e) {
      moved(e);
      return 0;
    } catch (IOException e) {
      failed(e);
      return 0;
    }
  }

  /** Something happened; {@code entry}: to the name, not just to the content. */
  void changed(boolean entry) {
    TailedFile here = chain.current();
    lookDue |= entry || here == null || !here.isOpen();
  }

  /** Whether a read may find something: by the sizes, or because a look is due. */
  boolean isReady(Duration lookInterval) {
    long now = context.nanos();
    if (now - lookedAt >= lookInterval.toNanos()) {
      lookDue = true;
    }
    if (lookDue) {
      Long retry = retryAt;
      return retry == null || now - retry >= 0;
    }
    if (chain.isDraining()) {
      return true;
    }
    TailedFile here = chain.current();
    try {
      return here != null && here.grown(now);
    } catch (IOException e) {
      failed(e);
      return false;
    }
  }

  /** Closes the file at the path if all of it is read; it is opened again when it has grown. */
  void closeIdle() {
    TailedFile here = chain.current();
    if (here != null && !here.hasUnread()) {
      chain.close(here);
    }
  }

  /** How long ago the path went missing; zero while there is something. */
  Duration missingFor() {
    Long since = missingSince;
    return since == null || chain.isDraining()
        ? Duration.ZERO
        : Duration.ofNanos(context.nanos() - since);
  }

  boolean lookDue() {
    return lookDue;
  }

  boolean isDraining() {
    return chain.isDraining();
  }

  int draining() {
    return chain.files().size() - (chain.current() == null ? 0 : 1);
  }

  long grewAtNanos() {
    TailedFile here = chain.current();
    return here == null ? lookedAt : here.grewAtNanos();
  }

  Path path() {
    return path;
  }

  Path realPath() {
    return realPath;
  }

  /** The path and every step of its symbolic links: where a change may announce itself. */
  Set<Path> places() {
    return places;
  }

  // ---- state ----

  SavedStream saved() {
    if (!toResume.isEmpty()) {
      return new SavedStream(path, realPath, toResume, known.toList());
    }
    List<SavedFile> files = new ArrayList<>(parts.unfinished());
    chain.files().forEach(file -> files.add(file.saved()));
    return new SavedStream(path, realPath, files, known.toList());
  }

  List<StreamStatus> status() {
    List<StreamStatus> all = new ArrayList<>();
    for (TailedFile file : chain.files()) {
      boolean here = file.equals(chain.current());
      StreamStatus.State state = here ? StreamStatus.State.FOLLOWING : StreamStatus.State.DRAINING;
      all.add(status(file, here && !trouble.isEmpty() ? StreamStatus.State.UNREADABLE : state));
    }
    if (chain.current() == null) {
      all.add(status(null, absent()));
    }
    return all;
  }

  private StreamStatus.State absent() {
    if (foreign != null || copy) {
      return StreamStatus.State.SAME_FILE;
    }
    return trouble.isEmpty() ? StreamStatus.State.WAITING : StreamStatus.State.UNREADABLE;
  }

  private StreamStatus status(@Nullable TailedFile file, StreamStatus.State state) {
    FollowedPath other = foreignOwner;
    String note =
        switch (state) {
          case SAME_FILE -> (copy ? "copy of " : "read as ") + (other == null ? "" : other.path);
          case UNREADABLE -> trouble;
          case WAITING -> remark.isEmpty() ? "no such file yet" : remark;
          case DRAINING -> "rotated away";
          case FOLLOWING, ENDED -> parts.loss();
        };
    if (file == null) {
      return new StreamStatus(path.toString(), state, 0, 0, 0, 0, 0, null, chain.format(), note);
    }
    long last = file.lastLineAtMillis();
    return new StreamStatus(
        path.toString(),
        state,
        file.id().inode(),
        file.position(),
        file.position() + file.lag(),
        file.lag(),
        file.lines(),
        last < 0 ? null : Instant.ofEpochMilli(last),
        chain.format(),
        note);
  }

  void close() {
    chain.closeAll();
  }

  /** The path is not followed any more. */
  void end() {
    chain.end();
    known.clear();
  }
}
